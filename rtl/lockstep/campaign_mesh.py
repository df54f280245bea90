"""The meshes of a campaign: every pair of values of their parameters occurs."""

from dataclasses import dataclass
from random import Random
from typing import Any

from arch.mesh.load import load_packet_mesh
from arch.mesh.packet import PORTS, Allocator, PacketMesh
from rtl.lockstep.campaign_builds import Build, cycles_of
from rtl.lockstep.mesh import MeshTwin
from rtl.lockstep.pairs import Choice, Pair, choices, every_pair

SHAPES = ((2, 2), (3, 2), (2, 4), (3, 3), (4, 4))
ALLOCATORS = (
    Allocator(kind="separable_input_first"),
    Allocator(kind="islip"),
    Allocator(kind="islip", iterations=2),
)
OPTIONS: dict[str, tuple[Any, ...]] = {
    "shape": SHAPES,
    "vcs": (1, 2, 3, 4),
    "buffer_flits": (1, 2, 3, 5, 8),
    "routing_cycles": (0, 1, 2),
    "traversal_cycles": (1, 2),
    "credit_cycles": (0, 1, 2),
    "link_latency_cycles": (1, 2),
    "node_latency_cycles": (1, 2, 3),
    "vc_allocator": ALLOCATORS,
    "switch_allocator": ALLOCATORS,
}
OF_MESH = ("link_latency_cycles", "node_latency_cycles")
SHIPPED = ("mesh_W1", "mesh_V4")
PLACE_CYCLES = 20_000_000
"""Cycles of a build times the registers of its VCs, as more cost more."""
CYCLES_MAX, CYCLES_MIN = 50_000, 12_000


def choice_of(mesh: PacketMesh) -> Choice:
    """The values that a mesh has."""
    names = {name: mesh if name in OF_MESH else mesh.router for name in OPTIONS if name != "shape"}
    return {"shape": (mesh.width, mesh.height)} | {
        name: getattr(spec, name) for name, spec in names.items()
    }


def pairs() -> set[Pair]:
    """Of values of parameters."""
    return every_pair(OPTIONS)


@dataclass
class MeshBuild:
    """A mesh of packet routers."""

    mesh: PacketMesh
    seed: int
    cycles: int

    @property
    def group(self) -> str:
        return f"{self.mesh.router.vcs} VC" + "s" * (self.mesh.router.vcs > 1)

    @property
    def large(self) -> bool:
        return (self.mesh.width, self.mesh.height) == SHAPES[-1]

    @property
    def parameters(self) -> dict[str, Any]:
        return {"mesh": self.mesh.model_dump(mode="json", exclude={"source"})}

    def twin(self) -> MeshTwin:
        return MeshTwin(self.mesh)


def _build(mesh: PacketMesh, random: Random) -> MeshBuild:
    router = mesh.router
    places = mesh.nodes * PORTS * router.vcs * (4 + router.buffer_flits)
    cycles = cycles_of(places, PLACE_CYCLES, CYCLES_MIN, CYCLES_MAX)
    return MeshBuild(mesh, random.randrange(2**32), cycles)


def mesh_builds(count: int, seed: int) -> list[Build]:
    """The meshes of a campaign, first those that are shipped, as 4 x 4."""
    random = Random(seed)
    small = ("width=4", "height=4")
    chosen: list[Build] = [_build(load_packet_mesh(name, small), random) for name in SHIPPED]
    plain = load_packet_mesh(SHIPPED[0])
    for number, choice in zip(range(count - len(SHIPPED)), choices(OPTIONS, random), strict=False):
        own = {name: choice[name] for name in OF_MESH}
        width, height = choice["shape"]
        rest = {name: value for name, value in choice.items() if name not in (*OF_MESH, "shape")}
        mesh = plain.model_copy(
            update={
                "name": f"mesh_{number}", "width": width, "height": height, **own,
                "router": plain.router.model_copy(update=rest),
            }
        )  # fmt: skip
        chosen.append(_build(mesh, random))
    return chosen
