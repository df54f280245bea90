"""What is wrong with the order of transactions of an HBM-PIM, as the trace has it."""

from traces.jit import njit
from traces.pim.hbm_dtype import FENCE, HAB_PIM, SB, WRITE
from traces.pim.hbm_operands import FINE, GRF_A, GRF_B, execute, reads
from traces.pim.hbm_sequencer import OK, closed, control, is_code, opened, trigger, triggers

(
    NOTHING, NOT_HAB, LONE_BANK, ENTERED_TWICE, LEFT_HAB_PIM, UNFINISHED, NO_ENTRY, UNKNOWN_CODE,
    PROGRAM, OPERAND,
) = range(10)  # fmt: skip


@njit
def unfinished(w, u):
    """Whether instructions were begun and have not come to EXIT."""
    if u["mode"] != HAB_PIM or u["ended"]:
        return False
    pc = u["pc"]
    if pc == 0 and u["repeats_left"] < 0:
        return False
    while 0 <= pc <= 31 and (u["written"] >> pc) & 1:
        word = u["crf"][pc]
        code = (word >> 28) & 15
        if code == w["code_EXIT"]:
            return False
        if code != w["code_JUMP"]:
            return True
        # Only one that has been taken as often as it says leads on.
        left = u["counts"][pc] if w["own_counters"] else u["jumps_left"]
        if left > 0 or (left < 0 and (word >> 11) & 0x1FFFF > 0):
            return True
        pc += 1
    return True


@njit
def grf_at(w, row, column):
    """Register that a column of the row of registers is: 0 none, else GRF_A or GRF_B, and index."""
    if row == w["register_row"]:
        if w["grf_a"] <= column < w["grf_a"] + 8:
            return GRF_A, column - w["grf_a"]
        if w["grf_b"] <= column < w["grf_b"] + 8:
            return GRF_B, column - w["grf_b"]
    return 0, 0


@njit
def single(w, u, kind, bank, row, column):
    """A transaction in mode SB: what is wrong, and two numbers about it."""
    if opened(w, u, bank, row, column) or row != w["register_row"]:
        return NOTHING, 0, 0
    grf, index = grf_at(w, row, column)
    crf = column - w["crf"]
    if kind == WRITE:
        if grf or 0 <= crf < 4 or column == w["control"] or column == w["srf"]:
            return NOT_HAB, column, 0
    elif grf:
        wrong, which = reads(u, grf, index, bank)
        if wrong != FINE:
            return OPERAND, wrong, which
    return NOTHING, 0, 0


@njit
def write_register(w, u, column, words, place):
    """A write to the row of registers in an all-bank mode; ``place``: of its words, -1: none."""
    grf, index = grf_at(w, w["register_row"], column)
    crf = column - w["crf"]
    if column == w["control"]:
        if unfinished(w, u):
            return UNFINISHED, u["pc"], 0
        if place >= 0:
            control(w, u, words[place])
            if words[place, 5] & 255:
                u["grf_a"] = 255
            if (words[place, 5] >> 8) & 255:
                u["grf_b"] = 255
    elif column == w["srf"]:
        u["srf"] |= 4
    elif 0 <= crf < 4 and place >= 0:
        for i in range(8):
            word = words[place, i]
            if not is_code(w, (word >> 28) & 15):
                return UNKNOWN_CODE, 8 * crf + i, (word >> 28) & 15
            u["crf"][8 * crf + i] = word
            u["written"] |= 1 << (8 * crf + i)
    elif grf == GRF_A:
        u["grf_a"] |= 1 << index
    elif grf == GRF_B:
        u["grf_b"] |= 1 << index
    return NOTHING, 0, 0


@njit
def move(u, kind, bank, column):
    """A column between cells and GRF, by no instruction."""
    index = column & 7
    grf = GRF_B if kind != WRITE or bank & 1 else GRF_A
    if u["all_grf"]:
        grf = GRF_B if column & 8 else GRF_A
    if kind == WRITE:
        wrong, which = reads(u, grf, index, bank)
        return (OPERAND if wrong != FINE else NOTHING), wrong, which
    if grf == GRF_A:
        u["grf_a"] |= 1 << index
    else:
        u["grf_b"] |= 1 << index
    return NOTHING, 0, 0


@njit
def all_bank(w, u, kind, bank, row, column, words, place, steps):
    """A transaction in an all-bank mode: what is wrong, and two numbers about it."""
    if bank >= w["half_step"]:
        return LONE_BANK, bank, 0
    if row == w["enter_row"] and column == w["enter_column"]:
        return ENTERED_TWICE, 0, 0
    if row == w["leave_row"]:
        if u["mode"] == HAB_PIM:
            return LEFT_HAB_PIM, 0, 0
        closed(w, u, bank, row)
        return NOTHING, 0, 0
    if row == w["register_row"] and kind == WRITE:
        return write_register(w, u, column, words, place)
    if triggers(w, u, bank, row):
        if 0 <= u["pc"] <= 31 and not (u["written"] >> u["pc"]) & 1:
            return NO_ENTRY, u["pc"], 0
        done, wrong = trigger(w, u, steps)
        if wrong != OK:
            return PROGRAM, wrong, u["pc"]
        for i in range(done):
            if not (u["written"] >> steps[i]) & 1:
                return NO_ENTRY, steps[i], 0
        word = u["crf"][steps[done - 1]]
        fault, which = execute(w, u, word, kind, bank, row, column)
        return (OPERAND if fault != FINE else NOTHING), fault, which
    if row & w["first_row"]:
        return NOTHING, 0, 0
    return move(u, kind, bank, column)


@njit
def follow(where, units, lines, words, steps, found):
    """Go through lines. Returns the place of the first that is wrong, or -1; ``found`` tells
    [channel, what, and two numbers about it]."""
    w = where[0]
    for n in range(lines.shape[0]):
        line = lines[n]
        if line["kind"] == FENCE:
            continue
        for channel in range(units.shape[0]):
            if not (line["channels"] >> channel) & 1:
                continue
            u = units[channel]
            for i in range(line["count"]):
                at = line["column"] + i
                row = line["row"] + at // w["columns"]
                column = at % w["columns"]
                place = line["data"] + i if line["data"] >= 0 else -1
                if u["mode"] == SB:
                    wrong, one, other = single(w, u, line["kind"], line["bank"], row, column)
                else:
                    wrong, one, other = all_bank(
                        w, u, line["kind"], line["bank"], row, column, words, place, steps
                    )
                if wrong != NOTHING:
                    found[0], found[1], found[2], found[3] = channel, wrong, one, other
                    return n
    return -1
