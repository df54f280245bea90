"""Slots of a scratchpad: which tile each holds, and who must be done before it is replaced."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field


@dataclass
class Slot:
    """A tile's place."""

    ready_after: list[int] = field(default_factory=list)
    """Commands that a user of the tile waits for."""
    room_after: list[int] = field(default_factory=list)
    """Commands that the first write to the slot waits for: users of the former tile."""
    free_after: list[int] = field(default_factory=list)
    """Commands that must be done before the tile may be replaced."""
    holds_sums: bool = False
    """Whether it holds partial sums, which must be stored before they are replaced."""


class Slots:
    """``count`` slots, replaced least recently used first."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._tiles: OrderedDict[Hashable, Slot] = OrderedDict()

    def find(self, tile: Hashable) -> Slot | None:
        """The slot of a tile, which is then the most recently used; None if it is not here."""
        slot = self._tiles.get(tile)
        if slot is not None:
            self._tiles.move_to_end(tile)
        return slot

    def make_room(self) -> tuple[Hashable, Slot] | None:
        """Take out the tile to replace, None while there is a free slot."""
        if len(self._tiles) < self._count:
            return None
        return self._tiles.popitem(last=False)

    def put(self, tile: Hashable) -> Slot:
        """Give a tile a free slot."""
        slot = self._tiles[tile] = Slot()
        return slot
