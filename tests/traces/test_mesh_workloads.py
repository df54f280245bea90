"""Programs of wafers by name."""

import pytest
from mesh_runs import cycles, machine

from arch.errors import InputError
from traces.mapping.mesh.flow import tree_groups
from traces.mapping.mesh.workloads import WORKLOADS, build, is_workload, names
from traces.mesh.check import check_program

SMALL = {
    "cannon": "m=8,k=8,n=8", "dist_gemm_t": "m=8,k=8,n=8", "mesh_gemm": "m=8,k=8,n=8",
    "meshgemm": "m=8,k=8,n=8", "summa": "m=8,k=8,n=8,width=3,height=2",
    "mesh_gemv": "k=16,n=8,next=8", "meshgemv": "k=16,n=8,allreduce=ring",
    "kv_shift": "dim=8,tokens=5", "kv_concat": "dim=8,tokens=5",
    "decode_layer": "dim=16,ffn=24,context=7,heads=2", "prefill_layer": "dim=16,ffn=24,tokens=7",
    "two_phase": "wavelets=3,group=2", "k_tree": "wavelets=3,groups=2,axis=both,combine=max",
    "broadcast": "wavelets=3,axis=y,format=fp32",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(WORKLOADS))
def test_each_name_is_a_program_that_ends(name):
    mesh = machine(4, 4)
    made = build(f"{name}:{SMALL.get(name, 'wavelets=3')}", mesh)
    assert cycles(made.program, mesh) > 0
    assert is_workload(name)
    assert name in names()


def test_the_grid_is_the_machines_unless_given():
    def shape(text):
        made = build(text, machine(6, 4)).program
        return made.width, made.height

    assert shape("mesh_gemm:m=8,k=8,n=8") == (4, 4)
    assert shape("mesh_gemm:m=8,k=8,n=8,grid=3") == (3, 3)
    assert shape("summa:m=8,k=8,n=8") == (6, 4)
    assert shape("summa:m=8,k=8,n=8,grid=2") == (2, 2)
    assert shape("chain:wavelets=4") == (6, 1)
    assert shape("chain:wavelets=4,axis=y,grid=3") == (1, 3)
    assert shape("chain:wavelets=4,axis=both,grid=3,width=5") == (5, 3)
    assert shape("mesh_gemv:k=8,n=8,width=5") == (5, 4)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("mesh_gemm", "align=host"), ("mesh_gemm", "steps=answered"), ("cannon", "step=3"),
        ("summa", "forward=relay"), ("summa", "step=1"),
    ],
)  # fmt: skip
def test_ways_of_a_product_take_other_cycles(name, option):
    mesh, text = machine(4, 4), f"{name}:m=8,k=8,n=8"
    one, other = (build(each, mesh).program for each in (text, f"{text},{option}"))
    assert cycles(one, mesh) != cycles(other, mesh)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mesh_gemmm:m=1", r"'mesh_gemmm'; known are broadcast, .*did you mean mesh_gemm\?"),
        ("mesh_gemm:m=1,k=1", "needs n=N"),
        ("mesh_gemm:m=1,k=1,n=1,rows=3", "'rows'; must be one of m, k, n, grid, format"),
        ("mesh_gemm:m=1,k=1,n=x", "n must be a whole number from 1 to 999999999, not 'x'"),
        ("mesh_gemm:m=1,k=-4,n=1", "k must be a whole number from 1 to 999999999, not '-4'"),
        ("k_tree:wavelets=0", "wavelets must be a whole number from 1 to 999999999, not '0'"),
        ("mesh_gemm:m=1,k", "must be name=value, separated by commas, not 'k'"),
        ("mesh_gemm:m=1,m=1", "m is given twice"),
        ("mesh_gemm:m=1,k=1,n=1,format=fp64", "format must be one of fp16, bf16, fp32, not 'fp64'"),
        ("mesh_gemm:m=1,k=1,n=1,grid=0", "0 x 0 PEs; must be 1 x 1 to 4 x 4"),
        ("mesh_gemv:k=1,n=1,allreduce=tree", "allreduce must be one of k_tree, chain, ring"),
        ("chain:wavelets=1,grid=9", "9 x 1 PEs; must be 1 x 1 to 4 x 4"),
        ("decode_layer:context=3", "needs model=NAME, or dim=N and ffn=N"),
        ("decode_layer:model=gpt2", "'gpt2'; must be one of .*llama3_8b"),
        ("decode_layer:model=llama3_8b,dim=4", "give model, or dim and ffn, not both"),
        ("decode_layer:model=llama3_8b", r"bytes a PE on a grid of 4 x 4; must be 49152 at most"),
    ],
)
def test_refuses_and_says_what_would_be_right(text, message):
    with pytest.raises(InputError, match=message):
        build(text, machine(4, 4))


def test_models_of_the_paper_fit_their_grids():
    mesh = machine(750, 994)
    made = build("decode_layer:model=llama3_8b,grid=360,context=4096", mesh).program
    check_program(made, mesh)
    assert (made.width, made.height) == (360, 360)
    # 12 x 12 x 4 + 12 x 40 x 3 weights of 2 bytes, and the cache: far below a PE's memory.
    assert 2 * (12 * 12 * 4 + 12 * 40 * 3) < made.memory_bytes < 8192
    assert len(made.programs) < 2500
    with pytest.raises(InputError, match=r"must be 49152 at most on small; a grid of 1[0-9]+ x"):
        build("decode_layer:model=llama3_8b,grid=60", mesh)


@pytest.mark.parametrize(
    ("side", "groups"),
    [(360, 18), (420, 20), (480, 20), (540, 20), (600, 24), (660, 22), (720, 24)],
)
def test_groups_of_the_tree_are_those_of_the_configurations(side, groups):
    """WaferLLM's decode configurations, by the side of their grids."""
    assert tree_groups(side) == groups


def test_chunks_as_published():
    mesh = machine(750, 750)
    text = "decode_layer:model=llama3_8b,grid=660,context=660"
    even, odd = (build(f"{text}{more}", mesh).program for more in ("", ",as_published=1"))
    # 7 elements of 4096 in a PE of 660; the rotation wants 8.
    assert [sum(r.elements for r in p.regions if r.name == "qkv") for p in (even, odd)] == [24, 21]
