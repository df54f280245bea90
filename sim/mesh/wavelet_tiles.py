"""In which order the nodes of a mesh lie in memory: tiles of 32, row by row in each."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

TILE = 32


@dataclass(frozen=True)
class Tiles:
    """Of a mesh of ``width`` x ``height`` nodes; those at the edges may reach over them."""

    width: int
    height: int

    @property
    def bits(self) -> int:
        """Log2 of the width of a tile: 8 x 4 nodes, but for a mesh that is less high or wide."""
        if self.height < 4:
            return 5 - (self.height - 1).bit_length()
        return min((self.width - 1).bit_length(), 3)

    @property
    def across(self) -> int:
        """Tiles in a row."""
        return -(-self.width >> self.bits)

    @property
    def nodes(self) -> int:
        """Of all tiles."""
        return self.across * -(-self.height >> (5 - self.bits)) * TILE

    @cached_property
    def order(self) -> npt.NDArray[np.int64]:
        """[height * width] number of each node of the mesh, row by row."""
        y, x = np.divmod(np.arange(self.width * self.height), self.width)
        wide, high = 1 << self.bits, TILE >> self.bits
        tile = y // high * self.across + x // wide
        order: npt.NDArray[np.int64] = tile * TILE + y % high * wide + x % wide
        return order

    def steps(self) -> npt.NDArray[np.int64]:
        """[4 * 32] from a node to its neighbours in the east, west, south and north."""
        place = np.arange(TILE)
        wide = 1 << self.bits
        x, y = place % wide, place // wide
        south = self.across * TILE - (TILE - wide)
        return np.concatenate([
            np.where(x + 1 < wide, 1, TILE - wide + 1), np.where(x, -1, -(TILE - wide + 1)),
            np.where(y + 1 < TILE // wide, wide, south), np.where(y, -wide, -south),
        ])  # fmt: skip

    def spread(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """[height, width, ...] row by row as [nodes, ...]; 0 elsewhere."""
        made = np.zeros((self.nodes, *values.shape[2:]), values.dtype)
        made[self.order] = values.reshape(len(self.order), *values.shape[2:])
        return made

    def gathered(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """[nodes, ...] as [height, width, ...]."""
        return values[self.order].reshape(self.height, self.width, *values.shape[1:])
