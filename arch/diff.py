"""What differs between two machines, memories, PIMs or systems that serve."""

from typing import Any, Final, NamedTuple

from arch.dram.memory import MemorySystem
from arch.mesh.packet import PacketMesh
from arch.mesh.wavelet import WaveletMesh
from arch.paths import Path, dotted
from arch.pim.hbm import HbmPim
from arch.pim.joint import JointPim
from arch.pim.system import Pim
from arch.serving import ServingSystem
from arch.spec import Spec


class Absent:
    """The value of a field that one of them does not have."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = Absent()


class Difference(NamedTuple):
    """A field with its values in both; ``ABSENT`` where there is no such field."""

    path: str
    a: Any
    b: Any


def diff(a: Spec, b: Spec) -> list[Difference]:
    """Fields that differ, defaults included, in the order in which ``a`` has them; then timings of
    the DRAM, in cycles. Raises InputError where a memory or PIM names what is not there."""
    own = _diff((), _plain(a), _plain(b))
    return own + _diff(("device", "timings"), timings_of(a), timings_of(b))


def _plain(spec: Spec) -> dict[str, Any]:
    """All fields; of a system that serves, those of its machine too."""
    return spec.expanded() if isinstance(spec, ServingSystem) else spec.model_dump(mode="json")


def timings_of(spec: Spec) -> dict[str, int]:
    """Cycles of a mesh, or of a memory's or PIM's device; none of a machine, which names them."""
    if isinstance(spec, Pim):
        return dict(spec.device().device.timings)
    if isinstance(spec, HbmPim | JointPim | MemorySystem):
        return dict(spec.device().timings)
    if isinstance(spec, PacketMesh | WaveletMesh):
        return spec.timings()
    return {}


def _diff(path: Path, a: Any, b: Any) -> list[Difference]:
    if isinstance(a, dict) or isinstance(b, dict):
        found = [] if isinstance(a, dict) and isinstance(b, dict) else [_whole(path, a, b)]
        mine, other = (each if isinstance(each, dict) else {} for each in (a, b))
        for key in [*mine, *(key for key in other if key not in mine)]:
            found += _diff((*path, key), mine.get(key, ABSENT), other.get(key, ABSENT))
        return [each for each in found if not (each.a is ABSENT and each.b is ABSENT)]
    return [] if a == b else [Difference(dotted(path), a, b)]


def _whole(path: Path, a: Any, b: Any) -> Difference:
    """A section on one side only: the other side's own value."""
    return Difference(
        dotted(path),
        ABSENT if isinstance(a, dict) else a,
        ABSENT if isinstance(b, dict) else b,
    )
