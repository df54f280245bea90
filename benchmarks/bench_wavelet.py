"""Programs of PEs on meshes of wavelet routers: ``pytest benchmarks/bench_wavelet.py``.

Seconds are those of the process, which stand still while others have the processor.
"""

import resource
import time
from collections.abc import Callable
from typing import Any

import pytest
from figures import Figure, state
from wafer_programs import allreduce, gemv

from arch.mesh.load import load_mesh
from arch.mesh.program import MeshProgram
from arch.mesh.wavelet import WaveletMesh
from sim.mesh.wavelet import run
from sim.mesh.wavelet_build import new_state
from sim.mesh.wavelet_run import result
from sim.mesh.wavelet_state import DONE

WHOLE = (750, 994)
INCLUDES = (
    "Every cycle of every router and PE that does something, compiled; the state is built before. "
    "An event is a wavelet that a router moves, or that a PE sends or takes."
)
STEPS_A_SECOND = 15_000_000


def simulated(program: MeshProgram, values: bool, rounds: int) -> tuple[float, Any]:
    """The least seconds of some runs, and the last run."""
    mesh = load_mesh("wse2")
    assert isinstance(mesh, WaveletMesh)
    seconds = []
    for _ in range(rounds):
        made = new_state(mesh, program, values=values)
        begun = time.process_time()
        _, how = run(*made.arrays(), 0, 2**61, False, False)
        seconds.append(time.process_time() - begun)
        assert how == DONE
    return min(seconds), result(mesh, program, made)


CASES: list[tuple[str, Callable[[], MeshProgram], bool, float | None, int]] = [
    ("K-tree, 64 x 64", lambda: allreduce(64, 64, 16), False, None, 10),
    ("K-tree, 256 x 256", lambda: allreduce(256, 256, 16), False, None, 5),
    ("K-tree, whole wafer", lambda: allreduce(*WHOLE, 16), False, 5.0, 2),
    ("MeshGEMV 4096 x 4096, 660 x 660", lambda: gemv(660, 660, 4096, 4096), False, 2.0, 3),
    ("MeshGEMV 4096 x 4096, whole wafer", lambda: gemv(*WHOLE, 4096, 4096), False, 10.0, 3),
    ("K-tree, whole wafer, values", lambda: allreduce(*WHOLE, 16), True, None, 1),
]
"""The one with values comes last: the memory of the process is the most that it ever was."""


@pytest.mark.parametrize(
    ("name", "build", "values", "target", "rounds"), CASES, ids=[case[0] for case in CASES]
)
def test_router_steps_a_second(
    benchmark: Any, name: str, build: Callable[[], MeshProgram], values: bool,
    target: float | None, rounds: int,
) -> None:  # fmt: skip
    simulated(allreduce(4, 4, 1), values, 1)
    seconds, done = benchmark.pedantic(simulated, (build(), values, rounds), rounds=1, iterations=1)
    events = done.steps["moved"] + done.counts["sent"] + done.counts["taken"]
    figures = [
        Figure("seconds", seconds, "s", below=target),
        Figure(
            "active router steps", done.steps["router"] / seconds, "steps/s",
            at_least=None if values else STEPS_A_SECOND,
        ),
        Figure("wavelet-hops", done.counts["hops"] / seconds, "hops/s"),
        Figure("an event", seconds / events * 1e9, "ns"),
        Figure("cycles", done.cycles, "cycles"),
        Figure(
            "memory of the process", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, "GB",
            below=4.0 if values else 2.0,
        ),
    ]  # fmt: skip
    state(benchmark, "Wafers", f"{name}, 16 wavelets" if "tree" in name else name, figures,
          INCLUDES)  # fmt: skip
