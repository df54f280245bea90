"""The attention of a batch in PIM: logits, and what they weigh, as NeuPIMs lays them out.

Each request has a channel of its own choice. In the part of the keys a row of a bank holds the
keys of one token, of as many heads as there is room for, tokens round the banks; a GWRITE brings
the query of these heads, a tile takes the tokens of all banks, one result a head. In the part of
the values an element of a head is in a bank, tokens along the row; a GWRITE brings the logits of
so many tokens of a head, a tile takes as many elements as there are banks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from arch.errors import InputError
from arch.pim.joint import JointChannels
from traces.pim.joint import COMP, COMPS, GWRITE, HEADER, LINE, READRES, SYNC, Lines

ELEMENT_BYTES = 2
QUERY_ROW = 0
"""Of bank 0: queries and logits lie there."""

Line = tuple[int, ...]


@dataclass(frozen=True)
class Request:
    """A sequence whose next token attends to what came before."""

    channel: int
    length: int
    """Tokens that it attends to."""


@dataclass(frozen=True)
class Shape:
    """Heads of a layer, those of one device."""

    heads: int
    head_dim: int


def attention_stage(
    pim: JointChannels, requests: Sequence[Request], shape: Shape, softmax_cycles: int = 0
) -> Lines:
    """Array of LINE: all logits, then ``softmax_cycles`` in which others work, then all values.

    Raises InputError for a channel that is not there and for what does not fit into its rows.
    """
    rows = dict.fromkeys(range(pim.channels), QUERY_ROW + 1)
    lines: list[Line] = []
    weighed: list[Line] = []
    for number, request in enumerate(requests):
        if request.channel not in rows:
            raise InputError(
                f"request {number}: channel must be 0 to {pim.channels - 1}, not {request.channel}"
            )
        first = rows[request.channel]
        keys = list(_keys(pim, request, shape, first))
        values = list(_values(pim, request, shape, first + key_rows(pim, request.length, shape)))
        rows[request.channel] += kv_rows(pim, request.length, shape)
        if rows[request.channel] > pim.device().rows:
            raise InputError(
                f"request {number}: its {request.length} tokens need "
                f"{kv_rows(pim, request.length, shape)} rows of channel {request.channel}, which "
                f"has {pim.device().rows - first} left"
            )
        lines += keys
        weighed += values
    lines.append((SYNC, 0, 0, 0, 0, 0, 0, 0, softmax_cycles, 0))
    return np.array(lines + weighed, LINE)


def key_rows(pim: JointChannels, length: int, shape: Shape) -> int:
    """Rows that the keys of a sequence take, of all banks of its channel."""
    return -(-length // pim.device().banks) * -(-shape.heads // heads_a_row(pim, shape))


def kv_rows(pim: JointChannels, length: int, shape: Shape) -> int:
    """Rows that keys and values of a sequence take, of all banks of its channel."""
    tiles = -(-shape.head_dim // pim.device().banks)
    values = shape.heads * tiles * -(-length // elements_a_row(pim))
    return key_rows(pim, length, shape) + values


def elements_a_row(pim: JointChannels) -> int:
    """Elements that a row of a bank holds."""
    device = pim.device()
    return device.columns * device.burst_bytes // ELEMENT_BYTES


def heads_a_row(pim: JointChannels, shape: Shape) -> int:
    """Heads of a token that a row of a bank holds. Raises InputError for heads larger than it."""
    if shape.head_dim > elements_a_row(pim):
        raise InputError(
            f"head_dim: a row holds {elements_a_row(pim)} elements, a head has {shape.head_dim}"
        )
    return elements_a_row(pim) // shape.head_dim


def columns_of(pim: JointChannels, elements: int) -> int:
    """Columns that so many elements of a row take."""
    return -(-elements // pim.command_set().mac.lanes)


def _keys(pim: JointChannels, request: Request, shape: Shape, first: int) -> Iterator[Line]:
    in_row = heads_a_row(pim, shape)
    parts = -(-shape.heads // in_row)
    for part in range(parts):
        heads = min(in_row, shape.heads - part * in_row)
        yield _gwrite(request)
        for tile in range(-(-request.length // pim.device().banks)):
            columns = [columns_of(pim, shape.head_dim)] * heads
            yield from _tile(pim, request, first + tile * parts + part, columns)


def _values(pim: JointChannels, request: Request, shape: Shape, first: int) -> Iterator[Line]:
    tokens = elements_a_row(pim)
    tiles = -(-shape.head_dim // pim.device().banks)
    parts = -(-request.length // tokens)
    for head in range(shape.heads):
        for part in range(parts):
            yield _gwrite(request)
            columns = columns_of(pim, min(tokens, request.length - part * tokens))
            for tile in range(tiles):
                row = first + (head * tiles + tile) * parts + part
                yield from _tile(pim, request, row, [columns])


def _gwrite(request: Request) -> Line:
    return (GWRITE, request.channel, 0, QUERY_ROW, 0, 0, 0, 0, 0, 0)


def _tile(pim: JointChannels, request: Request, row: int, columns: Sequence[int]) -> Iterator[Line]:
    """A header, and columns and a result for each of some sums."""
    channel = request.channel
    yield (HEADER, channel, 0, row, 0, sum(columns), len(columns), 0, 0, 0)
    for place, count in enumerate(columns):
        last = int(place == len(columns) - 1)
        if pim.composite:
            yield (COMPS, channel, 0, row, 0, count, 0, last, 0, 0)
        else:
            yield (COMP, channel, 0, row, 0, count, 0, 0, 0, 0)
            yield (READRES, channel, 0, row, 0, 0, 0, last, 0, 0)
