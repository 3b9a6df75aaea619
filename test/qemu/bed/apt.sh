# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For tools that take packages of one Debian suite: apt with lists of its own, so that neither the
# host's sources nor its state matter. Variable: NVUNLOCK_MIRROR (a Debian mirror).

# use_suite SUITE DIRECTORY [deb-src]: for apt's programs from here on; their state goes to
# DIRECTORY. deb-src: for packages of source.
use_suite() {
  mkdir -p "$2/lists/partial"
  cat >"$2/suite.sources" <<END
Types: ${3:-deb}
URIs: ${NVUNLOCK_MIRROR:-http://deb.debian.org/debian}
Suites: $1
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
  cat >"$2/apt.conf" <<END
Dir::Etc::sourcelist "$2/suite.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$2/lists";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Sandbox::User "root";
END
  export APT_CONFIG=$2/apt.conf
  apt-get -qq -o APT::Update::Error-Mode=any update ||
    fail "no package lists of $1: check the network or set NVUNLOCK_MIRROR"
}

# download DIRECTORY PACKAGE...: the newest of the suite.
download() {
  local directory=$1
  shift
  (cd "$directory" && apt-get -qq download "$@") || fail "cannot download $*: try again"
}
