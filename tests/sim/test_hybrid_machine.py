"""Machines of NPU and PIM: the engine's contract, and channels against their own runs."""

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from contract import Case, UnitContract, differences, run_to_end
from hybrid_cases import (
    COMP,
    COMPS,
    HEADER,
    READRES,
    Given,
    items_of,
    joint_fields,
    plain_machine,
    random_machine,
    random_trace,
    random_unit,
    trace_of,
)
from joint_cases import judged, load

from arch.commands import (
    LINK_SEND,
    OP_LINK,
    OP_LOAD,
    OP_MATMUL,
    OP_PIM,
    OP_STORE,
    OP_VECTOR,
    QUEUE_LOAD,
    QUEUE_STORE,
    QUEUE_VECTOR,
    link_queue,
    pim_queue,
    side_queue,
)
from arch.errors import InputError
from arch.machine import Machine
from arch.pim.joint import JointChannels, JointPim
from sim import engine
from sim.contract import CAUSES
from sim.counts import account_rows, counts
from sim.deadlock import explain_trace
from sim.dram.address import Decoder
from sim.dram.state import REQUEST
from sim.pim.joint.run import new_channel
from sim.pim.joint.state import ITEM
from sim.simulate import Options, run
from sim.system import System
from traces.operators import Gemm, Softmax, Workload

LOG_ENTRIES = 20_000


@pytest.mark.compiled
class TestHybrid(UnitContract):
    def scenario(self, seed: int) -> Case:
        random = Random(seed)
        machine = random_machine(random)
        return machine, [random_trace(random, machine) for _ in range(2)]

    @pytest.mark.parametrize("seed", [111, 242, 894])
    def test_a_trace_that_begins_in_the_last_cycle_of_another(self, seed: int) -> None:
        machine, traces = self.scenario(seed)
        expected = run_to_end(System(machine), traces)
        assert differences(expected, run_to_end(System(machine, force=True), traces)) == []


def done(machine: Machine, given: list[Given], **options: Any) -> System:
    """A machine that has run some commands."""
    system = System(machine, log_entries=LOG_ENTRIES, **options)
    system.load(trace_of(given))
    assert system.advance() == engine.DONE, explain_trace(system, "all")
    system.flush(system.now_tick)
    return system


def tiles(random: Random, count: int, composite: bool) -> list[Any]:
    return [item for _ in range(count) for item in random_unit(random, composite)]


def pim(machine: Machine, channel: int, items: list[Any], after: list[int]) -> Given:
    return {"opcode": OP_PIM, "queue": pim_queue(machine.cores, channel)}, items, after


def move(opcode: int, offset: int, size: int, after: list[int]) -> Given:
    fields = {"opcode": opcode, "queue": opcode, "tensor": 0, "offset_bytes": offset}
    return {**fields, "bytes": size, "segment_bytes": size, "stride_bytes": size}, [], after


def arrivals_of(machine: Machine, given: list[Given]) -> tuple[System, list[tuple[int, int]]]:
    """A run, and of each request the cycle in which the front took it and its direction: reads
    before writes, as it asks their rings."""
    system = System(machine, log_entries=LOG_ENTRIES)
    system.load(trace_of(given))
    size = machine.buffer.dma.request_bytes
    front, found, before = system.state.fronts[0], [], [0, 0]
    status = engine.PAUSED
    while status == engine.PAUSED:
        status = system.advance(steps=1)
        for write, name in enumerate(("read_bytes", "write_bytes")):
            taken = int(front[name]) // size
            found += [(system.now_tick, write)] * (taken - before[write])
            before[write] = taken
    assert status == engine.DONE
    return system, found


def channel_alone(machine: Machine, system: System, channel: int, requests: Any) -> tuple[Any, Any]:
    """The channel by the joint kernel itself, its PIM instructions released as in a run: its log,
    and the cycle at which each command's last instruction was done."""
    trace, runtime = system.trace, system.state.runtime
    memory: Any = machine.memory
    width = memory.controller.dispatch_width
    own = items_of(trace, pim_queue(machine.cores, channel))
    # Slots of the dispatch, over all channels, by release and then by number of the command.
    slots, slot = {}, 0
    order = np.lexsort((trace.items["command"], runtime["start"][trace.items["command"]]))
    for at in order:
        item = trace.items[at]
        released = int(runtime["start"][item["command"]])
        for part in range(int(item["count"]) if item["op"] == COMP else 1):
            slot = max(slot, (released + 1) * (width or 1))
            slots[int(at), part] = slot // width if width else released + 1
            slot += 1
    rows = []
    for at in np.flatnonzero(np.isin(trace.items["command"], own["command"])):
        item = trace.items[at]
        parts = int(item["count"]) if item["op"] == COMP else 1
        for part in range(parts):
            row = np.zeros((), ITEM)
            for name in ("op", "bank", "row", "count", "results", "last"):
                row[name] = item[name]
            if item["op"] == COMP:
                row["count"] = 1
            row["arrival"], row["tag"] = slots[int(at), part], item["command"]
            rows.append(row)
    fields = {name: getattr(memory, name) for name in JointChannels.model_fields}
    alone = new_channel(JointPim(interface="joint", name="alone", source="tests", **fields))
    logs: list[Any] = []
    ends = np.full(len(trace.commands), -1, np.int64)
    alone.run(np.array(rows, ITEM), requests, until=system.now_tick, pim_done=ends, log=logs.append)
    return np.concatenate(logs), ends


def logged(system: System, channel: int) -> Any:
    joint = system.state.joint
    return joint.log[channel][: int(joint.channels["logged"][channel])]


def no_requests() -> Any:
    return np.zeros(0, REQUEST)


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["neupims", "neupims_single", "neupims_single_wide"])
@pytest.mark.parametrize("width", [None, 1, 3])
def test_pim_commands_take_the_cycles_of_the_channels_own_run(name: str, width: int | None) -> None:
    """An instruction comes a cycle after its command's release; releases are read from the run, and
    held against what the commands wait for."""
    random = Random(5)
    memory = joint_fields(name, channels=4, controller={"dispatch_width": width})
    machine = plain_machine(memory)
    vector = {"opcode": OP_VECTOR, "queue": QUEUE_VECTOR, "elements": 800}
    given: list[Given] = [(vector, [], [])]
    for number in range(9):
        after = [0] if number in (4, 5) else [number] if number == 7 else []
        given.append(pim(machine, number % 3, tiles(random, 6, memory["composite"]), after))
    used = [0, 1, 2]
    if not memory["composite"]:
        # A tile in two commands, the first of which ends with columns.
        given.append(pim(machine, 3, [(HEADER, 0, 3, 5, 1, 0), (COMP, 0, 3, 5, 0, 0)], []))
        given.append(pim(machine, 3, [(READRES, 0, 3, 0, 0, 1)], []))
        used.append(3)
    system = done(machine, given)
    start, end = system.state.runtime["start"], system.state.runtime["end"]
    assert end[0] == 200
    # Where nothing is waited for, all is released at once; queues keep their order.
    assert start[[1, 2, 3, 4]].tolist() == [0] * 4
    assert start[[5, 6]].tolist() == [201] * 2
    assert start[7] == 0
    assert start[8] == max(end[7] + 1, 201)
    assert start[9] == 201
    for channel in used:
        log, ends = channel_alone(machine, system, channel, no_requests())
        mine = system.trace.commands["queue"] == pim_queue(1, channel)
        assert end[mine].tolist() == ends[mine].tolist()
        found = logged(system, channel)
        assert found.tolist() == log[: len(found)].tolist()
        assert len(found) > (100 if channel < 3 else 8)


@pytest.mark.compiled
@pytest.mark.parametrize("kinds", ["loads", "stores", "both", "all"])
@pytest.mark.parametrize("name", ["neupims", "neupims_single_wide"])
def test_channels_give_the_commands_of_their_own_run(name: str, kinds: str, tmp_path: Path) -> None:
    """Requests by the cycles in which the front took them: each command of each channel."""
    random = Random(7)
    memory = joint_fields(name, channels=2, mapping="rorabgbacoch")
    machine = plain_machine(memory)
    given: list[Given] = []
    offsets: list[list[int]] = [[], []]
    for _ in range(24):
        for opcode in (OP_LOAD, OP_STORE):
            if kinds in ("both", "all") or kinds == ("loads", "stores")[opcode]:
                offset = random.randrange(4000) * 64
                size = 64 * random.randint(1, 40)
                given.append(move(opcode, offset, size, []))
                offsets[opcode] += range(offset, offset + size, 64)
    if kinds == "all":
        for channel in (0, 1):
            given.append(pim(machine, channel, tiles(random, 30, memory["composite"]), []))
    system, taken = arrivals_of(machine, given)
    assert len(taken) == len(offsets[0]) + len(offsets[1])
    spec: Any = machine.memory
    decoder = Decoder(spec.device(), spec.address_map(), spec.bank_hash)
    left = [iter(offsets[0]), iter(offsets[1])]
    burst = spec.device().burst_bytes
    requests: list[list[Any]] = [[], []]
    for cycle, write in taken:
        first = next(left[write])
        addresses = np.arange(first, first + 64, burst, dtype=np.uint64)
        places = decoder.decode(addresses)
        for at, address in enumerate(addresses):
            row = np.zeros((), REQUEST)
            for part in ("bank", "row", "column"):
                row[part] = places[part][at]
            row["cycle"], row["write"], row["address"] = cycle, write, int(address) // burst
            requests[int(places["channel"][at])].append(row)
    for channel in (0, 1):
        assert requests[channel]
        found = logged(system, channel)
        log, _ = channel_alone(machine, system, channel, np.array(requests[channel], REQUEST))
        assert found.tolist() == log[: len(found)].tolist()
        # All that is not yet given when the last command ends are writes that nobody waits for.
        assert len(log) >= len(found) > 50
    pim_spec = load(name)
    report = judged(pim_spec, [logged(system, channel) for channel in (0, 1)], tmp_path)
    assert report.total == 0, report.violations[:3]
    conserved(system)


def conserved(system: System) -> None:
    """All items were given and all bytes moved, each request answered."""
    state, trace = system.state, system.trace
    found = counts(system)
    commands = trace.commands
    for opcode, name in ((OP_LOAD, "memory_read_bytes"), (OP_STORE, "memory_write_bytes")):
        assert found[name] == commands["bytes"][commands["opcode"] == opcode].sum()
    assert state.fronts["open"][0] == 0
    own = state.joint
    assert (own.states["head"] == own.states["tail"]).all()
    items = trace.items
    assert own.states["tail"].sum() >= len(items)
    assert found["pim_results"] == np.isin(items["op"], (COMPS, READRES)).sum()
    assert found["pim_columns"] == items["count"][np.isin(items["op"], (COMP, COMPS))].sum()
    assert found["pim_tiles"] == found["dram_HEADER"] == (items["op"] == HEADER).sum()
    assert found["dram_GWRITE"] == (items["op"] == 0).sum()
    served = own.channels["served"].sum() + own.channels["forwarded"].sum()
    waiting = own.channels["counts"][:, :2].sum() + own.arbiters["queued"].sum()
    shared = own.arbiters["shared"].sum()
    assert served + own.channels["coalesced"].sum() + waiting + shared == found["dram_bursts"]


@pytest.mark.compiled
def test_random_runs_conserve_and_account_for_every_cycle() -> None:
    for seed in range(12):
        random = Random(seed)
        machine = random_machine(random)
        system = System(machine)
        system.load(random_trace(random, machine, 40))
        assert system.advance() == engine.DONE
        system.flush(system.now_tick)
        conserved(system)
        assert counts(system)["pim_busy_cycles"] >= 0
        for name, clock, row in account_rows(machine):
            period = system.ticks_of(clock)
            edges = -(-system.now_tick // period)
            ticks = system.state.ticks_by_cause[row]
            assert ticks.min() >= 0
            assert ticks.sum() == edges * period, name


@pytest.mark.compiled
def test_a_channel_s_cycles_go_to_what_it_does() -> None:
    """A wait for the vector unit, PIM, and instructions that come slowly."""
    causes = {}
    for width in (None, 1):
        memory = joint_fields(
            "neupims_single_wide", channels=2, controller={"dispatch_width": width}
        )
        machine = plain_machine(memory)
        vector = {"opcode": OP_VECTOR, "queue": QUEUE_VECTOR, "elements": 800}
        both = [pim(machine, c, tiles(Random(2), 20, False), [0]) for c in (0, 1)]
        system = done(machine, [(vector, [], []), *both])
        row = next(row for name, _, row in account_rows(machine) if name == "memory.channel1")
        ticks = system.state.ticks_by_cause[row]
        causes[width] = dict(zip(CAUSES, ticks.tolist(), strict=True))
        assert causes[width]["stall.vector"] == 201
        busy = counts(system)["pim_busy_cycles"]
        assert busy <= 2 * (system.now_tick - 201)
    assert causes[None]["stall.dispatch"] == 1
    assert causes[1]["stall.dispatch"] > 50
    assert causes[1]["busy.pim"] > 500


@pytest.mark.compiled
def test_the_side_queue_goes_first_and_waits_for_nobody() -> None:
    machine = plain_machine(joint_fields("neupims", channels=1))
    side = side_queue(1, 1, 0)

    def vector(queue: int, elements: int, after: list[int]) -> Given:
        return {"opcode": OP_VECTOR, "queue": queue, "elements": elements}, [], after

    link = {"opcode": OP_LINK, "queue": link_queue(1, 1), "bytes": 160, "m": LINK_SEND}
    system = done(
        machine,
        [
            (link, [], []),
            vector(QUEUE_VECTOR, 40, []),
            vector(QUEUE_VECTOR, 40, [0]),
            vector(side, 8, [1]),
            vector(side, 12, []),
        ],
    )
    runtime = system.state.runtime
    # Side commands keep their order; the main queue goes where the side waits, and after it.
    assert runtime["start"].tolist() == [0, 0, 31, 11, 13]
    assert runtime["end"].tolist() == [30, 10, 41, 13, 16]


@pytest.mark.compiled
def test_a_cycle_of_waits_is_a_deadlock_with_names() -> None:
    machine = plain_machine(joint_fields("neupims", channels=2))
    random = Random(3)
    softmax = {"opcode": OP_VECTOR, "queue": side_queue(1, 2, 0), "elements": 8}
    link = {"opcode": OP_LINK, "queue": link_queue(1, 2), "bytes": 8}
    trace = trace_of(
        [
            pim(machine, 1, tiles(random, 1, True), [2]),
            (softmax, [], [0]),
            (link, [], [1]),
            move(OP_LOAD, 0, 64, []),
            pim(machine, 0, tiles(random, 1, True), []),
        ]
    )
    system = System(machine)
    system.load(trace)
    assert system.advance() == engine.DEADLOCK
    told = explain_trace(system, "attention").splitlines()
    assert "'attention'" in told[0]
    assert told[1:] == [
        "  pim1: command 0 (PIM) waits for command 2 (LINK)",
        "  core0.side: command 1 (VECTOR) waits for command 0 (PIM)",
        "  link: command 2 (LINK) waits for command 1 (VECTOR)",
    ]


@pytest.mark.compiled
def test_a_tile_that_never_begins_is_a_deadlock() -> None:
    machine = plain_machine(joint_fields("neupims", channels=1, timings={"nREFI": 300}))
    system = System(machine)
    sums = [(COMPS, 0, 3, 8, 0, int(place == 7)) for place in range(8)]
    system.load(trace_of([pim(machine, 0, [(HEADER, 0, 3, 64, 8, 0), *sums], [])]))
    assert system.advance() == engine.DEADLOCK
    told = explain_trace(system, "x")
    assert "pim0: command 0 (PIM) has started and not ended" in told
    assert "memory.channel0: the HEADER of row 3 never begins" in told


GWRITE_ITEM = (0, 0, 1, 0, 0, 0)
WRONG: dict[str, tuple[Given, str]] = {
    "no channel": (({"opcode": OP_PIM, "queue": pim_queue(1, 2)}, [GWRITE_ITEM], []), "2 PIM cha"),
    "no items": (({"opcode": OP_PIM, "queue": pim_queue(1, 0)}, [], []), "has no items"),
    "not of PIM": ((move(OP_LOAD, 0, 64, [])[0], [GWRITE_ITEM], []), "of a command of PIM"),
    "bank": (({"opcode": OP_PIM, "queue": 4}, [(0, 32, 1, 0, 0, 0)], []), "bank from 0 to 31"),
    "row": (({"opcode": OP_PIM, "queue": 4}, [(0, 0, -1, 0, 0, 0)], []), "a row from 0"),
    "op": (({"opcode": OP_PIM, "queue": 4}, [(9, 0, 1, 0, 0, 0)], []), "one of GWRITE"),
    "columns": (({"opcode": OP_PIM, "queue": 4}, [(HEADER, 0, 1, 0, 1, 0)], []), "one column"),
    "results": (
        (
            {"opcode": OP_PIM, "queue": 4},
            [GWRITE_ITEM, (HEADER, 0, 3, 8, 3, 0), (COMPS, 0, 3, 4, 0, 0), (COMPS, 0, 3, 4, 0, 1)],
            [],
        ),
        "PIM item 1: HEADER of row 3 has results 3; must be 2, as its tile",
    ),
    "link": (({"opcode": OP_LINK, "queue": 6, "bytes": 8}, [], []), "in that of the link"),
    "no bytes": (({"opcode": OP_LINK, "queue": 7, "bytes": 0}, [], []), "no bytes"),
    "store": (({"opcode": OP_STORE, "queue": 4, "bytes": 8}, [GWRITE_ITEM], []), "a store engine"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_commands_are_refused(case: str) -> None:
    machine = plain_machine(joint_fields("neupims", channels=2))
    given, told = WRONG[case]
    system = System(machine)
    with pytest.raises(InputError, match=told):
        system.load(trace_of([given]))


def test_each_channel_has_the_results_of_its_own_headers() -> None:
    """Commands of two channels in turn; one has its columns in one command, its results in two."""
    machine = plain_machine(joint_fields("neupims_single", channels=2))
    header, column = (HEADER, 0, 3, 5, 2, 0), (COMP, 0, 3, 5, 0, 0)
    result, last = (READRES, 0, 3, 0, 0, 0), (READRES, 0, 3, 0, 0, 1)
    parts = [(0, [header, column]), (1, [header, column, result]), (0, [result]), (1, [last])]
    system = System(machine)
    system.load(trace_of([pim(machine, *part, []) for part in (*parts, (0, [last]))]))
    with pytest.raises(InputError, match="PIM item 0: HEADER of row 3 has results 2; must be 1"):
        system.load(trace_of([pim(machine, *part, []) for part in parts]))


def test_a_machine_without_pim_or_link_refuses_their_commands() -> None:
    memory = {"clock": "core", "latency_cycles": 1, "bytes_per_cycle": 8}
    system = System(plain_machine(memory, link=None))
    for given in (
        ({"opcode": OP_PIM, "queue": 4}, [GWRITE_ITEM], []),
        ({"opcode": OP_LINK, "queue": 5, "bytes": 8}, [], []),
    ):
        with pytest.raises(InputError, match="of which there is none"):
            system.load(trace_of([given]))
    trace = trace_of([({"opcode": OP_MATMUL, "queue": 2, "m": 1, "n": 1, "k": 1}, [], [])])
    system.load(replace(trace, items=trace.items[:0]))
    assert QUEUE_LOAD + 1 == QUEUE_STORE


@pytest.mark.compiled
def test_a_workload_runs_on_it_as_on_any_memory(tmp_path: Path) -> None:
    machine = plain_machine(
        joint_fields("neupims", channels=4),
        array={"rows": 8, "cols": 8, "dataflow": "ws"},
        technology="45nm",
    )
    gemm = Gemm(name="gemm", m=60, n=96, k=128)
    work = Workload(
        name="two",
        source="tests",
        operators=(gemm, Softmax(name="softmax", rows=60, cols=96, inputs=("gemm",))),
    )
    whole = run(machine, work, Options(log_commands=True))
    result = whole.result
    units = {unit.name: unit for unit in result.units}
    assert {f"memory.channel{channel}" for channel in range(4)} | {"link", "memory"} <= set(units)
    for unit in result.units:
        assert sum(unit.cycles_by_cause.values()) == unit.cycles
    events = result.operators[0].events
    assert events["memory_read_bytes"] == 60 * 128 + 96 * 128
    # Requests begin and end within bursts.
    assert events["dram_RD"] * 64 > events["memory_read_bytes"]
    assert events["dram_RD"] + events["dram_WR"] <= events["dram_bursts"]
    assert not any(name.startswith("pim_") for name in events)
    assert units["memory.channel0"].cycles_by_cause["busy.transfer"] > 0
    assert units["link"].cycles_by_cause["idle"] == units["link"].cycles
    assert whole.log is not None
    assert whole.log.queue_name(4) == "pim0"
    path = tmp_path / "half.npz"
    half = result.cycles // 2
    run(machine, work, Options(checkpoint_path=path, checkpoint_cycle=half))
    again = run(machine, work, Options(resume_path=path)).result
    assert again == result
