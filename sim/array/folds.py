"""How a tile product expands to folds: the order, and the size of each.

``pack`` groups share a fold, block by block along the diagonal. Within a pass over the groups,
the depth K runs innermost, so that partial sums of one block follow each other.
"""

import numpy as np

from sim.jit import njit

WS, OS, IS = range(3)
DATAFLOWS = ("ws", "os", "is")

FOLD = np.dtype(
    [
        ("command", np.int64),
        ("rows", np.int64),  # that the fold uses
        ("cols", np.int64),
        ("length", np.int64),  # vectors streamed
        ("timed_rows", np.int64),  # that its timing is of: the array's if edge folds are full
        ("timed_cols", np.int64),
        ("groups", np.int64),  # that share it
        ("first_depth", np.int64),  # 1: partial sums start here
        ("last_depth", np.int64),  # 1: partial sums end here
        ("last", np.int64),  # 1: last fold of its command
    ]
)

CURSOR = np.dtype(
    [
        ("groups_left", np.int64),
        ("outer", np.int64),  # index of the next fold's outer block
        ("inner", np.int64),  # and inner block
    ]
)


@njit
def blocks(extent, size):
    """Blocks of at most ``size`` that cover an extent."""
    return (extent + size - 1) // size


@njit
def stream_beats(s, length):
    """Beats in which so many vectors enter, one a copy."""
    return (length + s["copies"] - 1) // s["copies"]


@njit
def next_fold(cursor, fold, dataflow, rows, cols, full, m, n, k, pack):
    """Write the fold under the cursor and move the cursor; the last one leaves no groups."""
    groups = min(pack, cursor["groups_left"])
    row_block = rows // pack
    col_block = cols // pack
    outer = cursor["outer"]
    inner = cursor["inner"]
    if dataflow == OS:
        row_extent, col_extent, length = m, n, k
        outer_blocks = blocks(m, row_block)
        inner_blocks = blocks(n, col_block)
        row_at = outer * row_block
        col_at = inner * col_block
    else:
        row_extent = k
        col_extent = n
        length = m
        if dataflow == IS:
            col_extent = m
            length = n
        outer_blocks = blocks(col_extent, col_block)
        inner_blocks = blocks(k, row_block)
        row_at = inner * row_block
        col_at = outer * col_block
    fold["groups"] = groups
    fold["rows"] = groups * min(row_block, row_extent - row_at)
    fold["cols"] = groups * min(col_block, col_extent - col_at)
    fold["length"] = length
    fold["timed_rows"] = rows if full else fold["rows"]
    fold["timed_cols"] = cols if full else fold["cols"]
    fold["first_depth"] = 1 if dataflow == OS or inner == 0 else 0
    fold["last_depth"] = 1 if dataflow == OS or inner == inner_blocks - 1 else 0
    inner += 1
    if inner == inner_blocks:
        inner = 0
        outer += 1
        if outer == outer_blocks:
            outer = 0
            cursor["groups_left"] -= groups
    cursor["outer"] = outer
    cursor["inner"] = inner
    fold["last"] = 1 if cursor["groups_left"] == 0 else 0
