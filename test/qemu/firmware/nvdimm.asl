// SPDX-License-Identifier: Apache-2.0
/*
 * Firmware of NVDIMMs with a passphrase lock: Intel's _DSM interface v1.8 for NVDIMMs, labels
 * and security, in place of the SSDT that QEMU makes for its NVDIMMs.
 *
 * Signature, OEM id and OEM table id are those of QEMU's table and the revision is higher: that
 * is how Linux' table upgrade knows which table to replace.
 *
 * QEMU's DSDT has revision 1, so integers have 32 bits in every table, and all addresses that
 * AML computes must lie below 4 GiB.
 */
#include "layout.h"

/* Status codes of the _DSM functions */
#define ST_OK 0
#define ST_NOT_SUPPORTED 1
#define ST_INVALID_INPUT 3
#define ST_WRONG_STATE 10
#define ST_WRONG_PASSPHRASE 11
#define ST_OVERWRITE_RUNS 0x00010007
#define ST_NO_OVERWRITE 0x00020007
#define ST_LABELS_LOCKED 0x00010000

DefinitionBlock ("nvdimm.aml", "SSDT", 1, "BOCHS ", "NVDIMM", 0x1000)
{
    External (\_SB.PCI0, DeviceObj)

    Scope (\_SB.PCI0)
    {
        /* The ivshmem device: its BAR 2 is the state file. */
        Device (NVSM)
        {
            Name (_ADR, 0x00100000)         // slot 10h, function 0: the launcher puts it there
            OperationRegion (CONF, PCI_Config, Zero, 0x40)
            Field (CONF, DWordAcc, NoLock, Preserve)
            {
                Offset (0x04),
                COMM, 32,
                Offset (0x10),
                BAR0, 32,                   // ivshmem's registers
                Offset (0x18),
                BAR2, 32,                   // low half, high half
                BAR3, 32
            }

            /* OVMF puts BAR 2 above 4 GiB. Linux has not looked at the bus yet: move it. */
            Method (_INI, 0, Serialized)
            {
                If ((BAR3 == Zero)) { Return }
                Local0 = (COMM & 0xFFFF)    // the upper half, status, is cleared by writing ones
                COMM = (Local0 & 0xFFFD)    // no memory decoding while the address changes
                BAR3 = Zero
                BAR2 = 0xFC000000
                COMM = (Local0 | 0x02)
            }
        }
    }

    Scope (\_SB)
    {
        Device (NVDR)
        {
            Name (_HID, "ACPI0012")
#include "memory.asl"
#include "power.asl"
#include "security.asl"
#include "labels.asl"

            /* The root device has no functions of its own. */
            Method (_DSM, 4, NotSerialized) { Return (Buffer (One) { 0x00 }) }

            /* A status as a function's whole answer */
            Method (ANSW, 1, Serialized)
            {
                Name (BUFF, Buffer (0x04) {})
                CreateDWordField (BUFF, Zero, STTS)
                STTS = Arg0
                Return (BUFF)
            }

            /* The _DSM of every DIMM: (slot, UUID, revision, function, arguments) */
            Method (NDSM, 5, Serialized)
            {
                If ((Arg1 != ToUUID ("4309ac30-0d11-11e4-9191-0800200c9a66")))
                {
                    Return (Buffer (One) { 0x00 })
                }
                If ((Arg3 == Zero))         // a bit for each function below
                {
                    Return (Buffer (0x04) { 0x71, 0x00, 0xF8, 0x1F })
                }
                WAKE ()
                TAKE (Arg0)
                Local0 = Buffer (One) {}
                If (((ObjectType (Arg4) == 0x04) && (SizeOf (Arg4) > Zero)))
                {
                    Local0 = DerefOf (Arg4 [Zero])
                }
                Switch (ToInteger (Arg3))
                {
                    Case (4) { Local1 = LSIZ () }
                    Case (5) { Local1 = LGET (Arg0, Local0) }
                    Case (6) { Local1 = ANSW (LSET (Arg0, Local0)) }
                    Case (19) { Local1 = SGET () }
                    Default
                    {
                        Local1 = ANSW (SCAL (Arg3, Local0))
                        If (MUTE ()) { Local1 = Zero }  // the kernel wants a buffer
                    }
                }
                KEEP (Arg0)
                Return (Local1)
            }

#include "dimms.asl"
        }
    }
}
