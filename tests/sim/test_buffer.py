"""The buffer: ports shared with the array, and the closed forms of what they leave free."""

from random import Random

import numpy as np
import pytest
from array_oracle import tile_cycles
from contract import Case, UnitContract
from hypothesis import given
from hypothesis import strategies as st
from scenarios import machine_fields, machine_of
from test_array_timing import random_array, random_tile
from transfers import Transfer, random_transfers, transfers_trace

from arch.commands import (
    COMMAND,
    OP_LOAD,
    OP_MATMUL,
    OP_STORE,
    QUEUE_ARRAY,
    QUEUE_LOAD,
    QUEUE_STORE,
    TENSOR,
    CommandTrace,
)
from sim import engine
from sim.buffer.ports import cycles_until_free, free_since_start
from sim.contract import NEVER, STALL_PORTS
from sim.system import System


def with_array(transfers: CommandTrace, random: Random, fields: dict[str, object]) -> CommandTrace:
    """The transfers beside tile products that they have nothing to do with."""
    tiles = np.zeros(3, transfers.commands.dtype)
    for row in tiles:
        tile = random_tile(random, fields)
        row["queue"], row["opcode"], row["tensor"] = QUEUE_ARRAY, OP_MATMUL, -1
        for name in ("m", "n", "k", "groups", "pack"):
            row[name] = getattr(tile, name)
    return CommandTrace(
        np.concatenate([transfers.commands, tiles]), transfers.dependencies, transfers.tensors,
        (), ("both",),
    )  # fmt: skip


class TestBuffer(UnitContract):
    """Transfers while an array that they do not feed uses the same ports."""

    def scenario(self, seed: int) -> Case:
        random = Random(seed)
        fields = machine_fields(random)
        fields |= {"cores": 1, "array": random_array(random)}
        traces = [with_array(random_transfers(random), random, fields["array"]) for _ in range(2)]
        return machine_of(fields), traces


@pytest.mark.parametrize("cycles", [0, 1, 40])
def test_a_load_is_used_some_cycles_after_it_has_come(cycles: int) -> None:
    """Loads follow each other, and stores wait for none; a tile and a store that wait for a load
    come so much later."""
    ends = []
    for latency in (0, cycles):
        fields = machine_fields(Random(3))
        fields |= {"cores": 1, "memory": {"latency_cycles": 3, "bytes_per_cycle": 64}}
        fields["clocks"] = {"core": 1_000_000, "memory": 1_000_000, "vector": 1_000_000}
        pad = {"operands": ["ifmap", "filter", "ofmap"], "capacity_kib": 64, "banks": 64,
               "bank_width_bytes": 64}  # fmt: skip
        fields["buffer"]["scratchpads"] = {"all": pad}
        fields["buffer"]["dma"] = {"outstanding": 8, "load_to_use_cycles": latency}
        rows = np.zeros(5, COMMAND)
        rows["tensor"] = -1
        for at, (queue, opcode) in enumerate(
            [(QUEUE_LOAD, OP_LOAD), (QUEUE_LOAD, OP_LOAD), (QUEUE_STORE, OP_STORE),
             (QUEUE_ARRAY, OP_MATMUL), (QUEUE_STORE, OP_STORE)]
        ):  # fmt: skip
            rows[at]["queue"], rows[at]["opcode"] = queue, opcode
            if opcode == OP_MATMUL:
                for name in ("m", "n", "k", "groups", "pack"):
                    rows[at][name] = 1
            else:
                rows[at]["tensor"] = 0
                for name in ("bytes", "segment_bytes", "stride_bytes"):
                    rows[at][name] = 64
        rows["deps_begin"], rows["deps_end"] = [0, 0, 0, 0, 1], [0, 0, 0, 1, 2]
        tensors = np.zeros(1, TENSOR)
        tensors["bytes"] = 64
        system = System(machine_of(fields))
        system.load(CommandTrace(rows, np.array([0, 1]), tensors, ("t",), ("x",)))
        assert system.advance() == engine.DONE
        ends.append(system.state.runtime[["start", "end"]].copy())
    before, after = ends
    assert (after["start"][:3] == before["start"][:3]).all()
    assert after["end"][0] == before["end"][0] + cycles
    assert after["end"][1] == before["end"][1] + cycles
    assert after["end"][2] == before["end"][2]
    for at in (3, 4):
        assert after["start"][at] == before["start"][at] + cycles
        assert after["end"][at] == before["end"][at] + cycles


demands = st.tuples(st.integers(1, 6), st.integers(0, 20), st.integers(1, 5)).filter(
    lambda d: d[1] <= d[0] * d[2]
)
"""Capacity a cycle, accesses an advance, cycles an advance."""


def free_cycle_by_cycle(capacity: int, accesses: int, advance: int, cycles: int) -> int:
    free = 0
    wanted = 0
    for cycle in range(cycles):
        if cycle % advance == 0:
            wanted = accesses
        taken = min(wanted, capacity)
        wanted -= taken
        free += capacity - taken
    return free


@given(demand=demands, cycles=st.integers(0, 60))
def test_free_accesses_are_those_of_a_loop(demand: tuple[int, int, int], cycles: int) -> None:
    assert free_since_start(*demand, cycles) == free_cycle_by_cycle(*demand, cycles)


@given(demand=demands, cycles=st.integers(0, 60), wanted=st.integers(1, 100))
def test_time_until_free_is_that_of_a_loop(
    demand: tuple[int, int, int], cycles: int, wanted: int
) -> None:
    found = cycles_until_free(*demand, cycles, wanted)
    if demand[0] * demand[2] == demand[1]:
        assert found == NEVER
        return
    before = free_cycle_by_cycle(*demand, cycles)
    expected = cycles
    while free_cycle_by_cycle(*demand, expected) - before < wanted:
        expected += 1
    assert found == expected


@pytest.mark.parametrize(("accesses", "alone"), [(1, 64), (2, 32), (4, 16)])
def test_one_burst_takes_its_accesses(accesses: int, alone: int) -> None:
    """64 one-byte accesses through ``accesses`` ports, 1 + 1 + 3 cycles after the issue."""
    fields = machine_fields(Random(0))
    pads = {
        name: {"operands": [name], "capacity_kib": 1, "banks": accesses, "bank_width_bytes": 1}
        for name in ("ifmap", "filter", "ofmap")
    }
    fields |= {"cores": 1, "clocks": {"core": 1000, "memory": 1000}, "vector": None}
    fields["buffer"] = {"scratchpads": pads, "dma": {"request_bytes": 64}}
    fields["memory"] = {"latency_cycles": 3, "bytes_per_cycle": 64}
    system = System(machine_of(fields))
    system.load(transfers_trace([(0, 0, 64, 64)], {}))
    assert system.advance() == engine.DONE
    assert system.now_tick == 1 + 1 + 3 + alone


def test_the_array_comes_first_and_the_load_waits() -> None:
    """A unified scratchpad of one port: while the array takes it all, the load stands still."""
    fields = machine_fields(Random(0))
    pad = {"operands": ["ifmap", "filter", "ofmap"], "capacity_kib": 64, "banks": 4,
           "bank_width_bytes": 1}  # fmt: skip
    fields |= {"cores": 1, "clocks": {"core": 1000, "memory": 1000}, "vector": None}
    fields["array"] = {"rows": 4, "cols": 1, "dataflow": "ws", "accumulator_rows": 1000}
    fields["buffer"] = {"scratchpads": {"unified": pad}, "dma": {"request_bytes": 64}}
    fields["memory"] = {"latency_cycles": 0, "bytes_per_cycle": 64}
    machine = machine_of(fields)
    load: list[Transfer] = [(0, 0, 64, 64)]
    loads = transfers_trace(load, {})
    tile = np.zeros(1, loads.commands.dtype)
    tile["queue"], tile["opcode"], tile["tensor"] = QUEUE_ARRAY, OP_MATMUL, -1
    tile["m"], tile["n"], tile["k"], tile["groups"], tile["pack"] = 100, 1, 8, 1, 1
    both = CommandTrace(np.concatenate([loads.commands, tile]), loads.dependencies,
                        loads.tensors, (), ("both",))  # fmt: skip
    system = System(machine)
    system.load(both)
    assert system.advance() == engine.DONE
    array_alone = tile_cycles(machine.array, 100, 1, 8)
    system.flush(system.now_tick)
    load_end = int(system.state.runtime["end"][0])
    assert load_end > 200
    assert int(system.state.runtime["end"][1]) >= array_alone
    assert system.state.ticks_by_cause[1, STALL_PORTS] > 150
