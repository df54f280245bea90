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
    mesh = load_mesh("wse2", ["pe.costs.callback_millicycles=4474", "pe.costs.fabric_cycles=48"])
    assert isinstance(mesh, WaveletMesh)
    program = build(f"{name}:m={3 * grid},k={3 * grid},n={3 * grid},grid={grid}", mesh).program
    whole = run_program(mesh, program)
    steady = run_program(mesh, program, steady="mark", steady_mark=TURN)
    assert steady.steps["skipped_cycles"] > whole.cycles // 8
    for field in dataclasses.fields(whole):
        one, other = getattr(whole, field.name), getattr(steady, field.name)
        if field.name == "accounts":
            assert all((one[account] == other[account]).all() for account in one)
        elif field.name == "links":
            assert (np.asarray(one) == other).all()
        elif field.name not in ("mesh", "program", "steps"):
            assert one == other, field.name
