"""Modes and instruction sequencer of HBM-PIM: what each access does to them."""

from traces.jit import njit
from traces.pim.hbm_dtype import HAB, HAB_PIM, SB

STEPS_MAX = 64
"""JUMPs, and the instruction after them, that one column may trigger."""
OK, BAD_PC, BAD_CODE, TOO_MANY_JUMPS = range(4)
"""What may be wrong with a program."""


@njit
def opened(w, u, bank, row, column):
    """A row is opened. Returns whether the mode changes to HAB."""
    if u["mode"] != SB or row != w["enter_row"]:
        return False
    if w["enter_column"] >= 0 and column != w["enter_column"]:
        return False
    u["entered"] |= (1 << bank) & w["enter_banks"]
    if u["entered"] != w["enter_banks"]:
        return False
    u["entered"] = 0
    u["mode"] = HAB
    return True


@njit
def closed(w, u, bank, row):
    """A row is closed. Returns whether the mode changes to SB."""
    if u["mode"] != HAB or row != w["leave_row"]:
        return False
    u["left"] |= (1 << bank) & w["leave_banks"]
    if u["left"] != w["leave_banks"]:
        return False
    u["left"] = 0
    u["mode"] = SB
    return True


@njit
def control(w, u, words):
    """CONTROL is written in an all-bank mode: bytes 0, 10, 16 of its column. What is to be zero
    (bytes 20, 21) is up to the caller."""
    toggles = words[4] & 255
    u["even"] = 1 - (toggles & 1)
    u["odd"] = 1 - ((toggles >> 1) & 1)
    u["register_rows"] = (toggles >> 2) & 1
    u["all_grf"] = (words[2] >> 16) & 1
    if words[0] & 1:
        u["mode"] = HAB_PIM
        u["pc"] = 0
        u["last_jump"] = -1
        u["jumps_left"] = -1
        u["last_repeat"] = -1
        u["repeats_left"] = -1
        for i in range(32):
            u["counts"][i] = -1
        u["ended"] = 0
    else:
        u["mode"] = HAB


@njit
def triggers(w, u, bank, row):
    """Whether a column triggers an instruction."""
    if u["mode"] != HAB_PIM or u["ended"]:
        return False
    if not u["register_rows"] and (row & w["first_row"]) != 0:
        return False
    return (u["odd"] if bank & 1 else u["even"]) != 0


@njit
def jump(w, u, pc, word):
    """Where a JUMP leads to."""
    count = (word >> 11) & 0x1FFFF
    if w["own_counters"]:
        left = u["counts"][pc]
        if left < 0:
            left = count
        if left == 0:
            u["counts"][pc] = -1
            return pc + 1
        u["counts"][pc] = left - 1
        return pc - (word & 0x7FF) + 1
    if u["last_jump"] != pc and count > 0:
        u["last_jump"] = pc
        u["jumps_left"] = count
    if u["jumps_left"] > 0:
        u["jumps_left"] -= 1
        return pc - (word & 0x7FF) + 1
    return pc + 1


@njit
def repeat(w, u, pc, word):
    """Where an instruction that takes a column leads to: NOP, FILL and automatic ones take more."""
    code = (word >> 28) & 15
    again = -1
    if code == w["code_FILL"]:
        again = 7
    elif code == w["code_NOP"]:
        again = word & 0x7FF
    elif code != w["code_MOV"] and (word >> 15) & 1:
        again = 7
    if again < 0:
        return pc + 1
    if u["last_repeat"] != pc:
        u["last_repeat"] = pc
        u["repeats_left"] = again
    if u["repeats_left"] > 0:
        u["repeats_left"] -= 1
        return pc
    u["last_repeat"] = -1
    return pc + 1


@njit
def is_code(w, code):
    """Whether a code is one of an instruction."""
    return (
        code == w["code_NOP"] or code == w["code_ADD"] or code == w["code_MUL"]
        or code == w["code_MAC"] or code == w["code_MAD"] or code == w["code_MOV"]
        or code == w["code_FILL"] or code == w["code_JUMP"] or code == w["code_EXIT"]
    )  # fmt: skip


@njit
def trigger(w, u, steps):
    """A column triggers an instruction, and the JUMPs before it at no cost.

    Writes their entries into ``steps``. Returns how many, and what is wrong.
    """
    done = 0
    while True:
        pc = u["pc"]
        if pc < 0 or pc > 31:
            return done, BAD_PC
        if done == STEPS_MAX:
            return done, TOO_MANY_JUMPS
        word = u["crf"][pc]
        code = (word >> 28) & 15
        if not is_code(w, code):
            return done, BAD_CODE
        steps[done] = pc
        done += 1
        if code == w["code_EXIT"]:
            u["ended"] = 1
            return done, OK
        jumps = code == w["code_JUMP"]
        pc = jump(w, u, pc, word) if jumps else repeat(w, u, pc, word)
        u["pc"] = pc
        if 0 <= pc <= 31 and ((u["crf"][pc] >> 28) & 15) == w["code_EXIT"]:
            u["ended"] = 1
        if not jumps:
            return done, OK
