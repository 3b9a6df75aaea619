# SPDX-License-Identifier: Apache-2.0
# nvunlock: unlocks persistent-memory DIMMs at boot with a key that the TPM keeps.
#
# Variables, to be given on the command line:
#   PREFIX          where things are installed                  [/usr/local]
#   DESTDIR         put in front of PREFIX when packaging       []
#   UNITDIR         systemd units                               [$(PREFIX)/lib/systemd/system]
#   UDEVDIR         udev rules                                  [$(PREFIX)/lib/udev/rules.d]
#   MODPROBEDIR     modprobe.d files                            [$(PREFIX)/lib/modprobe.d]
#   COMPLETIONDIR   bash completions         [$(PREFIX)/share/bash-completion/completions]
#   DRACUTDIR       dracut modules; when empty, none            [/usr/lib/dracut/modules.d]
#   INITRAMFSTOOLSDIR  the same for initramfs-tools             [/usr/share/initramfs-tools]
#   MKINITCPIODIR   the same for mkinitcpio                     [/usr/lib/initcpio]
#   SYSCONFDIR      configuration                               [/etc]
#   ANNOUNCEDIR     hooks of Debian's kernels and of GRUB; when empty, none [$(SYSCONFDIR)]
#   CXX, CXXFLAGS   compiler, and its flags on top of ours      [g++, -Os]
#   BUILD           where everything is built                   [build]
#   NVUNLOCK_CACHE  static libraries and kernels, across clones [~/.cache/nvunlock]
#   KERNELS         stock kernels for unlock.bats, also 6.12      [6.1]

PREFIX ?= /usr/local
UNITDIR ?= $(PREFIX)/lib/systemd/system
UDEVDIR ?= $(PREFIX)/lib/udev/rules.d
MODPROBEDIR ?= $(PREFIX)/lib/modprobe.d
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
DRACUTDIR ?= /usr/lib/dracut/modules.d
INITRAMFSTOOLSDIR ?= /usr/share/initramfs-tools
MKINITCPIODIR ?= /usr/lib/initcpio
BUILD ?= build
CXXFLAGS ?= -Os
KERNELS ?= 6.1
SYSCONFDIR ?= /etc
ANNOUNCEDIR ?= $(SYSCONFDIR)
VERSION := 0.1.0
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += --jobs=$(shell nproc)
endif

sources := $(sort $(wildcard src/*.cc src/*/*.cc tpm/*.cc))
objects := $(sources:%.cc=$(BUILD)/%.o)
# The unit tests run the same sources once more, under sanitizers.
checked := $(filter-out src/main.cc src/base/link_stubs.cc,$(sources))
checked_objects := $(checked:%.cc=$(BUILD)/checked/%.o)
unit_tests := $(sort $(wildcard test/unit/*/*_test.cc))
fixtures := $(sort $(wildcard test/unit/support/*.cc))
# Tests whose names begin with the same letter are compiled together: they share what templates
# cost, which is most of it.
beginning_with = $(strip \
  $(foreach test,$(unit_tests),$(if $(filter $(1)%,$(notdir $(test))),$(test))))
letters := $(foreach letter,a b c d e f g h i j k l m n o p q r s t u v w x y z, \
  $(if $(call beginning_with,$(letter)),$(letter)))
test_groups := $(letters:%=$(BUILD)/checked/test/unit/all-%.o)
test_objects := $(fixtures:%.cc=$(BUILD)/checked/%.o) $(test_groups)

cpp_files := $(sort $(wildcard src/*.cc src/*/*.cc src/*/*.h tpm/*.cc tpm/*.h test/*/*.cc test/*/*.h test/unit/*/*.cc test/unit/*/*.h))
shell_files = $(shell git ls-files -co --exclude-standard | \
  xargs grep -lE '^(\#!(/bin/(ba)?sh|/usr/bin/env bats)|\# shellcheck shell=)')

.PHONY: all
all: $(BUILD)/nvunlock man  ## build the static binary and the man pages

# --- what is built first: static libraries that Debian does not ship

# Goals that need no compiler leave the libraries alone.
unbuilt_goals := deps clean help format uninstall
ifneq ($(filter-out $(unbuilt_goals),$(or $(MAKECMDGOALS),all)),)
include $(BUILD)/libraries.mk
endif

$(BUILD)/libraries.mk: $(filter-out deps/recipes,$(wildcard deps/* deps/recipes/*))
	deps/install build
	@mkdir -p $(@D)
	tss=$$(deps/build tpm2-tss) && kmod=$$(deps/build kmod) && \
	  printf 'tss := %s\nkmod := %s\n' "$$tss" "$$kmod" >$@

.PHONY: deps
deps:  ## install Debian packages (as root) and build static libtss2 and libkmod into the cache
	deps/install build lint test vm
	$(MAKE) $(BUILD)/libraries.mk

# --- the binary

# No -fcf-protection: Debian's libc.a has no IBT marks, so it could not hold.
hardening := -fPIE -fstack-protector-strong -fstack-clash-protection \
  -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
compile_flags := -std=c++20 -Wall -Wextra -Werror -Wconversion -Wno-missing-field-initializers \
  $(hardening) -ffunction-sections -fdata-sections -fno-exceptions -MMD -MP \
  -I. -isystem $(tss)/include -isystem $(kmod)/include -DNVUNLOCK_VERSION='"$(VERSION)"'

# free and realloc wipe; the others are never reached, but static glibc warns of them.
wrapped := free realloc
stubbed := dlopen dlsym dlclose dlerror dladdr gethostbyname getnameinfo getaddrinfo \
  freeaddrinfo gai_strerror
link_flags := -static-pie -Wl,--gc-sections,--fatal-warnings \
  -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code,-z,pack-relative-relocs \
  $(foreach symbol,$(wrapped) $(stubbed),-Wl,--wrap=$(symbol))
libraries = $(tss)/lib/libtss2-esys.a $(tss)/lib/libtss2-sys.a $(tss)/lib/libtss2-mu.a \
  $(kmod)/lib/libkmod.a -lkeyutils -l:libqrcodegen.a -lcrypto

$(BUILD)/%.o: %.cc $(BUILD)/libraries.mk
	@mkdir -p $(@D)
	@echo "  CXX $<"
	@$(CXX) $(CXXFLAGS) $(compile_flags) -c -o $@ $<

# They hold the guard as it is installed.
$(BUILD)/src/unlock/guard.o $(BUILD)/checked/src/unlock/guard.o: system/00-nvunlock.conf

$(BUILD)/nvunlock: $(objects)
	@echo "  LINK $@"
	@$(CXX) $(CXXFLAGS) $(hardening) $(link_flags) -o $@.unstripped $(objects) $(libraries)
	@strip -o $@ $@.unstripped

# --- checks

sanitizers := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# The sanitizers' own code makes gcc 12 see uninitialized values where there are none.
check_flags = -std=c++20 -Wall -Wextra -Werror -Wno-missing-field-initializers \
  -Wno-maybe-uninitialized -O0 -g1 $(sanitizers) -MMD -MP -I. -isystem $(tss)/include -isystem $(kmod)/include

# The tests' own code goes without sanitizers: they would treble the time that it takes to compile.
# Of inline functions the linker takes the copies that come first, the checked ones.
$(BUILD)/checked/test/%: sanitizers =

# What nearly all tests include, compiled once.
test_headers := $(BUILD)/checked/test/unit/headers.h
$(test_headers).gch: test/unit/headers.h $(BUILD)/libraries.mk
	@mkdir -p $(@D)
	@echo "  CXX $<"
	@$(CXX) $(check_flags) -x c++-header -o $@ $<

$(test_objects): $(test_headers).gch
$(test_objects): private check_flags += -Winvalid-pch -include $(test_headers)

$(test_groups:.o=.cc): $(BUILD)/checked/test/unit/all-%.cc: always
	@mkdir -p $(@D)
	@printf '#include "%s"\n' $(call beginning_with,$*) >$@.new
	@cmp -s $@.new $@ || cp $@.new $@

$(test_groups): $(BUILD)/checked/test/unit/all-%.o: $(BUILD)/checked/test/unit/all-%.cc
	@echo "  CXX test/unit/*/$**_test.cc"
	@$(CXX) $(check_flags) -c -o $@ $<

.PHONY: always
always:

$(BUILD)/checked/%.o: %.cc $(BUILD)/libraries.mk
	@mkdir -p $(@D)
	@echo "  CXX $< (checked)"
	@$(CXX) $(check_flags) -c -o $@ $<

# What test/unit/support/clear_bus.cc puts itself in front of; no other program has it.
unit_wrapped := Esys_StartAuthSession Esys_TRSess_SetAttributes

$(BUILD)/unit-tests: $(checked_objects) $(test_objects)
	@echo "  LINK $@"
	@$(CXX) $(sanitizers) $(foreach symbol,$(wrapped) $(unit_wrapped),-Wl,--wrap=$(symbol)) \
	  -o $@ $^ $(libraries) \
	  -lgmock -lgtest -lgtest_main

tools := $(BUILD)/memory_watch $(BUILD)/kexec_boot $(BUILD)/kill_at $(BUILD)/dimm_memory $(BUILD)/fail_write
tested := $(BUILD)/nvunlock $(BUILD)/nvunlock-unprotected $(tools)
# Long ones first: all go through one queue.
qemu_suites := matrix crash images thief operations attacks $(KERNELS:%=unlock:%) emergency guard signed measured \
  hibernation killed recovery upstream bed faults sanitize remedies dracut secrets status ndctl

.PHONY: check
check: test-packages  ## all tests, as CI runs them
	$(MAKE) $(tested) $(BUILD)/unit-tests man
	test/run $(qemu_suites) unit cli

.PHONY: check-full
check-full: export CHECK := full
check-full: check  ## the same with every row of tests that otherwise run a sample; takes hours

.PHONY: check-unit
check-unit: $(BUILD)/unit-tests  ## unit tests: GoogleTest with sanitizers, swtpm, kernel keyrings
	test/run unit

.PHONY: check-cli
check-cli: $(BUILD)/nvunlock man  ## black-box tests: BATS, swtpm, a private user keyring
	test/run cli

.PHONY: check-qemu
check-qemu: $(tested)  ## boot tests: stock kernels, emulated DIMMs and TPM, dracut images
	test/run $(qemu_suites)

.PHONY: test-packages
test-packages:
	deps/install build test vm

.PHONY: demo
demo: vm-packages $(BUILD)/nvunlock  ## the whole path in a virtual machine, step by step
	test/qemu/demo

.PHONY: vm
vm: vm-packages $(BUILD)/nvunlock  ## a shell in a virtual machine with two DIMMs and a TPM
	test/qemu/shell

.PHONY: vm-packages
vm-packages:
	deps/install build vm

.PHONY: lint
lint:  ## formatting, floors, clang-tidy, shellcheck
	deps/install build lint
	lint/floors
	lint/tested
	lint/licence
	@echo "clang-format, shellcheck, shfmt" && clang-format --dry-run -Werror $(cpp_files) && \
	  shellcheck -x $(shell_files) && shfmt -d $(shell_files)
	lint/tidy -std=c++20 -I. -isystem $(tss)/include -isystem $(kmod)/include \
	  -DNVUNLOCK_VERSION='"$(VERSION)"'

.PHONY: format
format:  ## let the tools format everything
	clang-format -i $(cpp_files)
	shfmt -w $(shell_files)

# --- manual

.PHONY: picture
picture:  ## draw the rooms of the source anew: doc/rooms.svg
	deps/install picture
	doc/draw-rooms >doc/rooms.svg

manuals := $(patsubst doc/%.scd,$(BUILD)/%,$(wildcard doc/*.scd))

.PHONY: bench
bench: $(BUILD)/nvunlock man  ## an unseal, and what an image grows by, beside other tools'
	deps/install bench
	unshare --user --map-root-user bench/unseal
	bench/image_size

.PHONY: man
man: $(manuals)

$(manuals): $(BUILD)/%: doc/%.scd
	@mkdir -p $(@D)
	scdoc <$< >$@

# --- installation

bindir := $(PREFIX)/bin
libexecdir := $(PREFIX)/lib/nvunlock
mandir := $(PREFIX)/share/man
docdir := $(PREFIX)/share/doc/nvunlock
moduledir := $(DRACUTDIR:%=%/99nvunlock)
configuration := $(SYSCONFDIR)/nvunlock/nvunlock.conf

# What is installed, as words FILE:TARGET; install and uninstall both go by them.
into = $(foreach file,$(2),$(file):$(1)/$(notdir $(file)))
tree = $(shell test ! -d $(1) || find $(1) -type f -printf '%P\n' | sort)
below = $(if $(2),$(foreach file,$(call tree,$(1)),$(1)/$(file):$(2)/$(file)))
units = $(call into,$(UNITDIR),$(wildcard system/*.service))
# One script, under the names by which package managers run it before they change what boots.
announce = $(if $(ANNOUNCEDIR),$(foreach place, \
  kernel/preinst.d/nvunlock kernel/prerm.d/nvunlock grub.d/01_nvunlock, \
  update-hooks/announce:$(ANNOUNCEDIR)/$(place))) \
  update-hooks/announce:$(PREFIX)/lib/kernel/install.d/00-nvunlock.install
# What makers of images take from where their hooks are.
for_images := system/nvunlock-initrd.service system/nvunlock-latch.conf system/nvunlock-resume.conf
pages = $(foreach page,$(manuals),$(call into,$(mandir)/man$(subst .,,$(suffix $(page))),$(page)))
placed = $(call into,$(bindir),$(BUILD)/nvunlock) $(pages) $(units) \
  $(call into,$(libexecdir),packaging/before-removal) $(announce) \
  $(call into,$(UDEVDIR),system/90-nvunlock.rules) \
  $(call into,$(MODPROBEDIR),system/00-nvunlock.conf) \
  $(call into,$(docdir),README.md NEWS.md $(wildcard doc/*.md)) \
  $(call below,dracut-module,$(moduledir)) \
  $(if $(moduledir),$(call into,$(moduledir),$(for_images))) \
  $(call below,initramfs-tools-hook,$(INITRAMFSTOOLSDIR)) \
  $(call below,mkinitcpio-hook,$(MKINITCPIODIR)) \
  $(if $(MKINITCPIODIR),$(call into,$(MKINITCPIODIR),system/nvunlock-latch.conf system/nvunlock-resume.conf)) \
  $(call below,completions,$(COMPLETIONDIR))
# Units are enabled by links, as their [Install] sections say; whoever disagrees masks them.
wanted_by = $(shell sed -n "s/^WantedBy=\(.*\)/\1.wants/p; s/^RequiredBy=\(.*\)/\1.requires/p" system/$(1))
wants = $(foreach unit,$(notdir $(wildcard system/*.service)), \
  $(patsubst %,$(UNITDIR)/%/$(unit),$(call wanted_by,$(unit))))

targets = $(foreach pair,$(1),$(DESTDIR)$(lastword $(subst :, ,$(pair))))
installed = $(call targets,$(placed) $(wants))
own_directories = $(foreach directory,$(sort $(dir $(call targets,$(placed) $(configuration)))), \
  $(if $(findstring nvunlock,$(directory:$(DESTDIR)%=%)),$(directory)))

.PHONY: install
install: all  ## install below $(DESTDIR)$(PREFIX); a configuration file that is there stays
	@for pair in $(placed); do \
	  mode=0644; test ! -x $${pair%%:*} || mode=0755; \
	  install -D -m $$mode $${pair%%:*} $(DESTDIR)$${pair#*:} || exit; done
	@sed -i 's,@BINDIR@,$(bindir),' $(call targets,$(units))
	@for link in $(call targets,$(wants)); do \
	  mkdir -p $${link%/*} && ln -sf ../$${link##*/} $$link || exit; done
	@test -e $(DESTDIR)$(configuration) || \
	  install -D -m 0644 system/nvunlock.conf $(DESTDIR)$(configuration)
	@echo "installed: $(bindir)/nvunlock, and what belongs to it"

.PHONY: uninstall
uninstall:  ## remove what install put there; keys and a configuration that was changed stay
	@packaging/before-removal $(DESTDIR)
	rm -f $(installed)
	@! cmp -s system/nvunlock.conf $(DESTDIR)$(configuration) || rm $(DESTDIR)$(configuration)
	@for directory in $(own_directories); do \
	  test ! -d $$directory || rmdir --ignore-fail-on-non-empty $$directory; done

.PHONY: deb
deb: package-packages all  ## a Debian package in build, which lintian finds nothing wrong with
	packaging/deb $(VERSION)

.PHONY: rpm
rpm: package-packages all  ## an RPM package in build, which rpmlint finds nothing wrong with
	packaging/rpm $(VERSION)

.PHONY: arch
arch: package-packages all  ## an Arch Linux package in build
	packaging/arch $(VERSION)

.PHONY: lint-packages
lint-packages: deb rpm arch  ## build all packages, compare them, install and remove them (as root)
	packaging/lint $(VERSION)
	unshare --mount bats test/packages.bats

.PHONY: package-packages
package-packages:
	deps/install build package

.PHONY: clean
clean:  ## remove the build directory; the cache stays
	rm -rf $(BUILD)

.PHONY: help
help:  ## list the goals
	@sed -n 's/^\([a-z-]*\):.*##/\1:/p' Makefile | column -t -s: -l 2
	@echo; sed -n '/^# Variables/,/^$$/s/^# \?//p' Makefile

# --- controls: what the tests must notice the absence of

controls := $(sort $(wildcard test/controls/*.cc))
control_objects := $(controls:%.cc=$(BUILD)/%.o)
replaced := src/os/process src/base/secret src/base/wipe_stack src/base/wiping_free
unprotected_objects = $(filter-out $(replaced:%=$(BUILD)/%.o),$(objects)) $(control_objects)

$(BUILD)/nvunlock-unprotected: $(objects) $(control_objects)
	@echo "  LINK $@"
	@$(CXX) $(CXXFLAGS) $(hardening) $(filter-out $(wrapped:%=-Wl$(comma)--wrap=%),$(link_flags)) \
	  -s -o $@ $(unprotected_objects) $(libraries)

$(tools): $(BUILD)/%: test/tools/%.cc
	@mkdir -p $(@D)
	$(CXX) -std=c++20 -O2 -Wall -Wextra -Werror -I. -static -s -o $@ $<

$(BUILD)/kill_at: test/tools/changing_calls.h test/tools/other_process.h
$(BUILD)/fail_write: test/tools/other_process.h
$(BUILD)/dimm_memory: test/qemu/firmware/layout.h

comma := ,

-include $(objects:.o=.d) $(checked_objects:.o=.d) $(test_objects:.o=.d) $(control_objects:.o=.d)
