"""Where matrices lie: outputs round the banks and channels, an output's factors along the columns.

Columns of a bank are numbered on from row to row (*flat*). A matrix is read in exactly the order in
which it lies, so each of its rows is opened once.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from traces.mapping.pim.geometry import Geometry

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Address:
    """Of elements; arrays of equal shape."""

    channel: Ints
    bank: Ints
    row: Ints
    column: Ints
    lane: Ints


@dataclass(frozen=True)
class Segment:
    """Columns of one row."""

    row: int
    column: int
    count: int
    offset: int
    """Columns of the piece before it."""


@dataclass(frozen=True)
class MatrixLayout:
    """A matrix [n outputs, k inputs].

    The inputs go in *chunks*, as many as the global buffer takes; the outputs in *groups*, one
    output a bank of each channel, and the groups in blocks. In a block, all its groups take a chunk
    before they take the next: within a block of one group sums stay in the accumulators, in a
    longer one each chunk's are read and added on the chip.
    """

    geometry: Geometry
    name: str
    n: int
    k: int
    first_row: int
    block_groups: int
    """Groups of a block, but for the last."""

    @property
    def groups(self) -> int:
        return -(-self.n // self.geometry.group)

    @cached_property
    def chunks(self) -> tuple[tuple[int, int], ...]:
        """First column of each, counted from the first input, and columns."""
        whole, most = self.geometry.columns_of(self.k), self.geometry.buffer_columns
        return tuple((first, min(most, whole - first)) for first in range(0, whole, most))

    @property
    def blocks(self) -> range:
        """First group of each block."""
        return range(0, self.groups, self.block_groups)

    @property
    def accumulates(self) -> bool:
        """Whether accumulators hold sums over all chunks."""
        return len(self.chunks) == 1 or self.block_groups == 1

    def block_end(self, first: int) -> int:
        """Group behind a block."""
        return min(first + self.block_groups, self.groups)

    def flat(self, group: Any, chunk: Any) -> Any:
        """First column of a group's part of a chunk; also of arrays of groups and chunks."""
        pitches = np.array([self._pitch(columns) for _, columns in self.chunks])
        before = np.concatenate([[0], np.cumsum(pitches)])
        block = group // self.block_groups * self.block_groups
        size = np.minimum(self.block_groups, self.groups - block)
        inside = size * before[chunk] + (group - block) * pitches[chunk]
        return block * before[-1] + inside

    def _pitch(self, columns: int) -> int:
        """From a group's part of a chunk to the next one's; whole rows where MACs begin at
        column 0."""
        row = self.geometry.columns
        return columns if self.geometry.addressed else -(-columns // row) * row

    @property
    def rows(self) -> int:
        """That the matrix takes in each bank."""
        flat = self.groups * sum(self._pitch(columns) for _, columns in self.chunks)
        return -(-flat // self.geometry.columns)

    def segments(self, group: int, chunk: int) -> tuple[Segment, ...]:
        """Columns of a group's part of a chunk, row by row."""
        return segments(
            self.geometry, self.first_row, int(self.flat(group, chunk)), self.chunks[chunk][1]
        )

    def channels_of(self, group: int) -> int:
        """Channels that have outputs of a group: the first so many."""
        left = min(self.geometry.group, self.n - group * self.geometry.group)
        return -(-left // self.geometry.banks)

    def address(self, output: Ints, k: Ints) -> Address:
        """Of elements of the matrix."""
        g = self.geometry
        group, inside = output // g.group, output % g.group
        whole = k // g.lanes
        chunk = whole // g.buffer_columns
        flat = self.flat(group, chunk) + whole % g.buffer_columns
        channel = np.array(g.channels)[inside // g.banks]
        row, column = self.first_row + flat // g.columns, flat % g.columns
        return Address(channel, inside % g.banks, row, column, k % g.lanes)


def segments(geometry: Geometry, first_row: int, flat: int, count: int) -> tuple[Segment, ...]:
    """Split ``count`` columns from ``flat`` on into rows."""
    found: list[Segment] = []
    done = 0
    while done < count:
        row, column = divmod(flat + done, geometry.columns)
        taken = min(count - done, geometry.columns - column)
        found.append(Segment(first_row + row, column, taken, done))
        done += taken
    return tuple(found)


@dataclass(frozen=True)
class TableLayout:
    """``count`` vectors of n elements that the chip reads whole: columns go round the channels, all
    in one bank; a vector does not begin in a row that has no room for all of it."""

    geometry: Geometry
    name: str
    count: int
    n: int
    first_row: int

    @property
    def pitch(self) -> int:
        """Columns of a vector in each channel."""
        return -(-self.geometry.columns_of(self.n) // len(self.geometry.channels))

    @property
    def rows(self) -> int:
        whole = -(-self.pitch // self.geometry.columns)
        a_row = self.geometry.columns // self.pitch
        banks_full = self.count * whole if whole > 1 else -(-self.count // a_row)
        return -(-banks_full // self.geometry.banks)

    def segments(self, index: int) -> tuple[tuple[int, Segment], ...]:
        """Columns of a vector, each time with their bank."""
        g = self.geometry
        if self.pitch <= g.columns:
            place, inside = divmod(index, g.columns // self.pitch)
            flat = place * g.columns + inside * self.pitch
        else:
            flat = index * -(-self.pitch // g.columns) * g.columns
        found = segments(g, 0, flat, self.pitch)
        return tuple(
            (s.row % g.banks,
             Segment(self.first_row + s.row // g.banks, s.column, s.count, s.offset))
            for s in found
        )  # fmt: skip

    def address(self, index: int, element: Ints) -> Address:
        """Of elements of a vector."""
        g = self.geometry
        column, turn = element // g.lanes // len(g.channels), element // g.lanes % len(g.channels)
        bank, row, inside = (np.zeros_like(element) for _ in range(3))
        for of_bank, segment in self.segments(index):
            here = (column >= segment.offset) & (column < segment.offset + segment.count)
            bank[here], row[here] = of_bank, segment.row
            inside[here] = segment.column + column[here] - segment.offset
        return Address(np.array(g.channels)[turn], bank, row, inside, element % g.lanes)


class Allocator:
    """Gives tensors their rows, one behind the other, in all banks of all channels."""

    def __init__(self, geometry: Geometry, model: str) -> None:
        """``model``: whose tensors they are, for errors."""
        self.geometry, self._model = geometry, model
        self.rows = 0
        """Rows given so far; may be more than there are, until ``check``."""

    def take(self, rows: int) -> int:
        """The first of so many rows."""
        first = self.rows
        self.rows += rows
        return first

    def check(self) -> None:
        """Raises InputError where the memory is too small."""
        g = self.geometry
        if self.rows > g.rows:
            raise InputError(
                f"{self._model}: takes {self.rows * g.row_bytes} bytes, {self.rows} rows of each "
                f"bank; {g.name} has {g.rows * g.row_bytes} bytes, {g.rows} rows, in "
                f"{len(g.channels)} channels; take more channels, an organisation with more rows, "
                "fewer tokens or a smaller model"
            )


def place_matrix(
    allocator: Allocator, name: str, n: int, k: int, block_groups: int | None = None
) -> MatrixLayout:
    """Place a matrix; ``block_groups``: of a block, one as the least.

    Left out, it is one where there is no chip that could add (AiM), else all groups: a matrix of
    more than one chunk then writes the global buffer once a chunk, not once a chunk and group, and
    rows are opened once either way.
    """
    if min(n, k) < 1:
        raise InputError(f"{name}: a matrix of {n} x {k}; must be 1 x 1 at least")
    geometry = allocator.geometry
    groups = -(-n // geometry.group)
    if block_groups is None:
        block_groups = groups if geometry.addressed else 1
    probe = MatrixLayout(geometry, name, n, k, 0, min(max(1, block_groups), groups))
    return MatrixLayout(geometry, name, n, k, allocator.take(probe.rows), probe.block_groups)


def place_table(allocator: Allocator, name: str, count: int, n: int) -> TableLayout:
    """Place vectors that the chip reads."""
    probe = TableLayout(allocator.geometry, name, count, n, 0)
    return TableLayout(allocator.geometry, name, count, n, allocator.take(probe.rows))
