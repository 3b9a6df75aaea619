// SPDX-License-Identifier: Apache-2.0
/*
 * The security functions, on the page at hand. Each takes its input buffer and returns a status.
 * Passphrases are 32 bytes; functions that change one take the old and the new.
 */
Name (NULS, Buffer (32) {})

/* (wrong passphrases in a row): is that too many? */
Method (LIMT, 1, NotSerialized)
{
    Local0 = HEAD (H_MAX_TRIES)
    Return ((Local0 && (Arg0 >= Local0)))
}

/* (passphrase): compare with the user's and count */
Method (USER, 1, NotSerialized)
{
    If ((Arg0 == PASS))
    {
        CACC++
        TRYS = Zero
        Return (ST_OK)
    }
    CREF++
    If ((Arg0 == NULS)) { CZER++ }
    TRYS++
    If (LIMT (TRYS)) { STAT |= S_EXPIRED }
    Return (ST_WRONG_PASSPHRASE)
}

/* (passphrase): compare with the master's and count */
Method (MSTR, 1, NotSerialized)
{
    If ((Arg0 == MPAS))
    {
        CMAC++
        MTRY = Zero
        Return (ST_OK)
    }
    CMRE++
    If ((Arg0 == NULS)) { CMZE++ }
    MTRY++
    If (LIMT (MTRY)) { MSTA |= M_EXPIRED }
    Return (ST_WRONG_PASSPHRASE)
}

/* The media is wiped, and the user's lock goes with it; the master passphrase stays. */
Method (CLEA, 0, NotSerialized)
{
    WIPE ()
    PASS = NULS
    STAT = Zero
    TRYS = Zero
}

/* 19 Get Security State: the whole answer */
Method (SGET, 0, Serialized)
{
    Name (BUFF, Buffer (12) {})
    CreateByteField (BUFF, 4, BMST)
    CreateByteField (BUFF, 8, BSTA)
    BMST = MSTA
    BSTA = STAT
    Return (BUFF)
}

/* 20 Set Passphrase; without a lock the old one does not matter */
Method (SSET, 1, NotSerialized)
{
    If ((SizeOf (Arg0) < 64)) { Return (ST_INVALID_INPUT) }
    If ((STAT & (S_LOCKED | S_FROZEN | S_EXPIRED | S_OVERWRITE))) { Return (ST_WRONG_STATE) }
    If ((STAT & S_ENABLED))
    {
        Local0 = USER (Mid (Arg0, 0, 32))
        If (Local0) { Return (Local0) }
    }
    PASS = Mid (Arg0, 32, 32)
    STAT = S_ENABLED
    Return (ST_OK)
}

/* 21 Disable Passphrase */
Method (SDIS, 1, NotSerialized)
{
    If ((SizeOf (Arg0) < 32)) { Return (ST_INVALID_INPUT) }
    If ((STAT != S_ENABLED)) { Return (ST_WRONG_STATE) }
    Local0 = USER (Mid (Arg0, 0, 32))
    If (Local0) { Return (Local0) }
    PASS = NULS
    STAT = Zero
    Return (ST_OK)
}

/* 22 Unlock Unit */
Method (SUNL, 1, NotSerialized)
{
    If ((SizeOf (Arg0) < 32)) { Return (ST_INVALID_INPUT) }
    If ((STAT != (S_ENABLED | S_LOCKED))) { Return (ST_WRONG_STATE) }
    Local0 = USER (Mid (Arg0, 0, 32))
    If (Local0) { Return (Local0) }
    STAT = S_ENABLED
    CUNL++
    Return (ST_OK)
}

/* 23 Freeze Lock */
Method (SFRZ, 0, NotSerialized)
{
    If (((STAT & S_ENABLED) == Zero)) { Return (ST_WRONG_STATE) }
    STAT |= S_FROZEN
    CFRZ++
    Return (ST_OK)
}

/* 24 Secure Erase; without a lock any passphrase does */
Method (SERA, 1, NotSerialized)
{
    If ((SizeOf (Arg0) < 32)) { Return (ST_INVALID_INPUT) }
    If ((STAT & (S_FROZEN | S_EXPIRED | S_OVERWRITE))) { Return (ST_WRONG_STATE) }
    If ((STAT & S_ENABLED))
    {
        Local0 = USER (Mid (Arg0, 0, 32))
        If (Local0) { Return (Local0) }
    }
    CLEA ()
    Return (ST_OK)
}

/* 25 Overwrite: begins; the queries that follow move it on */
Method (SOVR, 1, NotSerialized)
{
    If ((SizeOf (Arg0) < 32)) { Return (ST_INVALID_INPUT) }
    If ((STAT & (S_FROZEN | S_EXPIRED | S_OVERWRITE))) { Return (ST_WRONG_STATE) }
    If ((STAT & S_ENABLED))
    {
        Local0 = USER (Mid (Arg0, 0, 32))
        If (Local0) { Return (Local0) }
    }
    STAT |= S_OVERWRITE
    BUSY = HEAD (H_BUSY_ANSWERS)
    Return (ST_OK)
}

/* 26 Query Overwrite */
Method (SQUE, 0, NotSerialized)
{
    If (((STAT & S_OVERWRITE) == Zero)) { Return (ST_NO_OVERWRITE) }
    If (BUSY)
    {
        BUSY--
        Return (ST_OVERWRITE_RUNS)
    }
    CLEA ()
    Return (ST_OK)
}

/* 27 Set Master Passphrase: only while there is no user's lock */
Method (MSET, 1, NotSerialized)
{
    If ((SizeOf (Arg0) < 64)) { Return (ST_INVALID_INPUT) }
    If ((STAT || (MSTA != M_ENABLED))) { Return (ST_WRONG_STATE) }
    Local0 = MSTR (Mid (Arg0, 0, 32))
    If (Local0) { Return (Local0) }
    MPAS = Mid (Arg0, 32, 32)
    Return (ST_OK)
}

/* 28 Master Secure Erase */
Method (MERA, 1, NotSerialized)
{
    If ((SizeOf (Arg0) < 32)) { Return (ST_INVALID_INPUT) }
    If (((STAT & (S_FROZEN | S_OVERWRITE)) || (MSTA != M_ENABLED))) { Return (ST_WRONG_STATE) }
    Local0 = MSTR (Mid (Arg0, 0, 32))
    If (Local0) { Return (Local0) }
    CLEA ()
    Return (ST_OK)
}

/* (function, input): calls one that changes something, and counts */
Method (SCAL, 2, Serialized)
{
    Switch (ToInteger (Arg0))
    {
        Case (20) { Local0 = SSET (Arg1) }
        Case (21) { Local0 = SDIS (Arg1) }
        Case (22) { Local0 = SUNL (Arg1) }
        Case (23) { Local0 = SFRZ () }
        Case (24) { Local0 = SERA (Arg1) }
        Case (25) { Local0 = SOVR (Arg1) }
        Case (26) { Local0 = SQUE () }
        Case (27) { Local0 = MSET (Arg1) }
        Case (28) { Local0 = MERA (Arg1) }
        Default { Return (ST_NOT_SUPPORTED) }
    }
    CALL++
    LFUN = Arg0
    LSTA = Local0
    Return (Local0)
}

/* Does the function that has just been called not answer? */
Method (MUTE, 0, Serialized)
{
    Local0 = HEAD (H_MUTE)
    If ((Local0 == Zero)) { Return (Zero) }
    SETH (H_MUTE, (Local0 - One))
    Return ((Local0 == One))
}
