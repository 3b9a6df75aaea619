// SPDX-License-Identifier: Apache-2.0
/* What DIMMs do when the power comes, and when the machine is reset. */

/* Power-on: a DIMM with a passphrase is locked; nothing else of the last session is left. */
Method (COLD, 0, NotSerialized)
{
    STAT &= S_ENABLED
    If (STAT) { STAT |= S_LOCKED }
    If (BIOS) { STAT |= S_FROZEN }
    MSTA &= M_ENABLED
    TRYS = Zero
    MTRY = Zero
    BUSY = Zero
}

/*
 * Warm reset of a machine whose DIMMs keep their state: the freeze ends, as it lasts for one run
 * of the system; a used-up attempt limit stays, or resetting would be a way around it.
 */
Method (WARM, 0, NotSerialized)
{
    STAT &= (0xFF ^ S_FROZEN)
    If (BIOS) { STAT |= S_FROZEN }
}

/*
 * Has the machine been reset since we last looked? Every reset clears ivshmem's interrupt mask,
 * which nobody else uses: a mark there says that this reset has been dealt with.
 */
Method (WAKE, 0, Serialized)
{
    OperationRegion (REGS, SystemMemory, (\_SB.PCI0.NVSM.BAR0 & 0xFFFFFFF0), 0x10)
    Field (REGS, DWordAcc, NoLock, Preserve) { MASK, 32 }
    If (((MASK == MAGIC) || (HEAD (H_MAGIC) != MAGIC))) { Return }
    MASK = MAGIC
    Local0 = HEAD (H_COLD)
    SETH (H_COLD, Zero)
    If (Local0) { SETH (H_POWER_ONS, (HEAD (H_POWER_ONS) + One)) }
    Else { SETH (H_WARM_RESETS, (HEAD (H_WARM_RESETS) + One)) }
    Local1 = (Local0 || (HEAD (H_WARM_KEEPS) == Zero))
    For (Local2 = Zero, (Local2 < HEAD (H_DIMMS)), Local2++)
    {
        TAKE (Local2)
        If (Local1) { COLD () }
        Else { WARM () }
        KEEP (Local2)
    }
}

/* A DIMM locks when the power comes, not when the system first asks. */
Method (_INI, 0, Serialized) { WAKE () }
