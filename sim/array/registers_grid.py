"""Skew, PEs and their control, after a beat of the array's hardware."""

from sim.array.registers_control import timed_rows
from sim.array.registers_streams import fit, rest_of, row_of, sum_of, token_at
from sim.jit import njit


@njit
def left_word(c, old, b, row):
    """Word that enters the left edge."""
    if b["stream"] and row < b["streaming"]["rows"]:
        return old[c["at_left"] + 1 + row]
    return 0


@njit
def left_flags(c, b, row):
    """First (1) and last (2) word of a fold, as it enters the left edge; above, a mode."""
    if b["stream"] and row < timed_rows(c, b["streaming"]["rows"]):
        if c["stationary"]:
            return b["first"]
        return b["first"] + 2 * b["last"] + (b["mode"] << 2)
    return b["mode"] << 2


@njit
def top_word(c, old, b, column):
    """Word that enters the top edge."""
    word = old[c["at_top"] + 1 + column]
    if not c["stationary"]:
        return word if b["stream"] and column < b["streaming"]["cols"] else 0
    fold = b["loading"]
    row = timed_rows(c, fold["rows"]) - 1 - old[c["at_word"]]
    return word if b["load"] and row < fold["rows"] and column < fold["cols"] else 0


@njit
def step_skew(c, old, new, b):
    """Delay lines of both edges, control included."""
    pace = c["latency"] if c["stationary"] else 1
    flagged = not c["stationary"] or c["overlapped_load"]
    at = 0
    for row in range(1, c["rows"]):
        length = row * pace
        words = c["at_left_skew"] + at
        for j in range(length - 1, 0, -1):
            new[words + j] = old[words + j - 1]
        new[words] = left_word(c, old, b, row)
        if flagged:
            flags = c["at_flag_skew"] + at
            for j in range(length - 1, 0, -1):
                new[flags + j] = old[flags + j - 1]
            new[flags] = left_flags(c, b, row)
        at += length
    words = c["at_top_skew"]
    for column in range(1, c["cols"]):
        for j in range(column - 1, 0, -1):
            new[words + j] = old[words + j - 1]
        new[words] = top_word(c, old, b, column)
        words += column
    for column in range(c["cols"] - 1):
        new[c["at_leaving"] + column] = token_at(c, old, column)
        if c["stationary"]:
            if column == 0:
                new[c["at_load"]] = b["load"]
                new[c["at_load_word"]] = old[c["at_word"]]
            else:
                new[c["at_load"] + column] = old[c["at_load"] + column - 1]
                new[c["at_load_word"] + column] = old[c["at_load_word"] + column - 1]


@njit
def step_stationary(c, old, new, b):
    """PEs that hold an operand."""
    rows, cols, p = c["rows"], c["cols"], c["latency"]
    pes = rows * cols
    operands, weights, psums = c["at_operand"], c["at_weight"], c["at_psum"]
    shadows, swaps = c["at_shadow"], c["at_swap"]
    overlapped = c["overlapped_load"]
    held = shadows if overlapped else weights
    skew = 0
    top_skew = 0
    for row in range(rows):
        skew += row * p
        for column in range(cols):
            pe = row * cols + column
            swap = 0
            if column > 0:
                operand = old[operands + pe - 1]
                if overlapped:
                    swap = old[swaps + pe - 1]
            elif row > 0:
                operand = old[c["at_left_skew"] + skew - 1]
                if overlapped:
                    swap = old[c["at_flag_skew"] + skew - 1]
            else:
                operand = left_word(c, old, b, row)
                swap = left_flags(c, b, row)
            weight = old[weights + pe]
            if overlapped:
                if swap:
                    weight = old[shadows + pe]
                new[swaps + pe] = swap
                new[weights + pe] = weight
            above = 0
            if row > 0:
                above = old[psums + (p - 1) * pes + pe - cols]
            new[operands + pe] = operand
            new[psums + pe] = sum_of(c, b, above, fit(c, weight * operand))
            load = b["load"]
            word = old[c["at_word"]]
            if column > 0:
                load = old[c["at_load"] + column - 1]
                word = old[c["at_load_word"] + column - 1]
            if load and row <= word:
                if row > 0:
                    new[held + pe] = old[held + pe - cols]
                elif column > 0:
                    top_skew += column
                    new[held + pe] = old[c["at_top_skew"] + top_skew - 1]
                else:
                    new[held + pe] = top_word(c, old, b, column)
            elif row == 0:
                top_skew += column
    for j in range(pes * (p - 1)):
        new[psums + pes + j] = old[psums + j]


@njit
def step_output(c, old, new, b):
    """PEs that hold a sum."""
    rows, cols, p = c["rows"], c["cols"], c["latency"]
    pes = rows * cols
    sums = c["at_sum"]
    drains = c["at_drain"] if c["overlapped_drain"] else sums
    skew = 0
    for row in range(rows):
        skew += row
        top_skew = 0
        for column in range(cols):
            top_skew += column
            pe = row * cols + column
            if column > 0:
                left = old[c["at_left_operand"] + pe - 1]
                first = old[c["at_first"] + pe - 1]
                last = old[c["at_last"] + pe - 1]
            else:
                flags = left_flags(c, b, row)
                left = left_word(c, old, b, row)
                if row > 0:
                    left = old[c["at_left_skew"] + skew - 1]
                    flags = old[c["at_flag_skew"] + skew - 1]
                first = flags & 1
                last = flags >> 1
            if row > 0:
                top = old[c["at_top_operand"] + pe - cols]
            elif column > 0:
                top = old[c["at_top_skew"] + top_skew - 1]
            else:
                top = top_word(c, old, b, column)
            new[c["at_left_operand"] + pe] = left
            new[c["at_top_operand"] + pe] = top
            new[c["at_first"] + pe] = first
            new[c["at_last"] + pe] = last
            product = fit(c, left * top)
            stage = c["at_product"] + pe
            for _ in range(p - 1):
                new[stage] = product
                new[stage + pes] = first
                new[stage + 2 * pes] = last
                product = old[stage]
                first = old[stage + pes]
                last = old[stage + 2 * pes]
                stage += 3 * pes
            total = sum_of(c, b, 0 if first else old[sums + pe], product)
            new[sums + pe] = total
            token = token_at(c, old, column)
            shifts = token & 1 and rest_of(c, token) < row and row <= row_of(c, token)
            if c["overlapped_drain"] and last:
                new[drains + pe] = total
            elif shifts:
                new[drains + pe] = old[drains + pe - cols]
