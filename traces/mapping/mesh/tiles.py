"""Matrices in tiles over a grid of PEs, and the memory of a PE that holds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arch.mesh.program import FORMATS, Region

Floats = npt.NDArray[np.float32]
Blocks = npt.NDArray[np.int64]


@dataclass
class Memory:
    """Regions so far of a PE's memory."""

    format: str
    """Of elements, where a region does not say."""
    regions: list[Region] = field(default_factory=list)

    def add(self, name: str, elements: int, format: str | None = None) -> int:
        """A region behind the others; returns its first element."""
        start = max((each.start + each.elements for each in self.regions), default=0)
        self.regions.append(Region(name, start, elements, FORMATS.index(format or self.format)))
        return start

    @property
    def bytes(self) -> int:
        """Of all regions."""
        return sum(region.bytes for region in self.regions)


def rounded(values: npt.ArrayLike, format: str) -> Floats:
    """Values rounded once to a format, to nearest, ties to even."""
    exact = np.asarray(values, np.float32)
    if format == "fp16":
        return exact.astype(np.float16).astype(np.float32)
    if format == "bf16":
        bits = exact.view(np.uint32)
        up = (bits >> 16 & 1) + np.uint32(0x7FFF)
        return ((bits + up) & np.uint32(0xFFFF_0000)).view(np.float32)
    return exact


@dataclass(frozen=True)
class Tiles:
    """Where the tiles of a matrix lie. Tiles that reach beyond it are filled up with zeros."""

    region: str
    """Of each PE's memory, by name."""
    rows: int
    columns: int
    """Of the matrix."""
    tile_rows: int
    tile_columns: int
    row_block: Blocks
    column_block: Blocks
    """[height, width] which block of rows, and of columns, a PE has."""
    column_major: bool = False
    """In a tile: elements of a column are neighbours."""

    @property
    def elements(self) -> int:
        """Of a tile."""
        return self.tile_rows * self.tile_columns

    def placed(self, matrix: npt.ArrayLike, format: str) -> Floats:
        """[height, width, elements] the tiles of a matrix [rows, columns], rounded."""
        given = np.asarray(matrix, np.float32)
        if given.shape != (self.rows, self.columns):
            raise ValueError(f"{self.region}: {given.shape}, must be {(self.rows, self.columns)}")
        rows, columns = self._tiled()
        whole = np.zeros((rows, self.tile_rows, columns, self.tile_columns), np.float32)
        flat = whole.reshape(rows * self.tile_rows, columns * self.tile_columns)
        flat[: self.rows, : self.columns] = rounded(given, format)
        tiles = whole.transpose(0, 2, 1, 3)[self.row_block, self.column_block]
        if self.column_major:
            tiles = tiles.swapaxes(2, 3)
        return np.ascontiguousarray(tiles.reshape(*self.row_block.shape, self.elements))

    def gathered(self, memory: Mapping[str, npt.NDArray[np.float32]]) -> Floats:
        """[rows, columns] the matrix from regions [height, width, elements] after a run."""
        tiles = memory[self.region]
        shape = (self.tile_columns, self.tile_rows) if self.column_major else self._tile
        tiles = tiles.reshape(*self.row_block.shape, *shape)
        if self.column_major:
            tiles = tiles.swapaxes(2, 3)
        rows, columns = self._tiled()
        whole = np.zeros((rows, columns, *self._tile), np.float32)
        whole[self.row_block, self.column_block] = tiles
        flat = whole.transpose(0, 2, 1, 3).reshape(rows * self.tile_rows, -1)
        return np.ascontiguousarray(flat[: self.rows, : self.columns])

    @property
    def _tile(self) -> tuple[int, int]:
        return self.tile_rows, self.tile_columns

    def _tiled(self) -> tuple[int, int]:
        return int(self.row_block.max()) + 1, int(self.column_block.max()) + 1
