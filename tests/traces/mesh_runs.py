"""Meshes to run programs on, and reductions in a given order in NumPy."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from wavelet_oracle import simulate

from arch.mesh.program import MeshProgram
from arch.mesh.wavelet import WaveletMesh
from sim.mesh.wavelet_run import run_program
from traces.mapping.mesh.assembly import Mapped
from traces.mesh.check import check_program

COSTS = {
    "task_cycles": 3, "fabric_cycles": 2, "microthread_cycles": 1, "fma_cycles": 1,
    "vec_cycles": 2, "loop_cycles": 1,
}  # fmt: skip


def machine(width: int = 8, height: int = 8, **pe: object) -> WaveletMesh:
    """A small wafer like the WSE-2."""
    return WaveletMesh.model_validate(
        {
            "name": "small", "source": "test", "kind": "wavelet", "clock_khz": 1,
            "width": width, "height": height, "hop_cycles": 1, "ramp_cycles": 2,
            "ramp_down_wavelets": 3, "ramp_up_wavelets": 4,
            "router": {"colours": 24, "switch_positions": 4, "queue_wavelets": 2},
            "pe": {
                "memory_bytes": 49152, "memory_banks": 8, "read_ports": 2, "write_ports": 1,
                "lanes": {"fp16": 4, "bf16": 4, "fp32": 1}, "slots": 8, "tasks": 32, "costs": COSTS,
                **pe,
            },
        }
    )  # fmt: skip


def run(program: MeshProgram, mesh: WaveletMesh, oracle: bool = False) -> dict[str, np.ndarray]:
    """[height, width, elements] of each region at the end; no wavelet may be left."""
    if not oracle:
        ran = run_program(mesh, program)
        assert ran.counts["left"] == 0
        return ran.memory
    check_program(program, mesh)
    end = simulate(program, mesh)
    assert end.outcome == "done", (end.outcome, end.stuck[:4])
    assert end.left == 0
    every = np.array(end.memory, np.float32).reshape(program.height, program.width, -1)
    return {
        region.name: every[:, :, region.start : region.start + region.elements]
        for region in program.regions
    }


def one_by_one(
    made: Sequence[Mapped], mesh: WaveletMesh, oracle: bool = False
) -> dict[str, np.ndarray]:
    """Programs one after the other, each to its end; what is in memory stays there."""
    memory = made[0].program.values
    for each in made:
        memory = run(dataclasses.replace(each.program, values=memory), mesh, oracle)
    return memory


def cycles(program: MeshProgram, mesh: WaveletMesh) -> int:
    """That a program takes."""
    return run_program(mesh, program, values=False).cycles


def numbers(rng: np.random.Generator, shape: tuple[int, ...], format: str) -> np.ndarray:
    """Of which sums and products are rounded."""
    kind = np.float16 if format == "fp16" else np.float32
    return rng.normal(size=shape).astype(kind).astype(np.float32)


def once(value: np.ndarray, format: str) -> np.ndarray:
    """Rounded from 64 bits of significand."""
    if format == "fp32":
        return value.astype(np.float32).astype(np.longdouble)
    # Sums of products of two of fp16 are exact in doubles; NumPy goes from longer ones by fp32.
    return value.astype(np.float64).astype(np.float16).astype(np.longdouble)


def chain(x: np.ndarray, w: np.ndarray, order: list[int], format: str) -> np.ndarray:
    """X W from 0, product and sum rounded together at each k of ``order``."""
    total = np.zeros((x.shape[0], w.shape[1]), np.longdouble)
    wide_x, wide_w = x.astype(np.longdouble), w.astype(np.longdouble)
    for k in order:
        total = once(total + np.outer(wide_x[:, k], wide_w[k]), format)
    return total.astype(np.float32)
