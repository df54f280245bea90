# amaranth: UnusedElaboratable=no
"""What meshes of packet and of wavelet routers share as twins: their models are lists of values, in
which each field of a stimulus or a response has a place."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
from amaranth.lib import wiring

from arch.errors import InputError
from arch.mesh.packet import PacketMesh
from arch.mesh.wavelet import WaveletMesh
from rtl.lockstep.twin import Words
from rtl.wrapper import Field, sides

BITS_MAX = 65_536
"""Of a response."""

Fields = tuple[tuple[Field, ...], tuple[Field, ...]]
"""Of stimuli and responses."""
Named = Mapping[str, int]
"""Places by the names of the hardware's fields."""


def lay_out(layout: np.void, sizes: Mapping[str, int]) -> None:
    """Note in a record where parts begin that lie one behind the other, and ``values`` in all."""
    at = 0
    for name, size in sizes.items():
        layout[name] = at
        at += int(size)
    layout["values"] = at


def members(name: str, names: Sequence[str], at: int) -> Iterator[tuple[str, int]]:
    """The places of a structure's members, the first of which is at ``at``."""
    yield from ((f"{name}.{member}", at + i) for i, member in enumerate(names))


class MeshFields:
    """A mesh as hardware, and where the model has its fields.

    ``named``: places of the fields of a stimulus and of a response. Both it and ``build`` are
    called when they are first needed.
    """

    name = "mesh"

    def __init__(
        self, build: Callable[[], wiring.Component], named: Callable[[], tuple[Named, Named]]
    ) -> None:
        self._build, self._named = build, named

    @cached_property
    def component(self) -> wiring.Component:
        """The hardware, which may be elaborated again."""
        return self._build()

    @cached_property
    def fields(self) -> Fields:
        """Of stimuli and responses."""
        stim, resp = (tuple(field for field, _ in side) for side in sides(self.component))
        return stim, resp

    @cached_property
    def places(self) -> tuple[Words, Words]:
        """Of each field of a stimulus and of a response."""
        stim, resp = (
            np.array([places[field.name] for field in side], np.int64)
            for places, side in zip(self._named(), self.fields, strict=True)
        )
        return stim, resp

    def check_bits(self, mesh: PacketMesh | WaveletMesh, smaller: str) -> None:
        """Raise InputError where registers are too many for one response; ``smaller``: what to
        set."""
        bits = sum(field.width for field in self.fields[1])
        if bits > BITS_MAX:
            raise InputError(
                f"{mesh.name}: {mesh.width} x {mesh.height} routers have {bits:,} bits of "
                f"registers, co-simulation takes {BITS_MAX:,}: take a smaller one ({smaller})"
            )
