"""Whole machines: closed forms where nothing is scarce, and no parameter without effect."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from array_oracle import tile_cycles
from hypothesis import given
from hypothesis import strategies as st
from scenarios import machine_of
from test_array_timing import random_array

from arch.commands import (
    FLAG_FINAL,
    OP_LOAD,
    OP_MATMUL,
    OP_STORE,
    QUEUE_ARRAY,
    QUEUE_LOAD,
    QUEUE_STORE,
)
from arch.machine import Machine
from sim import engine
from sim.system import System
from traces.mapping.builder import TraceBuilder
from traces.mapping.systolic import lower
from traces.operators import Conv2d, Elementwise, Gemm, Softmax, Workload

AROUND_A_TILE = 9
"""Cycles of one tile product besides the array's, with a memory of no latency and boundless
width: a load is issued, crosses the interface, enters the scratchpad, is seen done (4, and 1 for
the second load behind it); a store is seen due, read, crosses, is acknowledged (4)."""


def plentiful(array: dict[str, Any]) -> dict[str, Any]:
    """A machine that never waits for ports, bandwidth or room."""
    pads = {
        name: {"operands": [name], "capacity_kib": 2**20, "banks": 2**20, "bank_width_bytes": 2**20}
        for name in ("ifmap", "filter", "ofmap")
    }
    return {
        "name": "plentiful",
        "source": "tests",
        "clocks": {"core": 1_000_000, "memory": 1_000_000},
        "array": array,
        "buffer": {"scratchpads": pads, "dma": {"request_bytes": 2**30}},
        "memory": {"latency_cycles": 0, "bytes_per_cycle": 2**40},
        "vector": {"lanes": 16},
    }


@given(seed=st.integers(0, 2**32))
def test_nothing_scarce_leaves_the_array_and_one_way_through_memory(seed: int) -> None:
    random = Random(seed)
    fields = plentiful(random_array(random))
    machine = machine_of(fields)
    m, n, k = (random.randint(1, 40) for _ in range(3))
    builder = TraceBuilder("tile")
    loads = [
        builder.add(QUEUE_LOAD, OP_LOAD, operand=operand, bytes=size, segment_bytes=size)
        for operand, size in ((0, m * k), (1, k * n))
    ]
    tile = builder.add(
        QUEUE_ARRAY, OP_MATMUL, loads, m=m, n=n, k=k, groups=1, pack=1, flags=FLAG_FINAL
    )
    builder.add(QUEUE_STORE, OP_STORE, [tile], operand=2, bytes=m * n, segment_bytes=m * n)
    system = System(machine)
    system.load(builder.build())
    assert system.advance() == engine.DONE
    assert system.now_tick == tile_cycles(machine.array, m, n, k) + AROUND_A_TILE


def base() -> dict[str, Any]:
    """A machine on which everything is scarce."""

    def pad(name: str) -> dict[str, Any]:
        return {"operands": [name], "capacity_kib": 2, "banks": 4, "bank_width_bytes": 2}

    return {
        "name": "scarce",
        "source": "tests",
        "clocks": {"core": 1_000_000, "memory": 1_200_000, "vector": 700_000},
        "synchroniser_cycles": 2,
        "array": {"rows": 8, "cols": 8, "dataflow": "ws", "accumulator_rows": 16,
                  "weight_load": "overlapped", "drain": "overlapped"},
        "buffer": {
            "scratchpads": {name: pad(name) for name in ("ifmap", "filter", "ofmap")},
            "dma": {"request_bytes": 32, "outstanding": 3},
        },
        "memory": {"latency_cycles": 20, "bytes_per_cycle": 7},
        "vector": {"clock": "vector", "lanes": 4, "operations": {
            op: {"interval_cycles": 2, "latency_cycles": 5}
            for op in ("add", "mul", "max", "exp", "div", "sqrt", "act", "sum", "copy")}},
    }  # fmt: skip


def everything() -> Workload:
    conv = Conv2d(name="c", in_h=12, in_w=12, filt_h=3, filt_w=3, channels=16, filters=24)
    return Workload(
        name="all",
        source="tests",
        operators=(
            conv,
            Elementwise(name="r", op="act", elements=conv.m * 24, inputs=("c",)),
            Gemm(name="g", m=70, n=50, k=90),
            Softmax(name="s", rows=20, cols=33),
        ),
    )


Change = Callable[[dict[str, Any]], None]


def setter(path: str, value: Any) -> Change:
    def change(fields: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for name in parents:
            fields = fields[name]
        assert fields.get(last) != value
        fields[last] = value

    return change


CHANGES = {
    "array.rows": 9,
    "array.cols": 9,
    "array.dataflow": "os",
    "array.pe_latency_cycles": 2,
    "array.weight_load": "serial",
    "array.copies": 2,
    "array.empty_load_cycles": 1,
    "array.drain": "serial",
    "array.edge_folds": "full",
    "array.accumulator_rows": 15,
    "array.operand_format": "int16",
    "array.output_format": "int16",
    "array.accumulator_format": "int16",
    "clocks.core": 999_000,
    "clocks.memory": 1_201_000,
    "clocks.vector": 701_000,
    "synchroniser_cycles": 3,
    "memory.latency_cycles": 21,
    "memory.bytes_per_cycle": 8,
    "buffer.dma.request_bytes": 33,
    "buffer.dma.outstanding": 4,
    "buffer.dma.load_to_use_cycles": 1,
    "buffer.scratchpads.ifmap.capacity_kib": 1,
    "buffer.scratchpads.ifmap.banks": 3,
    "buffer.scratchpads.filter.banks": 3,
    "buffer.scratchpads.ofmap.banks": 3,
    "buffer.scratchpads.ofmap.bank_width_bytes": 3,
    "buffer.scratchpads.ofmap.ports": 2,
    "buffer.scratchpads.ofmap.double_buffered": False,
    "vector.lanes": 5,
    "vector.operations.act.latency_cycles": 6,
    "vector.operations.exp.interval_cycles": 3,
    "mapping": {"fuse": False},
}

NOT_EXERCISED = {
    "name": "a name",
    "family": "a name; only one so far",
    "source": "a citation",
    "technology": "energy and area only",
    "cores": "tests/sim/test_engine.py",
    "link": "no operator uses it; tests/sim/test_link.py",
    "array.accumulator_overflow": "values only; tests/sim/test_array_value.py",
    "array.clock": "the clocks' frequencies stand for it",
    "array.convention": "tests/sim/test_scalesim.py",
    "array.engine": "tests/sim/test_engine_precision.py",
    "mapping.formats": "tests/sim/test_engine_precision.py",
    "buffer.clock": "as array.clock",
    "memory.clock": "as array.clock",
    "vector.clock": "as array.clock",
    "memory.operand_bytes_per_cycle": "tests/sim/test_memory.py",
    "mapping.loop_order": "tests/traces/test_mapping.py",
    "mapping.tile_m": "tests/traces/test_mapping.py",
    "mapping.tile_n": "tests/traces/test_mapping.py",
    "mapping.tile_k": "tests/traces/test_mapping.py",
    "mapping.tile_sizes": "tests/traces/test_mapping.py",
    "mapping.group_packing": "no operator has groups here; tests/sim/test_depthwise.py",
    "mapping.partition": "one core here",
    "mapping.vector_tiles": "one core here; tests/traces/test_vector_tiles.py",
    "buffer.scratchpads.*.operands": "all three are there",
}
"""Fields that this machine and workload do not feel, and why or where they are."""


@pytest.mark.compiled
@pytest.mark.parametrize("path", sorted(CHANGES))
def test_every_parameter_is_felt(path: str) -> None:
    fields = base()
    before = ticks_of(machine_of(fields))
    setter(path, CHANGES[path])(fields)
    assert ticks_of(machine_of(fields)) != before


def ticks_of(machine: Machine) -> float:
    """Time in seconds, so that a change of clock counts."""
    system = System(machine)
    for step in lower(everything(), machine):
        system.load(step.trace)
        assert system.advance() == engine.DONE
    return system.now_tick / (system.tick_khz * 1000)


def leaves(value: Any, path: str = "") -> set[str]:
    """Paths of all fields, names of scratchpads and operations as a star."""
    if not isinstance(value, dict):
        return {path}
    star = path in ("buffer.scratchpads", "vector.operations", "clocks")
    found = set()
    for name, inner in value.items():
        step = "*" if star else name
        found |= leaves(inner, f"{path}.{step}" if path else step)
    return found


def test_every_field_is_changed_or_listed() -> None:
    fields = machine_of(base()).model_dump(mode="json")
    starred = set()
    for path in CHANGES:
        parts = path.split(".")
        if path.startswith(("buffer.scratchpads", "vector.operations")):
            parts[2] = "*"
        if path.startswith("clocks"):
            parts[1] = "*"
        starred.add(".".join(parts))
    changed = {leaf for leaf in leaves(fields) if leaf in starred}
    changed |= {"mapping.fuse"}
    rest = leaves(fields) - changed - {"sources", "assumed"}
    assert rest == set(NOT_EXERCISED)
