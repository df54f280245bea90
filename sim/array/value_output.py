"""Every register of an output-stationary array, every cycle.

What the registers of one PE take at the end of a cycle (p = PE latency)::

    left        left of the PE to the left (left edge: the skewed stream)
    top         top of the PE above (top edge: the skewed stream)
    product[0]  left * top, both as they come in (p = 1: no such stage, the sum takes it)
    product[j]  product[j - 1], j < p - 1
    sum         (0 if the product is the first of a fold, else sum) + product[p - 2]
    drain       what sum takes, if the product is the last of a fold; while the column drains, the
                drain of the PE above, until the word of row 0 has passed

With a serial drain there is no ``drain``: the column drains through ``sum`` itself. Control that
travels with the words (first, last product, drain) is kept as the diagonal it occupies: it crosses
all columns of the grid, also those that a fold leaves unused, from which no word leaves.
"""

from typing import Any

import numpy as np

from sim.array.value_planes import (
    NEVER,
    SLACK_STEPS,
    add_then_multiply,
    add_then_multiply_saturated,
    move_up,
    multiply_add,
    multiply_add_saturated,
    record,
)
from sim.jit import njit


@njit
def start_after(folds: Any, f: Any) -> Any:
    """Earliest cycle in which fold ``f`` may stream behind the one before, drain overlapped."""
    before = folds[f - 1]
    a, b, t = folds[f]["rows"], folds[f]["cols"], folds[f]["vectors"]
    begin = before["start"] + before["vectors"]
    fewer_rows = before["rows"] - a
    fewer_cols = before["cols"] - b
    captured = begin + before["rows"] + max(0, fewer_rows, fewer_rows + fewer_cols)
    return max(begin, captured - t)


@njit
def clear_first(folds: Any, f: Any, x: Any, p: Any, rows: Any, cols: Any, sums: Any) -> None:
    """PEs whose sum takes the first product of fold ``f`` in cycle ``x`` start from 0."""
    a = folds[f]["rows"]
    since = x - (folds[f]["start"] + p - 1)
    for r in range(max(0, since - cols + 1), min(a - 1, since) + 1):
        sums[(since - r) * rows + r] = 0


@njit
def capture_last(
    folds: Any, f: Any, x: Any, p: Any, rows: Any, cols: Any, sums: Any, drain: Any
) -> None:
    """PEs whose sum took the last product of fold ``f`` in cycle ``x`` copy it."""
    a = folds[f]["rows"]
    since = x - (folds[f]["start"] + folds[f]["vectors"] - 1 + p - 1)
    for r in range(max(0, since - cols + 1), min(a - 1, since) + 1):
        j = (since - r) * rows + r
        drain[j] = sums[j]


@njit
def shift_out(
    folds: Any, f: Any, x: Any, p: Any, rows: Any, cols: Any, limit: Any,
    drain: Any, port: Any, port_words: Any,
) -> Any:  # fmt: skip
    """Columns in which fold ``f`` drains in cycle ``x`` shift, those it uses into the deskew lines.

    Columns from ``limit`` on carry an older fold's words in this cycle. Returns the new limit.
    """
    a, b = folds[f]["rows"], folds[f]["cols"]
    since = x - (folds[f]["start"] + folds[f]["vectors"] + p - 1 + a - 1)
    first = max(0, since - a + 1)
    slots = port.shape[0]
    now = x % slots
    for c in range(first, min(cols, limit, since + 1)):
        if c < b:
            slot = now + b - 1 - c
            if slot >= slots:
                slot -= slots
            port[slot, c] = drain[c * rows + a - 1]
            port_words[slot] += 1
        passed = since - c
        move_up(drain, c * rows + passed, c * rows + passed + 1, a - 1 - passed)
    return min(limit, first) if since >= 0 else limit


@njit
def run_output(
    folds: Any, left: Any, top: Any, out: Any, rows: Any, cols: Any, p: Any,
    largest: Any, drain_overlapped: Any, early_fold: Any,
    x_plane: Any, y_plane: Any, skew: Any, product: Any, sums: Any, drain: Any,
    port: Any, port_words: Any,
    x_trace: Any, y_trace: Any, product_trace: Any, sum_trace: Any, drain_trace: Any,
) -> Any:  # fmt: skip
    """Step until the last output vector has left; returns the cycles that took.

    ``folds`` (FOLD), ``left``, ``top`` and ``out`` are a Plan's. Sums saturate at ``largest``;
    where it is 0, they wrap. All other arrays are zero:

    - ``x_plane`` [(cols + rows - 1 + SLACK_STEPS) * rows]: left operands and, below, their skew
    - ``y_plane`` [rows * cols + SLACK_STEPS]: top operands; ``skew`` [cols + 1, cols]: their skew
    - ``product`` [(p - 1) * rows * cols]: a plane a stage
    - ``sums``, ``drain`` [rows * cols]; the same array for a serial drain
    - ``port`` [cols + 1, cols], ``port_words`` [cols + 1]: deskew lines, one slot a cycle
    - the traces [cycles, rows, cols], product_trace [p - 1, ...], with 0 cycles for none
    """
    pes = rows * cols
    x_skew = (rows - 1) * rows
    x_top = x_plane.shape[0] - pes
    x_at = x_top
    y_at = SLACK_STEPS
    slots = port.shape[0]

    count = folds.shape[0]
    zero: Any = np.int64(0)  # a literal would have the helpers compiled twice
    streaming = 0  # next fold to stream
    start_at = 0
    clearing = capturing = draining = 0  # oldest folds whose words still move
    collecting = 0  # fold whose vectors leave next
    collected = 0
    x = zero
    while collecting < count:
        while streaming < count and x >= start_at:
            folds[streaming]["load"] = x
            folds[streaming]["start"] = x
            streaming += 1
            start_at = NEVER
            if drain_overlapped and streaming < count:
                start_at = start_after(folds, streaming)
                if early_fold == streaming:
                    start_at -= 1

        x_at -= rows
        if x_at < x_skew:
            move_up(x_plane, x_at + rows - x_skew, x_top - x_skew, x_skew + pes)
            x_at = x_top - rows
        if y_at == 0:
            move_up(y_plane, zero, zero + SLACK_STEPS, pes)
            y_at = SLACK_STEPS
        y_at -= 1
        now = x % slots
        fold = folds[streaming - 1]
        i = x - fold["start"]
        streams = i < fold["vectors"]
        for r in range(rows):
            x_plane[x_at - r * rows + r] = left[fold["left"], i, r] if streams else 0
        for c in range(cols):
            slot = now + c
            if slot >= slots:
                slot -= slots
            skew[slot, c] = top[fold["top"], i, c] if streams else 0
        for c in range(cols):
            y_plane[y_at + c * rows] = skew[now, c]

        for f in range(clearing, streaming):
            clear_first(folds, f, x, p, rows, cols, sums)
        while clearing < streaming and x >= (
            folds[clearing]["start"] + p - 1 + folds[clearing]["rows"] + cols - 2
        ):
            clearing += 1

        if p == 1 and largest == 0:
            multiply_add(sums, zero, x_plane, x_at, y_plane, y_at, pes)
        elif p == 1:
            multiply_add_saturated(sums, zero, x_plane, x_at, y_plane, y_at, pes, largest)
        else:
            at = x % (p - 1) * pes
            if largest == 0:
                add_then_multiply(sums, product, at, x_plane, x_at, y_plane, y_at, pes)
            else:
                add_then_multiply_saturated(
                    sums, product, at, x_plane, x_at, y_plane, y_at, pes, largest
                )

        limit = cols
        for f in range(draining, streaming):
            limit = shift_out(folds, f, x, p, rows, cols, limit, drain, port, port_words)
        while draining < streaming and x >= (
            folds[draining]["start"] + folds[draining]["vectors"] + p - 1
            + 2 * folds[draining]["rows"] + cols - 3
        ):  # fmt: skip
            draining += 1
        if drain_overlapped:
            for f in range(capturing, streaming):
                capture_last(folds, f, x, p, rows, cols, sums, drain)
            while capturing < streaming and x >= (
                folds[capturing]["start"] + folds[capturing]["vectors"] - 1 + p - 1
                + folds[capturing]["rows"] + cols - 2
            ):  # fmt: skip
                capturing += 1

        if port_words[now] > 0:
            port_words[now] = 0
            block = folds[collecting]["out"]
            row = folds[collecting]["rows"] - 1 - collected
            for c in range(folds[collecting]["cols"]):
                out[block, row, c] = port[now, c]
            collected += 1
            if collected == folds[collecting]["rows"]:
                folds[collecting]["end"] = x + 1
                collecting += 1
                collected = 0
                if not drain_overlapped:
                    start_at = x + 1
        elif draining == count:
            break  # an early start has lost a vector

        if x < x_trace.shape[0]:
            record(x_trace, x, x_plane, x_at, rows, cols)
            record(y_trace, x, y_plane, y_at, rows, cols)
            record(sum_trace, x, sums, zero, rows, cols)
            record(drain_trace, x, drain, zero, rows, cols)
            for j in range(p - 1):
                record(product_trace[j], x, product, (x - j) % (p - 1) * pes, rows, cols)
        x += 1
    return x
