"""The folds of a tile, and their operands laid out as the array's edges see them.

A tile is ``groups`` independent products ``C[m, n] = A[m, k] @ B[k, n]``. Up to ``pack`` groups
share a fold, block by block along the diagonal of the grid. The layouts here are the address
generators' work: after them a kernel knows only vectors of ``rows`` or ``cols`` words.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.array import Array

Values = npt.NDArray[Any]

FOLD = np.dtype(
    [
        ("rows", np.int64),  # rows of the grid it is timed for
        ("cols", np.int64),  # columns of the grid it is timed for
        ("vectors", np.int64),  # vectors streamed
        ("left", np.int64),  # index of the operand that enters from the left
        ("top", np.int64),  # index of the operand that enters from the top
        ("out", np.int64),  # index of the output block
        ("load", np.int64),  # cycle in which its first stationary word enters (os: as start)
        ("start", np.int64),  # cycle in which its first streamed vector enters
        ("end", np.int64),  # cycle after the one in which its last output vector leaves
    ]
)


@dataclass(frozen=True)
class Block:
    """A range of one dimension in each of the groups of one pass."""

    group: int
    """First group of the pass."""
    groups: int
    begin: int
    end: int

    @property
    def extent(self) -> int:
        return self.end - self.begin

    def places(self) -> Iterator[tuple[int, slice, slice]]:
        """Of each group: its index, its range of the dimension, its range of the edge."""
        for i in range(self.groups):
            at = i * self.extent
            yield self.group + i, slice(self.begin, self.end), slice(at, at + self.extent)


@dataclass(frozen=True)
class Plan:
    """A tile ready for a kernel."""

    folds: npt.NDArray[np.void]
    """Array of ``FOLD`` in the order of execution; the last three fields are the kernel's."""
    left: Values
    """Stream into the left edge: [block, vector, row]."""
    top: Values
    """ws, is: stationary operand, [fold, column, row]; os: stream, [block, vector, column]."""
    out: Values
    """Accumulators, zero: [block, vector, column] (os: [fold, row, column])."""
    places: tuple[tuple[Block, Block], ...]
    """Of each block of ``out`` what its vectors (os; else unused) and its columns are."""


def passes(groups: int, pack: int, extent: int, limit: int) -> list[list[Block]]:
    """Blocks of a dimension of ``extent``, at most ``limit`` each, pass by pass."""
    return [
        [
            Block(first, min(pack, groups - first), begin, min(begin + limit, extent))
            for begin in range(0, extent, limit)
        ]
        for first in range(0, groups, pack)
    ]


def fold_table(array: Array, shapes: list[tuple[int, int, int, int, int, int]]) -> Any:
    """``FOLD`` records of (rows, columns, vectors, left, top, out)."""
    folds = np.zeros(len(shapes), FOLD)
    names = ("rows", "cols", "vectors", "left", "top", "out")
    for name, column in zip(names, zip(*shapes, strict=True), strict=True):
        folds[name] = column
    if array.edge_folds == "full":
        folds["rows"] = array.rows
        folds["cols"] = array.cols
    return folds


def plan_stationary(array: Array, stream: Values, stationary: Values, pack: int) -> Plan:
    """Folds of ``stream[g, t, k] @ stationary[g, k, x]``, the second one held in the PEs."""
    groups, vectors, depth = stream.shape
    k_passes = passes(groups, pack, depth, array.rows // pack)
    x_passes = passes(groups, pack, stationary.shape[2], array.cols // pack)
    k_count, x_count = len(k_passes[0]), len(x_passes[0])

    left = np.zeros((len(k_passes) * k_count, vectors, array.rows), stream.dtype)
    for index, block in enumerate(block for blocks in k_passes for block in blocks):
        for group, k_range, rows in block.places():
            left[index, :, rows] = stream[group, :, k_range]

    fold_count = len(k_passes) * k_count * x_count
    top = np.zeros((fold_count, array.cols, array.rows), stream.dtype)
    shapes: list[tuple[int, int, int, int, int, int]] = []
    places: list[tuple[Block, Block]] = []
    for number, (k_blocks, x_blocks) in enumerate(zip(k_passes, x_passes, strict=True)):
        for x_block in x_blocks:
            for k_index, k_block in enumerate(k_blocks):
                fold = len(shapes)
                held = zip(k_block.places(), x_block.places(), strict=True)
                for (group, k_range, rows), (_, x_range, cols) in held:
                    top[fold, cols, rows] = stationary[group, k_range, x_range].T
                a, b = k_block.groups * k_block.extent, x_block.groups * x_block.extent
                shapes.append((a, b, vectors, number * k_count + k_index, fold, len(places)))
            places.append((x_block, x_block))
    out = np.zeros((len(places), vectors, array.cols), stream.dtype)
    return Plan(fold_table(array, shapes), left, top, out, tuple(places))


def gather_stationary(plan: Plan, shape: tuple[int, ...]) -> Values:
    """The product [g, t, x] from the accumulators of ``plan_stationary``."""
    product = np.empty(shape, plan.out.dtype)
    for index, (_, x_block) in enumerate(plan.places):
        for group, x_range, cols in x_block.places():
            product[group, :, x_range] = plan.out[index, :, cols]
    return product


def plan_output(array: Array, a: Values, b: Values, pack: int) -> Plan:
    """Folds of ``a[g, m, k] @ b[g, k, n]``, the product held in the PEs."""
    groups, m, k = a.shape
    m_passes = passes(groups, pack, m, array.rows // pack)
    n_passes = passes(groups, pack, b.shape[2], array.cols // pack)
    m_count, n_count = len(m_passes[0]), len(n_passes[0])

    left = np.zeros((len(m_passes) * m_count, k, array.rows), a.dtype)
    for index, block in enumerate(block for blocks in m_passes for block in blocks):
        for group, m_range, rows in block.places():
            left[index, :, rows] = a[group, m_range, :].T
    top = np.zeros((len(n_passes) * n_count, k, array.cols), a.dtype)
    for index, block in enumerate(block for blocks in n_passes for block in blocks):
        for group, n_range, cols in block.places():
            top[index, :, cols] = b[group, :, n_range]

    shapes: list[tuple[int, int, int, int, int, int]] = []
    places: list[tuple[Block, Block]] = []
    for number, (m_blocks, n_blocks) in enumerate(zip(m_passes, n_passes, strict=True)):
        for m_index, m_block in enumerate(m_blocks):
            for n_index, n_block in enumerate(n_blocks):
                used = (m_block.groups * m_block.extent, n_block.groups * n_block.extent, k)
                edges = (number * m_count + m_index, number * n_count + n_index)
                shapes.append((*used, *edges, len(places)))
                places.append((m_block, n_block))
    out = np.zeros((len(places), array.rows, array.cols), a.dtype)
    return Plan(fold_table(array, shapes), left, top, out, tuple(places))


def gather_output(plan: Plan, shape: tuple[int, ...]) -> Values:
    """The product [g, m, n] from what ``plan_output``'s folds left behind.

    Under packing the blocks off the diagonal hold products of two different groups: dropped.
    """
    product = np.empty(shape, plan.out.dtype)
    for index, (m_block, n_block) in enumerate(plan.places):
        blocks = zip(m_block.places(), n_block.places(), strict=True)
        for (group, m_range, rows), (_, n_range, cols) in blocks:
            product[group, m_range, n_range] = plan.out[index, rows, cols]
    return product
