"""The wavelet meshes of a campaign: every pair of values of their parameters occurs."""

from dataclasses import dataclass
from random import Random
from typing import Any

from arch.errors import InputError
from arch.mesh.load import load_mesh
from arch.mesh.wavelet import WaveletMesh
from rtl.lockstep.campaign_builds import Build
from rtl.lockstep.pairs import Choice, Pair, choices, every_pair, pairs_in
from rtl.lockstep.wavelet import WaveletTwin

SHAPES = ((2, 2), (3, 2), (1, 4), (3, 3), (4, 4))
OPTIONS: dict[str, tuple[Any, ...]] = {
    "shape": SHAPES,
    "colours": (1, 2, 3, 5),
    "switch_positions": (1, 2, 3, 4),
    "queue_wavelets": (1, 2, 3, 8),
    "hop_cycles": (1, 2, 3, 4),
    "ramp_cycles": (1, 2, 3, 7),
    "ramp_down_wavelets": (1, 3, 4, 8),
    "ramp_up_wavelets": (1, 3, 4, 9),
}
OF_ROUTER = ("colours", "switch_positions", "queue_wavelets")
SHIPPED = "wse2"
SHIPPED_AS = (("width=2", "height=2"), ("width=4", "height=4", "router.colours=6"))
PLACE_CYCLES = 1_000_000
"""Cycles of a build times its colours and nodes, as more cost more."""
CYCLES_MAX, CYCLES_MIN = 40_000, 10_000


def pairs_of(choice: Choice) -> set[Pair]:
    """Of values that occur together."""
    return pairs_in(OPTIONS, choice)


def all_pairs() -> set[Pair]:
    """That can occur."""
    return every_pair(OPTIONS)


def choice_of(mesh: WaveletMesh) -> Choice:
    """The values that a mesh has."""
    return {"shape": (mesh.width, mesh.height)} | {
        name: getattr(mesh.router if name in OF_ROUTER else mesh, name)
        for name in OPTIONS
        if name != "shape"
    }


@dataclass
class WaveletBuild:
    """A mesh of wavelet routers."""

    mesh: WaveletMesh
    seed: int
    cycles: int

    @property
    def group(self) -> str:
        positions = self.mesh.router.switch_positions
        return f"{positions} position" + "s" * (positions > 1)

    @property
    def large(self) -> bool:
        return (self.mesh.width, self.mesh.height) == SHAPES[-1]

    @property
    def parameters(self) -> dict[str, Any]:
        return {"mesh": self.mesh.model_dump(mode="json", exclude={"source", "pe"})}

    def twin(self) -> WaveletTwin:
        return WaveletTwin(self.mesh)


def _shipped(settings: tuple[str, ...]) -> WaveletMesh:
    mesh = load_mesh(SHIPPED, settings)
    if not isinstance(mesh, WaveletMesh):
        raise InputError(f"{SHIPPED}: has {mesh.kind} routers; must be a mesh of wavelet routers")
    return mesh


def _build(mesh: WaveletMesh, random: Random) -> WaveletBuild:
    places = mesh.nodes * mesh.router.colours
    cycles = max(CYCLES_MIN, min(CYCLES_MAX, PLACE_CYCLES // places))
    return WaveletBuild(mesh, random.randrange(2**32), cycles)


def wavelet_builds(count: int, seed: int) -> list[Build]:
    """The meshes of a campaign, first a small part of the one that is shipped, with all colours,
    and a larger one with a few."""
    random = Random(seed)
    chosen: list[Build] = [_build(_shipped(settings), random) for settings in SHIPPED_AS]
    plain = _shipped(SHIPPED_AS[0])
    for number, choice in zip(
        range(count - len(SHIPPED_AS)), choices(OPTIONS, random), strict=False
    ):
        width, height = choice["shape"]
        router = {name: choice[name] for name in OF_ROUTER}
        own = {name: choice[name] for name in OPTIONS if name not in (*OF_ROUTER, "shape")}
        mesh = plain.model_copy(
            update={
                "name": f"wavelets_{number}", "width": width, "height": height, **own,
                "router": plain.router.model_copy(update=router),
            }
        )  # fmt: skip
        chosen.append(_build(mesh, random))
    return chosen
