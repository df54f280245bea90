"""Where keys and values of past tokens lie, and room for those to come.

A token's key of a head is an output row of the scores: tokens go round banks and channels, in
groups as the outputs of a matrix. A value's element is an output of the values: elements of heads
go round banks and channels, tokens along the columns. Heads are padded to whole columns.
"""

from dataclasses import dataclass

import numpy as np

from arch.errors import InputError
from traces.mapping.pim.geometry import Geometry
from traces.mapping.pim.layout import Address, Allocator, Ints


@dataclass(frozen=True)
class Heads:
    """Of one layer's attention."""

    geometry: Geometry
    heads: int
    head_dim: int
    tokens_max: int
    """For which there is room."""

    @property
    def columns(self) -> int:
        """That a head's element vector takes, padded."""
        return self.geometry.columns_of(self.head_dim)

    @property
    def units(self) -> int:
        """Channels that a head's elements take, an element a bank."""
        return -(-self.head_dim // self.geometry.banks)

    @property
    def most_per_row(self) -> int:
        """Heads whose keys of a token fit a row, and whose queries fit the global buffer."""
        g = self.geometry
        return min(g.columns, g.buffer_columns) // self.columns

    @property
    def token_groups(self) -> int:
        """Groups of tokens whose keys are in a row of all banks and channels."""
        return -(-self.tokens_max // self.geometry.group)


@dataclass(frozen=True)
class KeyLayout:
    """Keys of one layer: blocks of ``heads_per_row`` heads, whose keys of a token lie side by side;
    as many groups of tokens in a row as there is room for."""

    heads: Heads
    heads_per_row: int
    first_row: int

    @property
    def blocks(self) -> range:
        """First head of each block."""
        return range(0, self.heads.heads, self.heads_per_row)

    @property
    def groups_per_row(self) -> int:
        return self.heads.geometry.columns // (self.heads_per_row * self.heads.columns)

    @property
    def block_rows(self) -> int:
        return -(-self.heads.token_groups // self.groups_per_row)

    @property
    def rows(self) -> int:
        """Of all blocks."""
        return len(self.blocks) * self.block_rows

    def place(self, head: int, group: int) -> tuple[int, int]:
        """Row and column at which a head's keys of a group of tokens begin."""
        block, inside = divmod(head, self.heads_per_row)
        row, turn = divmod(group, self.groups_per_row)
        column = (turn * self.heads_per_row + inside) * self.heads.columns
        return self.first_row + block * self.block_rows + row, column

    def address(self, head: int, token: int, element: Ints) -> Address:
        """Of elements of a key."""
        g = self.heads.geometry
        group, inside = divmod(token, g.group)
        row, column = self.place(head, group)
        full = np.full_like(element, 0)
        return Address(
            full + g.channels[inside // g.banks], full + inside % g.banks, full + row,
            column + element // g.lanes, element % g.lanes,
        )  # fmt: skip


@dataclass(frozen=True)
class ValueLayout:
    """Values of one layer. *Slots* of as many elements of a head as a channel has banks go round
    the channels; a row has ``tokens_per_row`` tokens of as many turns as there is room for."""

    heads: Heads
    tokens_per_row: int
    first_row: int

    @property
    def turns(self) -> int:
        """Rounds of slots over all channels."""
        slots = self.heads.heads * self.heads.units
        return -(-slots // len(self.heads.geometry.channels))

    @property
    def block_columns(self) -> int:
        """Of the tokens that lie side by side."""
        return self.tokens_per_row // self.heads.geometry.lanes

    @property
    def turns_per_row(self) -> int:
        return self.heads.geometry.columns // self.block_columns

    @property
    def block_rows(self) -> int:
        """Rows of a block of tokens."""
        return -(-self.turns // self.turns_per_row)

    @property
    def rows(self) -> int:
        """Of all blocks of tokens."""
        return -(-self.heads.tokens_max // self.tokens_per_row) * self.block_rows

    def place(self, turn: int, column: int) -> tuple[int, int]:
        """Row and column of a column of tokens, 16 lanes of them from token 0 on."""
        block, inside = divmod(column, self.block_columns)
        row, side = divmod(turn, self.turns_per_row)
        return (
            self.first_row + block * self.block_rows + row,
            side * self.block_columns + inside,
        )

    def address(self, head: int, token: int, element: Ints) -> Address:
        """Of elements of a value."""
        g = self.heads.geometry
        slot = head * self.heads.units + element // g.banks
        turn = slot // len(g.channels)
        places = [self.place(int(t), token // g.lanes) for t in turn]
        row, column = np.array(places, np.int64).reshape(-1, 2).T
        channel = np.array(g.channels)[slot % len(g.channels)]
        return Address(
            channel, element % g.banks, row, column, np.full_like(element, token % g.lanes)
        )


def default_heads_per_row(heads: Heads, sram_gprs: int) -> int:
    """The one with the fewest opened rows in a token's scores and appends, of those of which the
    scores of two blocks fit; at equal rows the fewest heads, so that softmax can begin early."""
    g = heads.geometry
    each = 2 * heads.token_groups * len(g.channels)
    fit = [count for count in range(1, heads.most_per_row + 1) if count * each <= sram_gprs]
    if not fit:
        raise InputError(
            f"scores of two heads and {heads.tokens_max} tokens take {each} columns of SRAM; there "
            f"are {sram_gprs} for them; take a larger asic.sram_kib or fewer tokens"
        )
    costs = {}
    for count in fit:
        layout = KeyLayout(heads, count, 0)
        costs[count] = layout.rows + len(layout.blocks)
    return min(costs, key=lambda count: (costs[count], count))


def default_value_tokens(heads: Heads) -> int:
    """Tokens of a value side by side: the power of two with the fewest opened rows over a whole
    generation, reads (one a block of tokens and turn) and writes (one a bank and row that a token's
    values lie in) together."""
    g = heads.geometry
    costs = {}
    size = g.lanes
    while size <= g.columns * g.lanes:
        layout = ValueLayout(heads, size, 0)
        blocks = -(-heads.tokens_max // size)
        # Blocks that are read, on average over contexts from 1 to tokens_max.
        partial = heads.tokens_max - (blocks - 1) * size
        mean = (size * blocks * (blocks - 1) / 2 + blocks * partial) / heads.tokens_max
        costs[size] = mean * layout.turns + g.banks * layout.block_rows
        size *= 2
    return min(costs, key=lambda count: (costs[count], -count))


def place_keys(allocator: Allocator, heads: Heads, heads_per_row: int) -> KeyLayout:
    """Raises InputError for more heads than a row takes."""
    if not 1 <= heads_per_row <= heads.most_per_row:
        raise InputError(
            f"key_heads_per_row is {heads_per_row}; must be 1 to {heads.most_per_row}, of heads of "
            f"{heads.head_dim}"
        )
    probe = KeyLayout(heads, heads_per_row, 0)
    return KeyLayout(heads, heads_per_row, allocator.take(probe.rows))


def place_values(allocator: Allocator, heads: Heads, tokens_per_row: int) -> ValueLayout:
    """Raises InputError for what is no power of two, or not in a row."""
    g = heads.geometry
    most = g.columns * g.lanes
    if not g.lanes <= tokens_per_row <= most or tokens_per_row & (tokens_per_row - 1):
        raise InputError(
            f"value_tokens_per_row is {tokens_per_row}; must be a power of two from {g.lanes} to "
            f"{most}"
        )
    probe = ValueLayout(heads, tokens_per_row, 0)
    return ValueLayout(heads, tokens_per_row, allocator.take(probe.rows))
