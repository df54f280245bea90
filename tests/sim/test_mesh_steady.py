"""Steps of MeshGEMM and Cannon that repeat themselves are left out, which changes no result."""

import dataclasses

import numpy as np
import pytest

from arch.mesh.load import load_mesh
from arch.mesh.wavelet import WaveletMesh
from sim.mesh.wavelet_run import run_program
from traces.mapping.mesh.shift_gemm import TURN
from traces.mapping.mesh.workloads import build


@pytest.mark.compiled
@pytest.mark.parametrize("grid", [24, 28, 32, 40, 48])
@pytest.mark.parametrize("name", ["mesh_gemm", "cannon"])
def test_with_and_without(name: str, grid: int) -> None:
    # Rows begin at different times; with costs that is evened out before the last step.
    costs = ["pe.costs.callback_millicycles=4474", "pe.costs.microthread_cycles=48"]
    equal(name, grid, 3, costs, 1 / 8)


@pytest.mark.parametrize("grid", [20, 24, 25, 28, 32])
@pytest.mark.parametrize(("name", "tile"), [("mesh_gemm", 3), ("cannon", 6)])
@pytest.mark.compiled
def test_rows_that_begin_at_once(name: str, tile: int, grid: int) -> None:
    """Of MeshGEMM without costs; Cannon's steps are alike where they take longer than the wrap."""
    equal(f"{name}:align=host", grid, tile, [], 0.2)
    two = ["pe.wavelets_per_operation=2", "ramp_down_wavelets=4", "ramp_up_wavelets=5"]
    equal(f"{name}:align=host", grid, tile, two, 0.2)


def equal(name: str, grid: int, tile: int, settings: list[str], share: float) -> None:
    """The whole run is as the one that leaves out periods, a ``share`` of its cycles at least."""
    mesh = load_mesh("wse2", settings)
    assert isinstance(mesh, WaveletMesh)
    name, _, option = name.partition(":")
    side = tile * grid
    text = ",".join([f"{name}:m={side},k={side},n={side},grid={grid}", *filter(None, [option])])
    program = build(text, mesh).program
    whole = run_program(mesh, program)
    steady = run_program(mesh, program, steady="mark", steady_mark=TURN)
    assert steady.steps["skipped_cycles"] > whole.cycles * share
    for field in dataclasses.fields(whole):
        one, other = getattr(whole, field.name), getattr(steady, field.name)
        if field.name == "accounts":
            assert all((one[account] == other[account]).all() for account in one)
        elif field.name == "links":
            assert (np.asarray(one) == other).all()
        elif field.name not in ("mesh", "program", "steps"):
            assert one == other, field.name
