// SPDX-License-Identifier: Apache-2.0
/* The state file as AML sees it: the header, and a working copy of one DIMM's page. */

/* The state file's address */
Method (BASE, 0, NotSerialized) { Return ((\_SB.PCI0.NVSM.BAR2 & 0xFFFFFFF0)) }

/* The page at hand: TAKE reads a DIMM's page into it, KEEP writes it back. */
Name (PAGE, Buffer (PAGE_SIZE) {})
CreateByteField (PAGE, D_STATE, STAT)
CreateByteField (PAGE, D_MASTER_STATE, MSTA)
CreateByteField (PAGE, D_TRIES, TRYS)
CreateByteField (PAGE, D_MASTER_TRIES, MTRY)
CreateDWordField (PAGE, D_BUSY_ANSWERS_LEFT, BUSY)
CreateDWordField (PAGE, D_ADDRESS, ADRL)
CreateDWordField (PAGE, D_ADDRESS + 4, ADRH)
CreateDWordField (PAGE, D_SIZE, SIZL)
CreateDWordField (PAGE, D_BIOS_FREEZES, BIOS)
CreateField (PAGE, D_PASSPHRASE * 8, 256, PASS)
CreateField (PAGE, D_MASTER_PASSPHRASE * 8, 256, MPAS)
CreateDWordField (PAGE, D_ACCEPTED, CACC)
CreateDWordField (PAGE, D_REFUSED, CREF)
CreateDWordField (PAGE, D_REFUSED_ZERO, CZER)
CreateDWordField (PAGE, D_MASTER_ACCEPTED, CMAC)
CreateDWordField (PAGE, D_MASTER_REFUSED, CMRE)
CreateDWordField (PAGE, D_MASTER_REFUSED_ZERO, CMZE)
CreateDWordField (PAGE, D_UNLOCKS, CUNL)
CreateDWordField (PAGE, D_FREEZES, CFRZ)
CreateDWordField (PAGE, D_WIPES, CWIP)
CreateDWordField (PAGE, D_CALLS, CALL)
CreateDWordField (PAGE, D_LAST_FUNCTION, LFUN)
CreateDWordField (PAGE, D_LAST_STATUS, LSTA)

/* (slot) */
Method (TAKE, 1, Serialized)
{
    OperationRegion (PREG, SystemMemory, (BASE () + (PAGES + (Arg0 * PAGE_SIZE))), PAGE_SIZE)
    Field (PREG, DWordAcc, NoLock, Preserve) { BYTS, 2048 }
    PAGE = BYTS
}

/* (slot) */
Method (KEEP, 1, Serialized)
{
    OperationRegion (PREG, SystemMemory, (BASE () + (PAGES + (Arg0 * PAGE_SIZE))), PAGE_SIZE)
    Field (PREG, DWordAcc, NoLock, Preserve) { BYTS, 2048 }
    BYTS = PAGE
}

/* (offset in the header): a number there */
Method (HEAD, 1, Serialized)
{
    OperationRegion (HREG, SystemMemory, (BASE () + Arg0), 0x04)
    Field (HREG, DWordAcc, NoLock, Preserve) { NUMB, 32 }
    Return (NUMB)
}

/* (offset in the header, number) */
Method (SETH, 2, Serialized)
{
    OperationRegion (HREG, SystemMemory, (BASE () + Arg0), 0x04)
    Field (HREG, DWordAcc, NoLock, Preserve) { NUMB, 32 }
    NUMB = Arg1
}

/* (number): its four bytes in the other order */
Method (SWAP, 1, NotSerialized)
{
    Local0 = ((Arg0 & 0xFF) << 24)
    Local0 |= ((Arg0 & 0xFF00) << 8)
    Local0 |= ((Arg0 >> 8) & 0xFF00)
    Return ((Local0 | (Arg0 >> 24)))
}

/* The port that starts fw_cfg's DMA: the address of a descriptor, high half first */
OperationRegion (PORT, SystemIO, 0x0514, 0x08)
Field (PORT, DWordAcc, NoLock, Preserve) { DESH, 32, DESL, 32 }

/*
 * Zero the media of the DIMM at hand. AML would take minutes; QEMU's fw_cfg DMA does it at once:
 * reading an entry that does not exist fills the destination with zeros.
 */
Method (WIPE, 0, Serialized)
{
    OperationRegion (DREG, SystemMemory, (BASE () + H_DMA), 0x10)
    Field (DREG, DWordAcc, NoLock, Preserve) { CTRL, 32, DLEN, 32, DSTH, 32, DSTL, 32 }
    DLEN = SWAP (SIZL)
    DSTH = SWAP (ADRH)
    DSTL = SWAP (ADRL)
    CTRL = SWAP (0xFFFF000A)                // entry FFFFh, select and read
    DESH = Zero
    DESL = SWAP ((BASE () + H_DMA))         // starts it; done when the write returns
    CWIP++
}
