"""The timing kernel: cycles of tiles, against plain rules and against the value kernel."""

from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import pytest
from array_oracle import tile_cycles
from contract import Case, UnitContract
from hypothesis import given
from hypothesis import strategies as st
from scenarios import machine_fields, machine_of

from arch.commands import COMMAND, FLAG_FINAL, OP_MATMUL, QUEUE_ARRAY, TENSOR, CommandTrace
from arch.machine import Machine
from sim import engine
from sim.array.value import run_tile
from sim.contract import STALL_PORTS
from sim.system import System

WIDE = {"capacity_kib": 2**20, "banks": 2**20, "bank_width_bytes": 2**20}
"""A scratchpad that never makes the array wait."""


@dataclass(frozen=True)
class Tile:
    m: int
    n: int
    k: int
    groups: int
    pack: int


def trace_of(tiles: list[Tile]) -> CommandTrace:
    """The tiles one after the other, none depending on another."""
    commands = np.zeros(len(tiles), COMMAND)
    commands["queue"] = QUEUE_ARRAY
    commands["opcode"] = OP_MATMUL
    commands["tensor"] = -1
    commands["flags"] = FLAG_FINAL
    for name in ("m", "n", "k", "groups", "pack"):
        commands[name] = [getattr(tile, name) for tile in tiles]
    return CommandTrace(commands, np.zeros(0, np.int64), np.zeros(0, TENSOR), (), ("tiles",))


def array_machine(fields: dict[str, Any]) -> Machine:
    """A machine of one array without memory, whose scratchpads never make it wait."""
    pads = {name: {"operands": [name], **WIDE} for name in ("ifmap", "filter", "ofmap")}
    return machine_of(
        {
            "name": "array",
            "source": "tests",
            "clocks": {"core": 1_000_000},
            "array": fields,
            "buffer": {"scratchpads": pads},
            "memory": None,
        }
    )


def random_array(random: Random) -> dict[str, Any]:
    fields = machine_fields(random)["array"]
    fields["pe_latency_cycles"] = random.choice([1, 1, 2, 3])
    return {**fields, "rows": random.randint(1, 8), "cols": random.randint(1, 8)}


def array_in_hardware(random: Random) -> dict[str, Any]:
    """Without what only counts cycles."""
    return random_array(random) | {"copies": 1, "empty_load_cycles": None}


def random_tile(random: Random, fields: dict[str, Any]) -> Tile:
    pack = random.randint(1, min(fields["rows"], fields["cols"]))
    groups = random.randint(1, 2 * pack)
    m, n, k = (random.choice([1, random.randint(1, 20)]) for _ in range(3))
    return Tile(m, n, k, groups, pack)


def simulate(machine: Machine, tiles: list[Tile], **options: Any) -> System:
    system = System(machine, **options)
    system.load(trace_of(tiles))
    assert system.advance() == engine.DONE
    system.flush(system.now_tick)
    return system


class TestArray(UnitContract):
    """Arrays alone, on scratchpads whose ports are too few."""

    def scenario(self, seed: int) -> Case:
        random = Random(seed)
        fields = machine_fields(random)
        fields |= {"cores": 1, "array": random_array(random), "memory": None}
        traces = [
            trace_of([random_tile(random, fields["array"]) for _ in range(random.randint(1, 4))])
            for _ in range(2)
        ]
        return machine_of(fields), traces


@given(seed=st.integers(0, 2**32))
def test_cycles_follow_the_rules(seed: int) -> None:
    random = Random(seed)
    fields = random_array(random)
    tile = random_tile(random, fields)
    machine = array_machine(fields)
    expected = tile_cycles(machine.array, tile.m, tile.n, tile.k, tile.groups, tile.pack)
    for force in (False, True):
        assert simulate(machine, [tile], force=force).now_tick == expected


@given(seed=st.integers(0, 2**32))
def test_cycles_equal_the_value_kernel(seed: int) -> None:
    random = Random(seed)
    fields = array_in_hardware(random)
    tile = random_tile(random, fields)
    machine = array_machine(fields)
    values = np.random.default_rng(seed)
    a = values.integers(-128, 128, (tile.groups, tile.m, tile.k))
    b = values.integers(-128, 128, (tile.groups, tile.k, tile.n))
    computed = run_tile(machine.array, a, b, pack=tile.pack)
    assert np.array_equal(computed.output, a @ b)
    assert simulate(machine, [tile]).now_tick == computed.cycles


@pytest.mark.parametrize(("dataflow", "cycles"), [("ws", 100 + 16 + 8 - 2), ("is", 70 + 16 + 8 - 2),
                                                  ("os", 60 + 16 + 8 - 2)])  # fmt: skip
def test_one_fold_takes_the_published_cycles(dataflow: str, cycles: int) -> None:
    """T + 2R + C - 2, from the first operand in to the last result out (SCALE-Sim's paper)."""
    machine = array_machine({"rows": 8, "cols": 8, "dataflow": dataflow})
    extents = {"ws": (100, 8, 8), "is": (8, 70, 8), "os": (8, 8, 60)}[dataflow]
    assert simulate(machine, [Tile(*extents, 1, 1)]).now_tick == cycles


@given(seed=st.integers(0, 2**32))
def test_counts_are_those_of_the_loops(seed: int) -> None:
    """Operand words by a plain loop over folds; partial sums by what has to be kept where."""
    random = Random(seed)
    fields = random_array(random)
    tile = random_tile(random, fields)
    machine = array_machine(fields)
    counted = simulate(machine, [tile]).state.arrays[0]
    rows, cols = fields["rows"] // tile.pack, fields["cols"] // tile.pack
    m, n, k, g = tile.m, tile.n, tile.k, tile.groups
    over = {name: -(-extent // size) for name, extent, size in
            (("kr", k, rows), ("nc", n, cols), ("mr", m, rows), ("mc", m, cols))}  # fmt: skip
    a, b, c = g * m * k, g * k * n, g * m * n
    expected = {
        "ws": (a * over["nc"], b, over["kr"], m),
        "is": (a, b * over["mc"], over["kr"], n),
        "os": (a * over["nc"], b * over["mr"], 1, 0),
    }[fields["dataflow"]]
    assert counted["macs"] == g * m * n * k
    assert counted["ifmap_read_words"] == expected[0]
    assert counted["filter_read_words"] == expected[1]
    assert counted["ofmap_write_words"] == c
    passes, vectors = expected[2], expected[3]
    kept = "accumulator" if vectors <= fields["accumulator_rows"] else "psum"
    spilled = "psum" if kept == "accumulator" else "accumulator"
    for direction in ("read", "write"):
        assert counted[f"{kept}_{direction}_words"] == c * (passes - 1)
        assert counted[f"{spilled}_{direction}_words"] == 0


@pytest.mark.parametrize("dataflow", ["ws", "os", "is"])
def test_too_few_ports_slow_the_array_and_say_so(dataflow: str) -> None:
    """Four operand words a beat from a one-word port: each streaming beat takes four cycles."""
    fields = {"rows": 4, "cols": 4, "dataflow": dataflow, "accumulator_rows": 1000}
    machine = array_machine(fields)
    narrow = machine.model_dump(mode="json")
    operand = "filter" if dataflow == "is" else "ifmap"
    narrow["buffer"]["scratchpads"][operand] |= {"banks": 1, "bank_width_bytes": 1}
    tile = Tile(50, 50, 4, 1, 1) if dataflow != "os" else Tile(4, 4, 50, 1, 1)
    wide_system, narrow_system = (simulate(x, [tile]) for x in (machine, machine_of(narrow)))
    ports = narrow_system.state.ticks_by_cause[0, STALL_PORTS]
    beats = wide_system.state.arrays[0]["folds"] * (tile.k if dataflow == "os" else 50)
    assert ports == narrow_system.now_tick - wide_system.now_tick
    assert ports == 3 * beats


@pytest.mark.parametrize("dataflow", ["ws", "is"])
def test_copies_want_their_vectors_at_once(dataflow: str) -> None:
    """Three vectors of four words a beat from a one-word port: each beat takes twelve cycles."""
    fields = {"rows": 4, "cols": 4, "dataflow": dataflow, "accumulator_rows": 1000, "copies": 3}
    machine = array_machine(fields)
    narrow = machine.model_dump(mode="json")
    operand = "filter" if dataflow == "is" else "ifmap"
    narrow["buffer"]["scratchpads"][operand] |= {"banks": 1, "bank_width_bytes": 1}
    wide, slow = (simulate(x, [Tile(50, 50, 4, 1, 1)]) for x in (machine, machine_of(narrow)))
    beats = 13 * 17  # blocks of 50 rows or columns, beats of 50 vectors
    assert slow.now_tick - wide.now_tick == 11 * beats
    assert slow.state.ticks_by_cause[0, STALL_PORTS] == 11 * beats


@pytest.mark.parametrize("words", [4, 12])
def test_copies_write_their_results_at_once(words: int) -> None:
    """Three vectors of four results a beat, of a byte each, to ports of so many bytes."""
    fields = {"rows": 4, "cols": 4, "dataflow": "ws", "copies": 3}
    machine = array_machine(fields)
    narrow = machine.model_dump(mode="json")
    narrow["buffer"]["scratchpads"]["ofmap"] |= {"banks": 1, "bank_width_bytes": words}
    wide, slow = (simulate(x, [Tile(50, 4, 4, 1, 1)]) for x in (machine, machine_of(narrow)))
    assert slow.now_tick - wide.now_tick == (12 // words - 1) * 17


def test_a_load_of_an_empty_array_takes_its_own_time() -> None:
    """A fold of 8 rows, 8 columns and 2 vectors by hand, and two tiles of which the second one
    loads while the first one streams."""
    fields = {"rows": 8, "cols": 8, "dataflow": "ws", "empty_load_cycles": 15}
    tile = Tile(2, 8, 8, 1, 1)
    one = 15 + 2 + 8 + 8 - 2
    assert simulate(array_machine(fields), [tile]).now_tick == one
    assert simulate(array_machine(fields), [tile, tile]).now_tick == one + 8
    preloaded = array_machine({**fields, "drain": "preloaded"})
    assert simulate(preloaded, [tile, tile]).now_tick == one + 2 + 8 + 8 - 2
    serial = array_machine({**fields, "drain": "serial"})
    assert simulate(serial, [tile, tile]).now_tick == 2 * one
