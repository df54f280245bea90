"""Every statistic of docs/statistics.md, computed again from the log of commands."""

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenarios import scenario

from arch.commands import OP_LOAD, OP_MATMUL, OP_STORE, OP_VECTOR
from arch.machine import Machine
from arch.vector import VECTOR_OPS
from sim.contract import CAUSES
from sim.report.log import CommandLog
from sim.result import OperatorResult, Result
from sim.simulate import Options, run

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"


def logged(seed: int) -> tuple[Machine, Result, CommandLog]:
    machine, workload, _ = scenario(seed)
    done = run(machine, workload, Options(log_commands=True))
    assert done.log is not None
    return machine, done.result, done.log


def hosts(result: Result) -> list[OperatorResult]:
    return [operator for operator in result.operators if operator.fused_into is None]


def period(machine: Machine, log: CommandLog, clock: str) -> int:
    return log.tick_khz // machine.clocks[clock]


@given(seed=st.integers(0, 2**32))
def test_cycles_are_between_the_ends_of_operators(seed: int) -> None:
    machine, result, log = logged(seed)
    core = period(machine, log, machine.array.clock)
    before = 0
    for index, operator in enumerate(hosts(result)):
        end = -(-int(log.end_ticks[log.commands["operator"] == index].max()) // core)
        assert operator.cycles == end - before
        before = end
    assert result.seconds == pytest.approx(log.end_ticks.max() / (log.tick_khz * 1000))


@given(seed=st.integers(0, 2**32))
def test_counts_are_those_of_the_commands(seed: int) -> None:
    machine, result, log = logged(seed)
    for index, operator in enumerate(hosts(result)):
        mine = log.commands[log.commands["operator"] == index]
        tiles = mine[mine["opcode"] == OP_MATMUL]
        macs = (tiles["m"] * tiles["n"] * tiles["k"] * tiles["groups"]).sum()
        assert operator.macs == operator.events.get("macs", 0) == macs
        pes = machine.array.pes * machine.cores
        assert operator.utilisation == pytest.approx(macs / (operator.cycles * pes))
        for name, opcode in (("read", OP_LOAD), ("write", OP_STORE)):
            moved = mine["bytes"][mine["opcode"] == opcode].sum()
            assert operator.events.get(f"memory_{name}_bytes", 0) == moved
        vectors = mine[mine["opcode"] == OP_VECTOR]
        for at, op in enumerate(VECTOR_OPS):
            elements = vectors["elements"][vectors["vector_op"] == at].sum()
            assert operator.events.get(f"vector_{op}_elements", 0) == elements


def requests_of(command: object, largest: int) -> Counter[int]:
    """Sizes of a transfer's requests, each at most ``largest`` and inside its segment."""
    sizes: Counter[int] = Counter()
    left, segment = int(command["bytes"]), int(command["segment_bytes"])  # type: ignore[index]
    while left:
        part = min(left, segment)
        left -= part
        while part:
            sizes[min(part, largest)] += 1
            part -= min(part, largest)
    return sizes


@given(seed=st.integers(0, 2**32))
def test_interfaces_are_busy_for_their_requests(seed: int) -> None:
    machine, result, log = logged(seed)
    memory = machine.memory
    assert memory is not None
    busy: Counter[str] = Counter()
    total = 0
    for command in log.commands:
        if command["opcode"] not in (OP_LOAD, OP_STORE):
            continue
        operand = ("ifmap", "filter", "ofmap")[command["operand"]]
        name, width = "memory", memory.bytes_per_cycle
        if width is None:
            name, width = f"memory.{operand}", getattr(memory.operand_bytes_per_cycle, operand)
        for size, count in requests_of(command, machine.buffer.dma.request_bytes).items():
            busy[name] += count * -(-size // width)
            total += count
    assert result.events()["memory_requests"] == total
    for unit in result.units:
        if unit.name.startswith("memory"):
            assert unit.cycles_by_cause["busy.transfer"] == busy[unit.name]


@given(seed=st.integers(0, 2**32))
def test_vector_units_are_busy_for_their_commands(seed: int) -> None:
    machine, result, log = logged(seed)
    assert machine.vector is not None
    for core in range(machine.cores):
        mine = (log.commands["queue"] // 4 == core) & (log.commands["opcode"] == OP_VECTOR)
        ticks = (log.end_ticks - log.start_ticks)[mine].sum()
        (unit,) = (u for u in result.units if u.name == f"core{core}.vector")
        assert unit.cycles_by_cause["busy.compute"] == ticks // period(
            machine, log, machine.vector.clock
        )


@given(seed=st.integers(0, 2**32))
def test_arrays_work_only_while_commands_run(seed: int) -> None:
    """Busy and short of ports only between the first start and the last end of an operator."""
    machine, result, log = logged(seed)
    core_ticks = period(machine, log, machine.array.clock)
    for core in range(machine.cores):
        mine = (log.commands["queue"] // 4 == core) & (log.commands["opcode"] == OP_MATMUL)
        spans = {(int(a), int(b)) for a, b in
                 zip(log.start_ticks[mine], log.end_ticks[mine], strict=True)}  # fmt: skip
        covered: set[int] = set()
        for start, end in spans:
            covered.update(range(start // core_ticks, end // core_ticks))
        (unit,) = (u for u in result.units if u.name == f"core{core}.array")
        working = unit.total("busy") + unit.cycles_by_cause["stall.ports"]
        assert working <= len(covered)
        idle_or_waiting = unit.cycles - working
        assert idle_or_waiting >= unit.cycles - len(covered)


def test_the_page_names_every_cause_and_count() -> None:
    text = PAGE.read_text()
    _, result, _ = logged(3)
    for cause in CAUSES:
        assert f"`{cause}`" in text or f"`.{cause.split('.')[-1]}`" in text, cause
    for name in result.events():
        general = re.sub(r"^vector_[a-z]+_elements$", "vector_OP_elements", name)
        general = re.sub(r"^(ifmap|filter|ofmap|unified|activations|weights)_(read|write)_bytes$",
                         r"NAME_\2_bytes", general)  # fmt: skip
        assert f"`{general}`" in text, name
