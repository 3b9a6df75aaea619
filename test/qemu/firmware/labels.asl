// SPDX-License-Identifier: Apache-2.0
/* The namespace label area of a DIMM. */

/* 4 Get Namespace Label Size: the whole answer. A locked DIMM says so here. */
Method (LSIZ, 0, Serialized)
{
    Name (BUFF, Buffer (12) {})
    CreateDWordField (BUFF, 0, BSTA)
    CreateDWordField (BUFF, 4, BSIZ)
    CreateDWordField (BUFF, 8, BPIE)
    BSTA = Zero
    If ((STAT & S_LOCKED)) { BSTA = ST_LABELS_LOCKED }
    BSIZ = LABEL_SIZE
    BPIE = LABEL_PIECE
    Return (BUFF)
}

/* (slot, offset): the address of a piece */
Method (LADR, 2, NotSerialized)
{
    Return ((BASE () + (LABELS + ((Arg0 * LABEL_SIZE) + Arg1))))
}

/* (offset, length): does it make sense? */
Method (LCHK, 2, NotSerialized)
{
    If (((Arg1 == Zero) || (Arg1 > LABEL_PIECE))) { Return (Zero) }
    Return (((Arg0 <= LABEL_SIZE) && ((Arg0 + Arg1) <= LABEL_SIZE)))
}

/* 5 Get Namespace Label Data (slot, input): the whole answer */
Method (LGET, 2, Serialized)
{
    If ((SizeOf (Arg1) < 8)) { Return (ANSW (ST_INVALID_INPUT)) }
    CreateDWordField (Arg1, 0, LOFF)
    CreateDWordField (Arg1, 4, LLEN)
    If (!LCHK (LOFF, LLEN)) { Return (ANSW (ST_INVALID_INPUT)) }
    OperationRegion (LREG, SystemMemory, LADR (Arg0, LOFF), LABEL_PIECE)
    Field (LREG, DWordAcc, NoLock, Preserve) { BYTS, LABEL_PIECE_BITS }
    Return (Concatenate (ANSW (ST_OK), Mid (BYTS, Zero, LLEN)))
}

/* 6 Set Namespace Label Data (slot, input): a status */
Method (LSET, 2, Serialized)
{
    If ((SizeOf (Arg1) < 8)) { Return (ST_INVALID_INPUT) }
    CreateDWordField (Arg1, 0, LOFF)
    CreateDWordField (Arg1, 4, LLEN)
    If (!LCHK (LOFF, LLEN)) { Return (ST_INVALID_INPUT) }
    If ((SizeOf (Arg1) < (LLEN + 8))) { Return (ST_INVALID_INPUT) }
    OperationRegion (LREG, SystemMemory, LADR (Arg0, LOFF), LABEL_PIECE)
    Field (LREG, DWordAcc, NoLock, Preserve) { BYTS, LABEL_PIECE_BITS }
    Local0 = Mid (BYTS, LLEN, (LABEL_PIECE - LLEN))
    BYTS = Concatenate (Mid (Arg1, 8, LLEN), Local0)
    Return (ST_OK)
}
