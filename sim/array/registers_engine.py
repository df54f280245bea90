"""A cycle of an array of SIMD engines: as of ``registers_run``, with modes, wide sums, readers.

``e`` is a record of ``sim.mac.engine``; numbers are in limbs. What behind the tap leaves is codes.
"""

from sim.array.registers_control import decide, leave, step_control
from sim.array.registers_grid import left_flags, left_word, step_skew, top_word
from sim.array.registers_run import can_advance, step_streams, write_outputs
from sim.array.registers_streams import complete_vector, edge_of, rest_of, row_of, token_at
from sim.jit import njit
from sim.mac.engine import accumulate, lane_dot, low_bits, read


@njit
def choose(c, old, b):
    """Mode and result format of the fold that streams, or else of the last one that did."""
    b["mode"] = old[c["at_current_mode"]]
    b["result"] = old[c["at_current_result"]]
    if b["first"]:
        at = c["at_command"] + 4
        if c["mode_bits"]:
            b["mode"] = old[at]
            at += 1
        if c["result_bits"]:
            b["result"] = old[at]


@njit
def leave_engine(c, old, b):
    """The token of a vector of results, with its mode and result format."""
    leave(c, old, b)
    if b["token"]:
        mode, result = old[c["at_drain_mode"]], old[c["at_drain_result"]]
        if b["stream"] and b["last"]:
            mode, result = b["mode"], b["result"]
        b["token"] |= (mode | result << c["mode_bits"]) << c["choice_at"]


@njit
def step_choices(c, new, b):
    """Registers of modes and result formats, after a beat."""
    new[c["at_current_mode"]] = b["mode"]
    new[c["at_current_result"]] = b["result"]
    if b["token"]:
        choice = b["token"] >> c["choice_at"]
        new[c["at_drain_mode"]] = choice & low_bits(c["mode_bits"])
        new[c["at_drain_result"]] = choice >> c["mode_bits"]


@njit
def line_up(c, e, old, b, scratch, codes, total):
    """Code of each column that leaves in this beat, and the complete vector."""
    plane = c["at_drain"] if c["overlapped_drain"] else c["at_sum"]
    line = c["at_deskew"]
    last = c["cols"] - 1
    for column in range(c["cols"]):
        token = token_at(c, old, column)
        word = 0
        if column < last:
            word = old[line]
            line += last - column
        if token & 1:
            choice = token >> c["choice_at"]
            mode, result = choice & low_bits(c["mode_bits"]), choice >> c["mode_bits"]
            at = plane + (row_of(c, token) * c["cols"] + column) * e["sum_limbs"]
            codes[column] = read(e, mode, result, old, at, scratch)
            if edge_of(c, token) == column:
                word = codes[column]
        total[column] = word
    total[c["cols"]] = b["complete"]


@njit
def step_deskew(c, old, new, codes):
    """Deskew lines, after a beat."""
    line = c["at_deskew"]
    for column in range(c["cols"] - 1):
        length = c["cols"] - 1 - column
        token = token_at(c, old, column)
        for j in range(length - 1):
            new[line + j] = old[line + j + 1]
        new[line + length - 1] = 0
        if token & 1 and edge_of(c, token) > column:
            new[line + edge_of(c, token) - column - 1] = codes[column]
        line += length


@njit
def step_sum(c, e, old, new, pe, column, row, product, scratch):
    """Product stages, sum and drain of a PE, from the product that enters the first stage.

    ``product`` is its limbs, and behind them its mode, first and last.
    """
    pes, limbs, words = c["rows"] * c["cols"], e["product_limbs"], e["sum_limbs"]
    fields = 3 if c["mode_bits"] else 2
    stage = c["at_product"]
    for _ in range(c["latency"] - 1):
        for i in range(limbs):
            at = stage + pe * limbs + i
            new[at] = product[i]
            product[i] = old[at]
        stage += pes * limbs
        for i in range(3 - fields, 3):
            new[stage + pe] = product[limbs + i]
            product[limbs + i] = old[stage + pe]
            stage += pes
    mode, first, last = product[limbs], product[limbs + 1], product[limbs + 2]
    sums = c["at_sum"] + pe * words
    if first or not (c["holds"] and old[c["at_done"] + pe]):
        accumulate(e, mode, first, new, sums, product, scratch)
    if c["holds"] and (first or last):
        new[c["at_done"] + pe] = last
    token = token_at(c, old, column)
    word = rest_of(c, token) & low_bits(c["row_bits"])
    shifts = token & 1 and word < row and row <= row_of(c, token)
    drains = (c["at_drain"] if c["overlapped_drain"] else c["at_sum"]) + pe * words
    for i in range(words):
        if c["overlapped_drain"] and last:
            new[drains + i] = new[sums + i]
        elif shifts:
            new[drains + i] = old[drains + i - c["cols"] * words]


@njit
def step_engines(c, e, old, new, b, product, scratch):
    """PEs."""
    skew = 0
    limbs = e["product_limbs"]
    for row in range(c["rows"]):
        skew += row
        top_skew = 0
        for column in range(c["cols"]):
            top_skew += column
            pe = row * c["cols"] + column
            if column > 0:
                left = old[c["at_left_operand"] + pe - 1]
                mode = old[c["at_mode"] + pe - 1] if c["mode_bits"] else 0
                first = old[c["at_first"] + pe - 1]
                last = old[c["at_last"] + pe - 1]
            else:
                flags = left_flags(c, b, row)
                left = left_word(c, old, b, row)
                if row > 0:
                    left = old[c["at_left_skew"] + skew - 1]
                    flags = old[c["at_flag_skew"] + skew - 1]
                mode, first, last = flags >> 2, flags & 1, flags >> 1 & 1
            if row > 0:
                top = old[c["at_top_operand"] + pe - c["cols"]]
            elif column > 0:
                top = old[c["at_top_skew"] + top_skew - 1]
            else:
                top = top_word(c, old, b, column)
            new[c["at_left_operand"] + pe] = left
            new[c["at_top_operand"] + pe] = top
            new[c["at_first"] + pe] = first
            new[c["at_last"] + pe] = last
            if c["mode_bits"]:
                new[c["at_mode"] + pe] = mode
            lane_dot(e, mode, left, top, product, scratch)
            product[limbs], product[limbs + 1], product[limbs + 2] = mode, first, last
            step_sum(c, e, old, new, pe, column, row, product, scratch)


@njit
def step(config, engine, stimulus, resets, old, new, reset, beat, total, codes, product, scratch):
    """One cycle: the row ``new`` from the row ``old``."""
    c = config[0]
    e = engine[0]
    b = beat[0]
    decide(c, old, b)
    choose(c, old, b)
    leave_engine(c, old, b)
    complete_vector(c, old, b)
    line_up(c, e, old, b, scratch, codes, total)
    b["advance"] = can_advance(c, old, b)
    if resets:
        for i in range(old.shape[0]):
            new[i] = reset[i]
        return
    for i in range(old.shape[0]):
        new[i] = old[i]
    if b["advance"]:
        step_deskew(c, old, new, codes)
        step_control(c, old, new, b)
        step_choices(c, new, b)
        step_skew(c, old, new, b)
        step_engines(c, e, old, new, b, product, scratch)
    step_streams(c, old, new, b, stimulus, total)
    write_outputs(c, new)


@njit
def run_engine(
    config, engine, stimuli, resets, trace, reset, beat, total, codes, product, scratch
):  # fmt: skip
    """As ``registers_run.run``.

    ``engine`` [1], ``codes`` [cols], ``product`` [limbs + 3] and ``scratch``: scratch, of
    ``sim.mac.engine``.
    """
    for x in range(stimuli.shape[0]):
        step(
            config, engine, stimuli[x], resets[x], trace[x], trace[x + 1], reset, beat, total,
            codes, product, scratch,
        )  # fmt: skip
