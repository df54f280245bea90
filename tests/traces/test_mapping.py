"""The systolic mapping: every product done once, traffic like that of a plain cache of tiles."""

from itertools import product as every
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scenarios import machine_fields, machine_of
from tile_cache import traffic

from arch.commands import (
    FLAG_ACCUMULATE,
    FLAG_FINAL,
    OP_LOAD,
    OP_MATMUL,
    OP_STORE,
    OPERAND_OFMAP,
    CommandTrace,
)
from arch.errors import InputError
from arch.load import load_machine
from arch.machine import Machine
from sim import engine
from sim.system import System
from traces.mapping.systolic import Lowered, lower
from traces.mapping.tiling import ORDERS
from traces.operators import Conv2d, Elementwise, Gemm, Norm, Workload


def random_product(random: Random) -> Gemm | Conv2d:
    if random.random() < 0.4:
        m, n, k = (random.randint(1, 60) for _ in range(3))
        return Gemm(name="gemm", m=m, n=n, k=k, batch=random.choice([1, 1, 3]))
    channels = random.choice([1, 3, 4])
    return Conv2d(
        name="conv",
        batch=random.choice([1, 2, 3]),
        in_h=random.randint(4, 12),
        in_w=random.randint(4, 12),
        channels=channels,
        filters=channels * random.choice([1, 3]),
        filt_h=random.randint(1, 3),
        filt_w=random.randint(1, 3),
        stride_h=random.randint(1, 4),
        stride_w=random.randint(1, 3),
        pad_top=random.randint(0, 1),
        pad_left=random.randint(0, 1),
        dilation_h=random.choice([1, 1, 2]),
        groups=random.choice([1, channels]),
    )


def lowered_product(seed: int, **mapping: object) -> tuple[Machine, Lowered]:
    """One product on one core; scratchpads that are too small are drawn again."""
    random = Random(seed)
    while True:
        fields = machine_fields(random)
        fields |= {"cores": 1, "mapping": mapping}
        machine = machine_of(fields)
        try:
            work = Workload(name="w", source="tests", operators=(random_product(random),))
            (step,) = lower(work, machine)
        except (InputError, ValidationError):
            continue
        return machine, step


def moved(trace: CommandTrace) -> tuple[int, int]:
    loads = trace.commands["opcode"] == OP_LOAD
    stores = trace.commands["opcode"] == OP_STORE
    return int(trace.commands["bytes"][loads].sum()), int(trace.commands["bytes"][stores].sum())


@given(seed=st.integers(0, 2**32))
def test_traffic_is_that_of_a_cache_of_tiles(seed: int) -> None:
    machine, step = lowered_product(seed)
    expected = traffic(step, machine)
    assert moved(step.trace) == expected
    system = System(machine)
    system.load(step.trace)
    assert system.advance() == engine.DONE
    assert system.state.interfaces["read_bytes"].sum() == expected[0]
    assert system.state.interfaces["write_bytes"].sum() == expected[1]


@given(seed=st.integers(0, 2**32))
def test_estimated_traffic_is_the_traffic(seed: int) -> None:
    """The closed form that chooses tiles, where no byte is shared by two elements."""
    _, step = lowered_product(seed)
    assert step.tiling is not None
    assert step.tiling.traffic_bytes == sum(moved(step.trace))


@given(seed=st.integers(0, 2**32))
def test_auto_is_no_worse_than_any_order(seed: int) -> None:
    orders = [lowered_product(seed, loop_order=order)[1] for order in ORDERS]
    _, auto = lowered_product(seed)
    assert sum(moved(auto.trace)) == min(sum(moved(step.trace)) for step in orders)


def compulsory(operator: Gemm | Conv2d) -> tuple[int, int]:
    """Bytes of all inputs that are read at all, and of all outputs (int8)."""
    if isinstance(operator, Gemm):
        inputs = operator.m * operator.k + operator.k * operator.n
        return operator.batch * inputs, operator.batch * operator.m * operator.n
    rows, columns = set(), set()
    for y, i in every(range(operator.out_h), range(operator.filt_h)):
        rows.add(y * operator.stride_h - operator.pad_top + i * operator.dilation_h)
    for x, j in every(range(operator.out_w), range(operator.filt_w)):
        columns.add(x * operator.stride_w - operator.pad_left + j * operator.dilation_w)
    pixels = len(rows & set(range(operator.in_h))) * len(columns & set(range(operator.in_w)))
    weights = operator.groups * operator.k * operator.n
    return (
        operator.batch * pixels * operator.channels + weights,
        operator.m * operator.filters,
    )


@given(seed=st.integers(0, 2**32))
def test_traffic_is_at_least_compulsory_and_equal_when_all_fits(seed: int) -> None:
    machine, step = lowered_product(seed)
    assert isinstance(step.operator, Gemm | Conv2d)
    least = compulsory(step.operator)
    assert all(np.array(moved(step.trace)) >= least)
    roomy = machine.model_dump(mode="json")
    for pad in roomy["buffer"]["scratchpads"].values():
        pad["capacity_kib"] = 4096
    work = Workload(name="w", source="tests", operators=(step.operator,))
    halo_free = {**roomy["mapping"], "tile_m": None}
    (all_fits,) = lower(work, machine_of({**roomy, "mapping": halo_free}))
    assert moved(all_fits.trace) == least


@given(seed=st.integers(0, 2**32))
def test_every_product_is_done_once(seed: int) -> None:
    machine, step = lowered_product(seed)
    operator, commands = step.operator, step.trace.commands
    assert isinstance(operator, Gemm | Conv2d)
    tiles = commands[commands["opcode"] == OP_MATMUL]
    assert (tiles["m"] * tiles["n"] * tiles["k"] * tiles["groups"]).sum() == operator.macs
    outputs = tiles["m"] * tiles["n"] * tiles["groups"]
    groups = operator.batch if isinstance(operator, Gemm) else operator.groups
    total = groups * operator.m * operator.n
    assert outputs[(tiles["flags"] & FLAG_FINAL) != 0].sum() == total
    assert outputs[(tiles["flags"] & FLAG_ACCUMULATE) == 0].sum() == total
    assert machine.array.rows >= tiles["pack"].max()


@given(seed=st.integers(0, 2**32))
def test_tiles_fit_their_scratchpads(seed: int) -> None:
    machine, step = lowered_product(seed)
    assert step.tiling is not None
    commands = step.trace.commands
    for pad in machine.buffer.scratchpads.values():
        held = 0
        for operand, name in enumerate(("ifmap", "filter", "ofmap")):
            if name in pad.operands:
                moves = commands[(commands["operand"] == operand) & (commands["bytes"] > 0)]
                held += int(moves["bytes"].max()) * step.tiling.slots[operand]
        assert held <= pad.capacity_bytes


@pytest.mark.parametrize("cores", [1, 2, 3, 5])
@given(seed=st.integers(0, 2**32))
def test_cores_share_a_product(cores: int, seed: int) -> None:
    machine, step = lowered_product(seed)
    shared = machine_of({**machine.model_dump(mode="json"), "cores": cores})
    work = Workload(name="w", source="tests", operators=(step.operator,))
    try:
        (parts,) = lower(work, shared)
    except InputError:
        pytest.fail("a share of a product that fits must fit")
    tiles = parts.trace.commands[parts.trace.commands["opcode"] == OP_MATMUL]
    assert isinstance(step.operator, Gemm | Conv2d)
    done = (tiles["m"] * tiles["n"] * tiles["k"] * tiles["groups"]).sum()
    assert done == step.operator.macs
    assert (tiles["queue"] // 4).max() < cores


@pytest.mark.parametrize("partition", ["m", "n", "mn", "auto"])
@pytest.mark.parametrize("cores", [2, 4, 6, 7])
@given(seed=st.integers(0, 2**32))
def test_each_output_is_of_one_core(cores: int, partition: str, seed: int) -> None:
    """All depths of an output are on one core, whatever is split, and no output is done twice."""
    random = Random(seed)
    fields = machine_fields(random) | {"cores": cores, "mapping": {"partition": partition}}
    m, n, k = (random.randint(1, 90) for _ in range(3))
    work = Workload(name="w", source="t", operators=(Gemm(name="g", m=m, n=n, k=k),))
    try:
        (step,) = lower(work, machine_of(fields))
    except InputError:
        return
    stores = step.trace.commands[
        (step.trace.commands["opcode"] == OP_STORE) & (step.trace.commands["flags"] == FLAG_FINAL)
    ]
    done = np.zeros(m * n, int)
    for store in stores:
        first, run = store["offset_bytes"], store["segment_bytes"]
        for part in range(store["bytes"] // run):
            at = first + part * store["stride_bytes"]
            done[at : at + run] += 1
    assert (done == 1).all()
    tiles = step.trace.commands[step.trace.commands["opcode"] == OP_MATMUL]
    assert (tiles["m"] * tiles["n"] * tiles["k"]).sum() == m * n * k


def test_a_grid_of_cores_loads_less_than_rows_or_columns() -> None:
    work = Workload(name="w", source="t", operators=(Gemm(name="g", m=256, n=256, k=256),))
    bytes_of, cores = {}, {}
    for partition in ("m", "n", "mn"):
        machine = load_machine("systolic_32", ["cores=4", f"mapping.partition={partition}"])
        (step,) = lower(work, machine)
        loads = step.trace.commands[step.trace.commands["opcode"] == OP_LOAD]
        bytes_of[partition] = int(loads["bytes"].sum())
        cores[partition] = len(set(loads["queue"] // 4))
    assert bytes_of == {"m": 5 * 65536, "n": 5 * 65536, "mn": 4 * 65536}
    assert set(cores.values()) == {4}


def test_auto_leaves_cores_idle_where_one_is_faster() -> None:
    """A product of one fold, whose weights each core would load again."""
    work = Workload(name="w", source="t", operators=(Gemm(name="g", m=8, n=32, k=32),))
    (step,) = lower(work, load_machine("systolic_32", ["cores=4"]))
    assert set(step.trace.commands["queue"] // 4) == {0}


@given(seed=st.integers(0, 2**32))
def test_exact_tiles_are_those_that_are_given(seed: int) -> None:
    random = Random(seed)
    m, n, k = (random.randint(1, 90) for _ in range(3))
    sizes = [random.choice([8, 16, 64, 200]) for _ in range(3)]
    names = ("tile_m", "tile_n", "tile_k")
    given_sizes = [f"mapping.{name}={size}" for name, size in zip(names, sizes, strict=True)]
    machine = load_machine(
        "systolic_32", ["array.rows=8", "array.cols=8", "mapping.tile_sizes=exact", *given_sizes]
    )
    (step,) = lower(
        Workload(name="w", source="t", operators=(Gemm(name="g", m=m, n=n, k=k),)), machine
    )
    tiles = step.trace.commands[step.trace.commands["opcode"] == OP_MATMUL]
    for name, size, extent in zip("mnk", sizes, (m, n, k), strict=True):
        assert tiles[name].max() == min(size, extent)


def test_weights_shared_by_a_batch_are_loaded_once() -> None:
    fields = machine_fields(Random(0))
    fields |= {"cores": 1, "mapping": {}}
    for pad in fields["buffer"]["scratchpads"].values():
        pad["capacity_kib"] = 64
    conv = Conv2d(name="c", batch=8, in_h=16, in_w=16, filt_h=3, filt_w=3, channels=16, filters=16)
    (step,) = lower(Workload(name="w", source="t", operators=(conv,)), machine_of(fields))
    commands = step.trace.commands
    weights = commands[(commands["opcode"] == OP_LOAD) & (commands["operand"] == 1)]
    assert weights["bytes"].sum() == 3 * 3 * 16 * 16


def test_elementwise_operators_are_fused_behind_their_product() -> None:
    conv = Conv2d(name="c", in_h=8, in_w=8, filt_h=1, filt_w=1, channels=4, filters=4)
    first = Conv2d(**{**conv.model_dump(), "name": "first"})
    operators = (
        first,
        Conv2d(**{**conv.model_dump(), "inputs": ("first",)}),
        Norm(name="bn", op="batch", rows=64, cols=4, inputs=("c",)),
        Elementwise(name="sum", op="add", operands=2, elements=256, inputs=("bn", "first")),
        Elementwise(name="relu", op="act", elements=256, inputs=("sum",)),
    )
    fields = machine_fields(Random(3))
    fields |= {"cores": 1, "mapping": {}}
    steps = list(lower(Workload(name="w", source="t", operators=operators), machine_of(fields)))
    assert [step.operator.name for step in steps] == ["first", "c"]
    assert [operator.name for operator in steps[1].fused] == ["bn", "sum", "relu"]
    fields["mapping"] = {"fuse": False}
    alone = list(lower(Workload(name="w", source="t", operators=operators), machine_of(fields)))
    assert [step.operator.name for step in alone] == ["first", "c", "bn", "sum", "relu"]
    residual = steps[1].trace.commands
    loads = residual[(residual["opcode"] == OP_LOAD) & (residual["operand"] == OPERAND_OFMAP)]
    assert loads["bytes"].sum() == 256


def test_a_machine_without_a_vector_unit_says_so() -> None:
    fields = machine_fields(Random(3))
    fields |= {"vector": None}
    relu = Elementwise(name="relu", op="act", elements=256)
    with pytest.raises(InputError, match=r"no vector unit for operator 'relu'.*--set vector.lanes"):
        list(lower(Workload(name="w", source="t", operators=(relu,)), machine_of(fields)))


def test_scratchpads_that_are_too_small_say_what_is_needed() -> None:
    fields = machine_fields(Random(3))
    for pad in fields["buffer"]["scratchpads"].values():
        pad["capacity_kib"] = 1
    conv = Conv2d(name="wide", in_h=200, in_w=20_000, filt_h=100, filt_w=100, channels=1, filters=1)
    with pytest.raises(InputError, match=r"operator 'wide': no tile fits .*capacity_kib"):
        list(lower(Workload(name="w", source="t", operators=(conv,)), machine_of(fields)))


def test_operators_of_one_shape_have_the_same_commands_and_their_own_names() -> None:
    def residual(index: int) -> tuple[Conv2d, Elementwise]:
        before = ("first",) if index == 0 else (f"sum{index - 1}",)
        conv = Conv2d(name=f"c{index}", in_h=8, in_w=8, filt_h=1, filt_w=1, channels=4, filters=4,
                      inputs=before)  # fmt: skip
        add = Elementwise(name=f"sum{index}", op="add", operands=2, elements=256,
                          inputs=(conv.name, *before))  # fmt: skip
        return conv, add

    first = Conv2d(name="first", in_h=8, in_w=8, filt_h=3, filt_w=3, pad_top=2, pad_left=2,
                   channels=4, filters=4)  # fmt: skip
    operators = (first, *(operator for index in range(3) for operator in residual(index)))
    fields = machine_fields(Random(3))
    fields |= {"cores": 1, "mapping": {}}
    machine = machine_of(fields)
    together = list(lower(Workload(name="w", source="t", operators=operators), machine))
    assert [step.operator.name for step in together] == ["first", "c0", "c1", "c2"]
    for index, step in enumerate(together[1:]):
        before = "first" if index == 0 else f"sum{index - 1}"
        assert step.trace.operator_names == (f"c{index}",)
        assert step.trace.tensor_names == (
            *(f"c{index}.{part}" for part in ("ifmap", "filter", "ofmap", "sums")),
            before,
        )
        assert np.array_equal(step.trace.commands, together[1].trace.commands)
