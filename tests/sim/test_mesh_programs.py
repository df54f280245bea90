"""Products, GEMVs, caches and layers: kernel and plain oracle agree on every cycle."""

import numpy as np
import pytest
from mesh_runs import machine
from wavelet_compare import differences

from traces.mapping.mesh.decode_layer import STAGES
from traces.mapping.mesh.workloads import build

COSTS = {
    "task_cycles": 3, "fabric_cycles": 2, "microthread_cycles": 4, "fma_cycles": 1,
    "vec_cycles": 3, "loop_cycles": 1, "divide_cycles": 7,
    "callback_millicycles": 4830, "function_cycles": 5,
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "mesh_gemm:m=7,k=9,n=5,grid=3",
        "cannon:m=7,k=9,n=5,grid=4",
        "summa:m=5,k=9,n=6,width=4,height=3",
        "dist_gemm_t:m=5,k=9,n=6,grid=3,format=fp32",
        "mesh_gemv:k=20,n=13,next=9,width=5,height=4,allreduce=ring",
        "kv_shift:dim=9,tokens=8,width=2,height=3",
        "decode_layer:dim=12,ffn=16,context=7,heads=2,width=4,height=3",
        "prefill_layer:dim=6,ffn=6,tokens=5,grid=3",
    ],
)
def test_kernel_and_oracle_agree(text):
    mesh = machine(5, 5, costs=COSTS)
    assert differences(mesh, build(text, mesh).program) == ("done", [])


def test_stages_of_a_layer_follow_each_other():
    from sim.mesh.wavelet_run import run_program

    mesh = machine(4, 4)
    marks = run_program(mesh, build("decode_layer:dim=16,ffn=16,context=8", mesh).program).marks
    assert sorted(marks) == list(range(len(STAGES)))
    begins = [marks[number][0] for number in sorted(marks)]
    assert np.all(np.diff(begins) >= 0)
    assert all(count == 16 for _, _, count in marks.values())
