"""Where the keys and values of sequences lie: a channel and rows of it for each.

The load of a channel is what its attention is estimated to take. A tile opens its groups of banks
one after the other, each a part of the four activate window, goes through its columns, and
closes.
"""

from collections.abc import Sequence as Ordered
from dataclasses import dataclass

from arch.errors import InputError
from arch.pim.joint import JointChannels
from traces.mapping.joint_attention import (
    Shape,
    columns_of,
    elements_a_row,
    heads_a_row,
    kv_rows,
)

ACTIVATES_A_GROUP = 4
"""Banks that one activate of a group opens."""


@dataclass(frozen=True)
class Sequence:
    """A sequence whose next token attends to what came before."""

    number: int
    channel: int
    length: int
    """Tokens that it attends to, the new one included."""


@dataclass(frozen=True)
class Counts:
    """PIM commands of the attention of one sequence in one layer."""

    gwrites: int
    tiles: int
    columns: int
    """Of all tiles."""
    results: int


def counts_of(memory: JointChannels, shape: Shape, length: int) -> Counts:
    """Commands of both halves of the attention."""
    banks, tokens = memory.device().banks, elements_a_row(memory)
    in_row = heads_a_row(memory, shape)
    key_parts, key_tiles = -(-shape.heads // in_row), -(-length // banks)
    value_parts, value_tiles = -(-length // tokens), -(-shape.head_dim // banks)
    whole, rest = divmod(length, tokens)
    of_values = whole * columns_of(memory, tokens) + columns_of(memory, rest)
    return Counts(
        gwrites=key_parts + shape.heads * value_parts,
        tiles=key_parts * key_tiles + shape.heads * value_parts * value_tiles,
        columns=shape.heads
        * (key_tiles * columns_of(memory, shape.head_dim) + value_tiles * of_values),
        results=shape.heads * (key_tiles + value_parts * value_tiles),
    )


def estimated_cycles(memory: JointChannels, shape: Shape, length: int) -> int:
    """Cycles that a channel attends to a sequence of one layer, about."""
    counts, timings = counts_of(memory, shape, length), memory.device().timings
    groups = memory.device().banks // ACTIVATES_A_GROUP
    tile = (groups - 1) * timings["nFAW"] + timings["nRCDRD"] + timings["nRP"]
    gwrite = timings["nRCDRD"] + timings["nGW"]
    return counts.gwrites * gwrite + counts.tiles * tile + counts.columns * timings["nCOMP"]


def query_rows(memory: JointChannels, shape: Shape, length: int) -> int:
    """Rows, of all banks, for the queries and weights of a sequence, which all layers share."""
    return -(-counts_of(memory, shape, length).gwrites // memory.device().banks)


def sequence_rows(memory: JointChannels, shape: Shape, layers: int, length: int) -> int:
    """Rows of its channel that a sequence of so many tokens needs, of all banks."""
    return query_rows(memory, shape, length) + layers * kv_rows(memory, length, shape)


@dataclass(frozen=True)
class Rows:
    """Of one sequence, in its channel."""

    queries: int
    """First row of its queries and weights."""
    cache: int
    """First row of its keys and values of the layer."""


def lay_out(
    memory: JointChannels,
    shape: Shape,
    layers: int,
    first_row: int,
    sequences: Ordered[Sequence],
) -> dict[int, Rows]:
    """Rows of each sequence by its number, one behind the other in each channel.

    Raises InputError for a channel that is not there, and for sequences that do not fit.
    """
    free = dict.fromkeys(range(memory.channels), first_row)
    found = {}
    for each in sequences:
        if each.channel not in free:
            raise InputError(
                f"sequence {each.number}: channel must be 0 to {memory.channels - 1}, not "
                f"{each.channel}"
            )
        if each.length < 1:
            raise InputError(f"sequence {each.number}: must have 1 token or more")
        begin, rows = free[each.channel], memory.device().rows
        needed = sequence_rows(memory, shape, layers, each.length)
        if begin + needed > rows:
            raise InputError(
                f"sequence {each.number}: its {each.length} tokens in {layers} layers need "
                f"{needed} rows of channel {each.channel}, which has {max(0, rows - begin)} left"
            )
        found[each.number] = Rows(begin, begin + query_rows(memory, shape, each.length))
        free[each.channel] += needed
    return found
