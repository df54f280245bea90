"""The wavelet meshes of a campaign: every pair of values of their parameters occurs."""

from dataclasses import dataclass
from random import Random
from typing import Any

from arch.errors import InputError
from arch.mesh.load import load_mesh
from arch.mesh.wavelet import PeCosts, WaveletMesh
from rtl.lockstep.campaign_builds import Build, cycles_of
from rtl.lockstep.mesh_fields import BITS_MAX
from rtl.lockstep.pairs import Choice, Pair, choices, every_pair
from rtl.lockstep.wavelet import WaveletTwin
from rtl.lockstep.wavelet_jobs import job_of, whole_program
from rtl.mesh.wavelet_parameters import LINKS, WORD_BITS

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
    "wavelets_per_operation": (1, 2),
}
NEVER: frozenset[Pair] = frozenset(
    (ramp, 1, "wavelets_per_operation", 2) for ramp in ("ramp_down_wavelets", "ramp_up_wavelets")
)
"""Pairs that no mesh has."""
OF_ROUTER = ("colours", "switch_positions", "queue_wavelets")
OF_PE = ("wavelets_per_operation",)
SHIPPED = "wse2"
SHIPPED_AS = (
    ("width=2", "height=2"),
    ("width=3", "height=3", "router.colours=9"),
    ("width=4", "height=4", "router.colours=9"),
    ("width=2", "height=2", "pe.wavelets_per_operation=2"),
    ("width=3", "height=3", "router.colours=9", "pe.wavelets_per_operation=2"),
    ("width=4", "height=4", "router.colours=9", "pe.wavelets_per_operation=2"),
)
COSTS: dict[str, tuple[int, ...]] = {
    "task_cycles": (0, 3), "fabric_cycles": (0, 1, 5), "microthread_cycles": (0, 1, 5),
    "fma_cycles": (0, 2),
    "callback_millicycles": (0, 700), "vec_cycles": (0, 4), "loop_cycles": (0, 2),
}  # fmt: skip
"""Of PEs, so that programs meet in other ways."""
PROGRAMS = (
    "chain:wavelets={n},{axis}", "chain_allreduce:wavelets={n},{axis}",
    "tree:wavelets={n},{axis}", "two_phase:wavelets={n},group=2,{axis}",
    "star:wavelets={n},{axis}", "broadcast:wavelets={n},{axis}",
    "ring_allreduce:wavelets={n},{axis}", "ktree_allreduce:wavelets={n},{axis}",
    "mesh_gemv:k={n},n={k},allreduce=chain", "mesh_gemv:k={n},n={k},allreduce=ring",
    "mesh_gemv:k={n},n={k},allreduce=k_tree", "mesh_gemv:k={n},n={k},next={n},allreduce=k_tree",
    "mesh_gemm:m={k},k={n},n={k}", "summa:m={k},k={n},n={k}",
    "kv_shift:dim={k},tokens={n}", "kv_concat:dim={k},tokens={n}",
)  # fmt: skip
"""That PEs run, if the mesh has what they need."""
SIZES = (4, 12, 30)
PLACE_CYCLES = 1_000_000
"""Cycles of a build times its colours and nodes, as more cost more."""
CYCLES_MAX, CYCLES_MIN = 40_000, 10_000
WAVELET_BITS = WORD_BITS + 5
"""Of a register with a wavelet, at most, its share of counts included."""


def choice_of(mesh: WaveletMesh) -> Choice:
    """The values that a mesh has."""
    owners = dict.fromkeys(OF_ROUTER, mesh.router) | dict.fromkeys(OF_PE, mesh.pe)
    return {"shape": (mesh.width, mesh.height)} | {
        name: getattr(owners.get(name, mesh), name) for name in OPTIONS if name != "shape"
    }


def fits(choice: Choice) -> bool:
    """Whether a response holds the registers of a mesh."""
    (width, height), colours = choice["shape"], choice["colours"]
    queues = sum(choice[name] for name in OPTIONS if name.endswith("_wavelets"))
    ways = 2 * choice["ramp_cycles"] + LINKS * choice["hop_cycles"]
    return bool(width * height * (colours * queues + ways) * WAVELET_BITS <= BITS_MAX)


def pairs() -> set[Pair]:
    """Of values of parameters, those that a mesh can have."""
    return every_pair(OPTIONS) - NEVER


@dataclass
class WaveletBuild:
    """A mesh of wavelet routers."""

    mesh: WaveletMesh
    seed: int
    cycles: int
    workloads: tuple[str, ...]
    """Programs of PEs, which half of the runs have; the others have random traffic."""

    @property
    def group(self) -> str:
        positions = self.mesh.router.switch_positions
        return f"{positions} position" + "s" * (positions > 1)

    @property
    def large(self) -> bool:
        return (self.mesh.width, self.mesh.height) == SHAPES[-1]

    @property
    def parameters(self) -> dict[str, Any]:
        given = self.mesh.model_dump(mode="json", exclude={"source"})
        return {"wavelet": given, "workloads": list(self.workloads)}

    def twin(self) -> WaveletTwin:
        programs = [whole_program(self.mesh, text) for text in self.workloads]
        jobs = [job_of(self.mesh, program) for program in programs]
        return WaveletTwin(self.mesh, jobs, mixed=True)


def _shipped(settings: tuple[str, ...]) -> WaveletMesh:
    mesh = load_mesh(SHIPPED, settings)
    if not isinstance(mesh, WaveletMesh):
        raise InputError(f"{SHIPPED}: has {mesh.kind} routers; must be a mesh of wavelet routers")
    return mesh


def _build(mesh: WaveletMesh, random: Random) -> WaveletBuild:
    places = mesh.nodes * mesh.router.colours
    cycles = cycles_of(places, PLACE_CYCLES, CYCLES_MIN, CYCLES_MAX)
    return WaveletBuild(mesh, random.randrange(2**32), cycles, _fitting(mesh, random))


def _fitting(mesh: WaveletMesh, random: Random) -> tuple[str, ...]:
    """Programs for all of a mesh that it can run, each of a size that is drawn."""
    axis = "axis=y" if mesh.width == 1 else "axis=both"
    found = []
    for text in PROGRAMS:
        sized = text.format(n=random.choice(SIZES), k=random.choice(SIZES), axis=axis)
        try:
            whole_program(mesh, sized)
        except InputError:
            continue
        found.append(sized)
    return tuple(found)


def _costs(random: Random) -> PeCosts:
    return PeCosts(**{name: random.choice(values) for name, values in COSTS.items()})


def wavelet_builds(count: int, seed: int) -> list[Build]:
    """The meshes of a campaign, first small parts of the one that is shipped: with all colours, and
    larger ones with those that MeshGEMV and MeshGEMM need."""
    random = Random(seed)
    chosen: list[Build] = [_build(_shipped(settings), random) for settings in SHIPPED_AS]
    plain = _shipped(SHIPPED_AS[0])
    drawn = choices(OPTIONS, random, never=NEVER, fits=fits)
    for number, choice in zip(range(count - len(SHIPPED_AS)), drawn, strict=False):
        width, height = choice["shape"]
        router = {name: choice[name] for name in OF_ROUTER}
        pe = {name: choice[name] for name in OF_PE}
        own = {name: choice[name] for name in OPTIONS if name not in (*router, *pe, "shape")}
        mesh = plain.model_copy(
            update={
                "name": f"wavelets_{number}", "width": width, "height": height, **own,
                "router": plain.router.model_copy(update=router),
                "pe": plain.pe.model_copy(update={"costs": _costs(random), **pe}),
            }
        )  # fmt: skip
        chosen.append(_build(mesh, random))
    return chosen
