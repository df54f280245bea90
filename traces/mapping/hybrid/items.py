"""PIM instructions of both halves of a sequence's attention.

Rows and order are those of ``traces.mapping.joint_attention``, as arrays of ``PIM_ITEM``.
"""

from collections.abc import Sequence as Ordered

import numpy as np
import numpy.typing as npt

from arch.commands import PIM_ITEM, PIM_OPS
from arch.pim.joint import JointChannels
from traces.mapping.joint_attention import (
    QUERY_ROW,
    Shape,
    columns_of,
    elements_a_row,
    heads_a_row,
    key_rows,
)

GWRITE, HEADER, COMP, READRES, COMPS = range(len(PIM_OPS))
Items = npt.NDArray[np.void]


def key_items(
    memory: JointChannels, shape: Shape, length: int, cache_row: int, query_row: int | None
) -> Items:
    """All logits of a sequence; ``query_row`` None: each GWRITE is of the channel's first row."""
    in_row = heads_a_row(memory, shape)
    parts = -(-shape.heads // in_row)
    tiles = np.arange(-(-length // memory.device().banks))
    each = columns_of(memory, shape.head_dim)
    found = []
    for part in range(parts):
        heads = min(in_row, shape.heads - part * in_row)
        found.append(_gwrite(memory, query_row, part))
        found.append(_tiles(memory, cache_row + tiles * parts + part, [each] * heads))
    return np.concatenate(found)


def value_items(
    memory: JointChannels, shape: Shape, length: int, cache_row: int, query_row: int | None
) -> Items:
    """All that the weights of a sequence weigh; as ``key_items``."""
    tokens, banks = elements_a_row(memory), memory.device().banks
    in_row = heads_a_row(memory, shape)
    key_parts = -(-shape.heads // in_row)
    first = cache_row + key_rows(memory, length, shape)
    tiles, parts = -(-shape.head_dim // banks), -(-length // tokens)
    found = []
    for head in range(shape.heads):
        for part in range(parts):
            columns = columns_of(memory, min(tokens, length - part * tokens))
            rows = first + (head * tiles + np.arange(tiles)) * parts + part
            found.append(_gwrite(memory, query_row, key_parts + head * parts + part))
            found.append(_tiles(memory, rows, [columns]))
    return np.concatenate(found)


def query_slot(memory: JointChannels, query_row: int, slot: int) -> tuple[int, int]:
    """Bank and row of the queries or weights of one GWRITE."""
    row, bank = divmod(slot, memory.device().banks)
    return bank, query_row + row


def _gwrite(memory: JointChannels, query_row: int | None, slot: int) -> Items:
    item = np.zeros(1, PIM_ITEM)
    item["op"] = GWRITE
    bank, row = (0, QUERY_ROW) if query_row is None else query_slot(memory, query_row, slot)
    item["bank"], item["row"] = bank, row
    return item


def _tiles(memory: JointChannels, rows: npt.NDArray[np.int64], columns: Ordered[int]) -> Items:
    """A tile in each of some rows: a header, and columns and a result for each of some sums."""
    each = 1 if memory.composite else 2
    tiles = np.zeros((len(rows), 1 + len(columns) * each), PIM_ITEM)
    tiles["row"] = rows[:, None]
    tiles["op"][:, 0] = HEADER
    tiles["count"][:, 0], tiles["results"][:, 0] = sum(columns), len(columns)
    tiles["op"][:, 1::each] = COMPS if memory.composite else COMP
    tiles["count"][:, 1::each] = columns
    if not memory.composite:
        tiles["op"][:, 2::2] = READRES
    tiles["last"][:, -1] = 1
    return tiles.reshape(-1)
