"""Every register of a weight- or input-stationary array, every cycle.

What the registers of one PE take at the end of a cycle::

    operand  operand of the PE to the left (left edge: the skewed stream)
    weight   shadow, in the cycle in which the first word of a fold passes; used at once
    psum[0]  last psum of the PE above (top edge: 0) + weight * operand, both as they come in
    psum[j]  psum[j - 1]
    shadow   shadow of the PE above, while a load passes

With a serial load there is no shadow, and a load passes through ``weight`` itself. Control that
travels with the words (first word, load) is kept as the diagonal it occupies: it crosses all
columns of the grid, also those that a fold leaves unused, where zeros are loaded.
"""

from typing import Any

import numpy as np

from sim.array.state import PRELOADED, SERIAL
from sim.array.value_planes import (
    NEVER,
    SLACK_STEPS,
    move_up,
    multiply_add,
    multiply_add_saturated,
    record,
    saturated,
)
from sim.jit import njit

EARLY_NONE, EARLY_LOAD, EARLY_STREAM = range(3)


@njit
def start_of_stream(folds: Any, f: Any, p: Any, drain: Any) -> Any:
    """Earliest cycle in which fold ``f``, whose load has started, may stream."""
    a, b = folds[f]["rows"], folds[f]["cols"]
    start = folds[f]["load"] + a
    if f > 0:
        before = folds[f - 1]
        column_free = (before["rows"] - a) * p
        port_free = column_free + before["cols"] - b
        last = before["start"] + before["vectors"]
        start = max(start, last + max(0, column_free, port_free))
        if drain == PRELOADED:
            start = max(start, last + before["rows"] * p + before["cols"] - 2)
    return start


@njit
def start_of_load(folds: Any, f: Any, p: Any, overlapped: Any) -> Any:
    """Earliest cycle in which fold ``f`` may load, when the start of the one before is known."""
    before = folds[f - 1]
    shared = min(before["rows"], folds[f]["rows"])
    start = before["start"] + (shared - 1) * (p - 1)
    if not overlapped:
        start += before["vectors"] - 1
    return start


@njit
def swap(
    folds: Any, f: Any, x: Any, p: Any, rows: Any, cols: Any, weight: Any, shadow: Any
) -> None:
    """PEs that the first word of fold ``f`` reaches in cycle ``x`` take their shadow."""
    a = folds[f]["rows"]
    since = x - folds[f]["start"]
    first = max(0, -((cols - 1 - since) // p))
    for r in range(first, min(a - 1, since // p) + 1):
        j = (since - r * p) * rows + r
        weight[j] = shadow[j]


@njit
def shift_load(folds: Any, f: Any, x: Any, rows: Any, cols: Any, top: Any, held: Any) -> None:
    """Columns in which the load of fold ``f`` passes in cycle ``x`` shift one row down."""
    a = folds[f]["rows"]
    image = folds[f]["top"]
    since = x - folds[f]["load"]
    for c in range(max(0, since - a + 1), min(cols - 1, since) + 1):
        word = since - c
        move_up(held, c * rows, c * rows + 1, word)
        held[c * rows] = top[image, c, a - 1 - word]


@njit
def leave(
    folds: Any, f: Any, x: Any, p: Any, rows: Any, limit: Any,
    psum: Any, psum_at: Any, port: Any, port_words: Any,
) -> Any:  # fmt: skip
    """Sums of fold ``f`` that are complete leave below its last row, into the deskew lines.

    Columns from ``limit`` on carry an older fold's sums in this cycle. Returns the new limit.
    """
    a, b, t = folds[f]["rows"], folds[f]["cols"], folds[f]["vectors"]
    since = x - (folds[f]["start"] + a * p - 1)
    first = max(0, since - t + 1)
    slots = port.shape[0]
    now = x % slots
    for c in range(first, min(b, limit, since + 1)):
        slot = now + b - 1 - c
        if slot >= slots:
            slot -= slots
        port[slot, c] = psum[psum_at + c * rows + a - 1]
        port_words[slot] += 1
    return min(limit, first) if since >= 0 else limit


@njit
def run_stationary(
    folds: Any, left: Any, top: Any, out: Any, rows: Any, cols: Any, p: Any,
    largest: Any, overlapped: Any, drain: Any, early: Any, early_fold: Any,
    operand: Any, psum: Any, psum_base: Any, weight: Any, shadow: Any, port: Any, port_words: Any,
    operand_trace: Any, psum_trace: Any, weight_trace: Any, shadow_trace: Any,
) -> Any:  # fmt: skip
    """Step until the last output vector has left; returns the cycles that took.

    ``folds`` (FOLD), ``left``, ``top`` and ``out`` are a Plan's. Sums saturate at ``largest``;
    where it is 0, they wrap. ``drain`` is one of sim.array.state. All other arrays are zero:

    - ``operand`` [(cols + (rows - 1) * p + SLACK_STEPS) * rows]: plane and, below it, the skew
    - ``psum`` [p * (rows * cols + SLACK_STEPS)], ``psum_base`` [p]: a plane a stage
    - ``weight``, ``shadow`` [rows * cols]; the same array for a serial load
    - ``port`` [cols + 1, cols], ``port_words`` [cols + 1]: deskew lines, one slot a cycle
    - the traces [cycles, rows, cols], ``psum_trace`` [p, ...], with 0 cycles for none
    """
    pes = rows * cols
    skew = (rows - 1) * p * rows
    operand_top = operand.shape[0] - pes
    operand_at = operand_top
    stage_size = pes + SLACK_STEPS
    for q in range(p):
        psum_base[q] = SLACK_STEPS

    count = folds.shape[0]
    zero: Any = np.int64(0)  # a literal would have the helpers compiled twice
    loading = zero  # next fold to load
    load_at = 0
    streaming = 0  # next fold to stream
    swapping = loaded = leaving = 0  # oldest folds whose words still move
    collecting = 0  # fold whose vectors leave next
    collected = 0
    x = zero
    while collecting < count:
        while True:
            if loading < count and x >= load_at:
                folds[loading]["load"] = x
                start = start_of_stream(folds, loading, p, drain)
                if early == EARLY_STREAM and early_fold == loading:
                    start -= 1
                folds[loading]["start"] = start
                loading += 1
                load_at = NEVER
                if drain != SERIAL and loading < count:
                    load_at = start_of_load(folds, loading, p, overlapped)
                    if early == EARLY_LOAD and early_fold == loading:
                        load_at -= 1
            elif streaming < loading and x >= folds[streaming]["start"]:
                streaming += 1
            else:
                break

        operand_at -= rows
        if operand_at < skew:
            move_up(operand, operand_at + rows - skew, operand_top - skew, skew + pes)
            operand_at = operand_top - rows
        current = max(streaming - 1, 0)
        i = x - folds[current]["start"]
        if streaming > 0 and i < folds[current]["vectors"]:
            block = folds[current]["left"]
            for r in range(rows):
                operand[operand_at - r * p * rows + r] = left[block, i, r]
        else:
            for r in range(rows):
                operand[operand_at - r * p * rows + r] = 0

        if overlapped:
            for f in range(swapping, streaming):
                swap(folds, f, x, p, rows, cols, weight, shadow)
            while swapping < streaming and x >= (
                folds[swapping]["start"] + (folds[swapping]["rows"] - 1) * p + cols - 1
            ):
                swapping += 1

        q = x % p
        if psum_base[q] == 0:
            move_up(psum, q * stage_size, q * stage_size + SLACK_STEPS, pes)
            psum_base[q] = SLACK_STEPS
        psum_base[q] -= 1
        psum_at = q * stage_size + psum_base[q]
        for c in range(cols):
            psum[psum_at + c * rows] = 0
        if largest == 0:
            multiply_add(psum, psum_at, weight, zero, operand, operand_at, pes)
        else:
            multiply_add_saturated(psum, psum_at, weight, zero, operand, operand_at, pes, largest)

        for f in range(loaded, loading):
            shift_load(folds, f, x, rows, cols, top, shadow)
        while loaded < loading and x >= (folds[loaded]["load"] + folds[loaded]["rows"] + cols - 2):
            loaded += 1

        last = (x + 1) % p
        last_at = last * stage_size + psum_base[last]
        limit = cols
        for f in range(leaving, streaming):
            limit = leave(folds, f, x, p, rows, limit, psum, last_at, port, port_words)
        while leaving < streaming and x >= (
            folds[leaving]["start"] + folds[leaving]["vectors"] - 1
            + folds[leaving]["rows"] * p + folds[leaving]["cols"] - 2
        ):  # fmt: skip
            leaving += 1

        slot = x % port.shape[0]
        if port_words[slot] > 0:
            port_words[slot] = 0
            block = folds[collecting]["out"]
            for c in range(folds[collecting]["cols"]):
                if largest == 0:
                    out[block, collected, c] += port[slot, c]
                else:
                    total = np.int64(out[block, collected, c]) + np.int64(port[slot, c])
                    out[block, collected, c] = saturated(total, largest)
            collected += 1
            if collected == folds[collecting]["vectors"]:
                folds[collecting]["end"] = x + 1
                collecting += 1
                collected = 0
                if drain == SERIAL:
                    load_at = x + 1
        elif leaving == count:
            break  # an early start has lost a vector

        if x < operand_trace.shape[0]:
            record(operand_trace, x, operand, operand_at, rows, cols)
            record(weight_trace, x, weight, zero, rows, cols)
            record(shadow_trace, x, shadow, zero, rows, cols)
            for stage in range(p):
                q = (x - stage) % p
                at = q * stage_size + psum_base[q]
                record(psum_trace[stage], x, psum, at, rows, cols)
        x += 1
    return x
