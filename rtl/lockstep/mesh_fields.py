"""Fields of a mesh's stimuli and responses, of which one response has as many as it can hold."""

from amaranth.lib import wiring

from arch.errors import InputError
from arch.mesh.packet import PacketMesh
from arch.mesh.wavelet import WaveletMesh
from rtl.wrapper import Field, sides

BITS_MAX = 65_536
"""Of a response."""

Fields = tuple[tuple[Field, ...], tuple[Field, ...]]
"""Of stimuli and responses."""


def fields_of(component: wiring.Component) -> Fields:
    """The fields of a mesh's hardware."""
    stim, resp = (tuple(field for field, _ in side) for side in sides(component))
    return stim, resp


def check_bits(mesh: PacketMesh | WaveletMesh, fields: Fields, smaller: str) -> None:
    """Raise InputError where registers are too many for one response; ``smaller``: what to set."""
    bits = sum(field.width for field in fields[1])
    if bits > BITS_MAX:
        raise InputError(
            f"{mesh.name}: {mesh.width} x {mesh.height} routers have {bits:,} bits of registers, "
            f"co-simulation takes {BITS_MAX:,}: take a smaller one ({smaller})"
        )
