"""Vectors and matrices whose elements are spread along the axes of a grid."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from traces.mapping.mesh.tiles import Floats, rounded


@dataclass(frozen=True)
class Spread:
    """Elements along an axis: which one each place of each PE has, -1 for none."""

    axis: Literal["x", "y"]
    index: npt.NDArray[np.int64]
    """[positions, chunk]."""

    @property
    def chunk(self) -> int:
        """Places of a PE."""
        return int(self.index.shape[1])

    @property
    def positions(self) -> int:
        """PEs along the axis."""
        return int(self.index.shape[0])

    @property
    def elements(self) -> int:
        """That there are."""
        return int(self.index.max()) + 1


def spread(
    axis: Literal["x", "y"], elements: int, positions: int, parts: int = 1, multiple: int = 1
) -> Spread:
    """``parts`` equal parts of the elements, each over as many positions, in chunks.

    A chunk is a multiple of ``multiple``; the last ones of a part are not full.
    """
    per_part, wide = elements // parts, positions // parts
    chunk = -(-per_part // wide)
    chunk = -(-chunk // multiple) * multiple
    number = np.arange(wide * chunk).reshape(wide, chunk)
    within = np.where(number < per_part, number, -1)
    offset = np.arange(parts)[:, None, None] * per_part
    index = np.where(within >= 0, within + offset, -1).reshape(positions, chunk)
    return Spread(axis, index)


def vector(values: npt.ArrayLike, over: Spread, grid: tuple[int, int], format: str) -> Floats:
    """[height, width, chunk] a vector, the same across the other axis."""
    width, height = grid
    given = np.append(rounded(values, format), np.float32(0))
    parts = given[over.index]
    lanes = parts[None] if over.axis == "x" else parts[:, None]
    return np.ascontiguousarray(np.broadcast_to(lanes, (height, width, over.chunk)))


def matrix(values: npt.ArrayLike, rows: Spread, columns: Spread, format: str) -> Floats:
    """[height, width, rows x columns of a tile] a matrix; its axes lie along different ones."""
    given = np.pad(rounded(values, format), ((0, 1), (0, 1)))
    tiles = given[rows.index[:, None, :, None], columns.index[None, :, None, :]]
    if rows.axis == "x":
        tiles = tiles.swapaxes(0, 1)
    return np.ascontiguousarray(tiles.reshape(*tiles.shape[:2], -1))


def gathered(region: npt.NDArray[np.float32], over: Spread) -> Floats:
    """[other axis, elements] a vector as each line along the axis has it; region [height, width,
    chunk] after a run."""
    lines = region if over.axis == "x" else region.swapaxes(0, 1)
    whole = np.zeros((lines.shape[0], over.elements), np.float32)
    held = over.index >= 0
    whole[:, over.index[held]] = lines[:, held]
    return whole
