"""Slots of scratchpads: which tiles they hold, and who must be done before one is replaced.

A tile that is in no slot takes a free one, or that of the tile that was used least recently. In a
nest of loops, tiles that are used again are used again in the same order, so that is the tile that
was put first: a queue will do. Each operand's tiles are numbered, and lie one behind the other in
an array of ``TILE``. A command is named by its index, ``NONE`` is no command.
"""

import numpy as np

from traces.jit import njit

NONE = np.int64(-1)

TILE = np.dtype(
    [
        ("here", np.int64),  # 1: it is in a slot
        ("next", np.int64),  # tile that was put after it
        ("ready_after", np.int64),  # command that a user waits for
        ("room_after", np.int64),  # that the first write waits for: last user of the former tile
        ("free_after", np.int64),  # that must be done before the tile is replaced
        ("holds_sums", np.int64),  # 1: partial sums, which must be stored before that
        ("stored_by", np.int64),  # last store of its partial sums, if they had to leave
    ]
)

SLOTS = np.dtype(
    [
        ("count", np.int64),
        ("used", np.int64),
        ("oldest", np.int64),  # tile that was put first
        ("newest", np.int64),
        ("first", np.int64),  # index in the array of tiles
    ]
)


@njit
def clear(slots, tiles, first, count):
    """Give an operand the tiles from ``first`` on, none in a slot; return where the next begin."""
    for index in range(first, first + count):
        tiles[index]["here"] = 0
        tiles[index]["stored_by"] = NONE
    slots["used"] = 0
    slots["first"] = first
    return first + count


@njit
def make_room(slots, tiles):
    """Take the tile that was used least recently out of its slot, NONE if one is free."""
    if slots["used"] < slots["count"]:
        return NONE
    oldest = slots["oldest"]
    slots["oldest"] = tiles[oldest]["next"]
    slots["used"] -= 1
    tiles[oldest]["here"] = 0
    return oldest


@njit
def put(slots, tiles, index):
    """Give a tile a free slot, which holds nothing yet."""
    if slots["used"] == 0:
        slots["oldest"] = index
    else:
        tiles[slots["newest"]]["next"] = index
    slots["newest"] = index
    slots["used"] += 1
    tile = tiles[index]
    tile["here"] = 1
    tile["ready_after"] = NONE
    tile["room_after"] = NONE
    tile["free_after"] = NONE
    tile["holds_sums"] = 0
