// SPDX-License-Identifier: Apache-2.0
/*
 * The state file (dimms.state): what the DIMMs' firmware remembers.
 *
 * The guest sees it as BAR 2 of an ivshmem device, the host as a file. This is the only place
 * which says where things are: the ASL includes it, bed/dimms.py parses its #define lines.
 * Numbers are little-endian.
 */

#define STATE_SIZE 0x1000000
#define MAX_DIMMS 48

/* Header: the machine. "cut": lives until the power is cut. */
#define MAGIC 0x4D49444E
#define H_MAGIC 0x00
#define H_DIMMS 0x04
/* how often this machine was powered on, and reset while powered */
#define H_POWER_ONS 0x08
#define H_WARM_RESETS 0x0C
/* wrong passphrases until a DIMM refuses all; 0: no limit */
#define H_MAX_TRIES 0x10
/* times that a running overwrite answers "in progress" */
#define H_BUSY_ANSWERS 0x14
/* 1: a warm reset keeps unlocked DIMMs unlocked */
#define H_WARM_KEEPS 0x18
/* 1: the power has just come; the launcher sets it, the firmware clears it */
#define H_COLD 0x1C
/* N: of the security functions that are called from now on the N-th is done, and does not answer */
#define H_MUTE 0x20
/* scratch: the fw_cfg DMA descriptor of a wipe */
#define H_DMA 0x40

/* One page for each DIMM: page 0 begins at PAGES. */
#define PAGES 0x1000
#define PAGE_SIZE 0x100

#define D_STATE 0x00
#define D_MASTER_STATE 0x01
/* wrong passphrases in a row; the power-on and the right one clear them */
#define D_TRIES 0x02
#define D_MASTER_TRIES 0x03
#define D_BUSY_ANSWERS_LEFT 0x04
/* where the guest finds the media (64 bits each) */
#define D_ADDRESS 0x08
#define D_SIZE 0x10
/* 1: the machine's BIOS freezes the DIMM before the system starts */
#define D_BIOS_FREEZES 0x18
#define D_PASSPHRASE 0x20
#define D_MASTER_PASSPHRASE 0x40

/* Counters, 32 bits each; only the dimm tool clears them. */
/* user passphrases compared: right, wrong, and of the wrong ones those of 32 zero bytes */
#define D_ACCEPTED 0x80
#define D_REFUSED 0x84
#define D_REFUSED_ZERO 0x88
/* the same for the master passphrase */
#define D_MASTER_ACCEPTED 0x8C
#define D_MASTER_REFUSED 0x90
#define D_MASTER_REFUSED_ZERO 0x94
#define D_UNLOCKS 0x98
#define D_FREEZES 0x9C
#define D_WIPES 0xA0
/* security functions called, all but Get Security State, whatever they answered */
#define D_CALLS 0xA4
#define D_LAST_FUNCTION 0xA8
#define D_LAST_STATUS 0xAC

/* Bits of D_STATE */
#define S_ENABLED 0x02
#define S_LOCKED 0x04
#define S_FROZEN 0x08
#define S_EXPIRED 0x10
#define S_OVERWRITE 0x40

/* Bits of D_MASTER_STATE */
#define M_ENABLED 0x01
#define M_EXPIRED 0x02

/* The label areas: LABEL_SIZE for each DIMM, read and written in pieces of LABEL_PIECE at most. */
#define LABELS 0x100000
#define LABEL_SIZE 0x20000
#define LABEL_PIECE 0x400
#define LABEL_PIECE_BITS 0x2000
