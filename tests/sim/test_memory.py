"""The memory unit: bandwidth, latency, turns and clocks, against a plain list of events."""

from random import Random
from typing import Any

import pytest
from contract import Case, UnitContract
from hypothesis import given
from hypothesis import strategies as st
from scenarios import machine_fields, machine_of
from transfers import Transfer, random_transfers, transfers_trace

from sim import engine
from sim.system import System


def loading_machine(**memory: Any) -> dict[str, Any]:
    """A machine whose DMA and scratchpads add nothing but their one cycle each."""
    pads = {
        name: {"operands": [name], "capacity_kib": 64, "banks": 1024, "bank_width_bytes": 1024}
        for name in ("ifmap", "filter", "ofmap")
    }
    return {
        "name": "memory",
        "source": "tests",
        "clocks": {"core": 1_000_000, "memory": 1_000_000},
        "array": {"rows": 1, "cols": 1, "dataflow": "ws"},
        "buffer": {"scratchpads": pads, "dma": {"request_bytes": 64, "outstanding": 64}},
        "memory": memory,
    }


def end_of(fields: dict[str, Any], transfers: list[Transfer]) -> System:
    system = System(machine_of(fields))
    system.load(transfers_trace(transfers, {}))
    assert system.advance() == engine.DONE
    return system


class TestMemory(UnitContract):
    def scenario(self, seed: int) -> Case:
        random = Random(seed)
        return machine_of(machine_fields(random)), [random_transfers(random) for _ in range(3)]


@pytest.mark.parametrize("latency", [0, 1, 100])
@pytest.mark.parametrize("bandwidth", [1, 16, 64])
@pytest.mark.parametrize("size", [1, 64, 640, 1000])
def test_one_load_takes_bandwidth_and_latency(latency: int, bandwidth: int, size: int) -> None:
    """A cycle to the memory, its interface request by request, latency, a cycle into the pad."""
    fields = loading_machine(latency_cycles=latency, bytes_per_cycle=bandwidth)
    requests = [64] * (size // 64) + ([size % 64] if size % 64 else [])
    interface = sum(-(-request // bandwidth) for request in requests)
    if bandwidth == 64:
        interface = len(requests)
    system = end_of(fields, [(0, 0, size, size)])
    assert system.now_tick == 1 + interface + latency + 1
    assert system.state.interfaces["read_bytes"].sum() == size


def test_a_store_ends_when_its_data_have_crossed() -> None:
    """A cycle out of the pad, one to the memory, 10 on the interface; no latency."""
    fields = loading_machine(latency_cycles=100, bytes_per_cycle=5)
    system = end_of(fields, [(1, 2, 50, 50)])
    assert system.now_tick == 1 + 1 + 10
    assert system.state.interfaces["write_bytes"].sum() == 50


def test_segments_end_requests() -> None:
    """100 bytes in segments of 30 are four requests of 8 cycles at most."""
    fields = loading_machine(latency_cycles=0, bytes_per_cycle=4)
    system = end_of(fields, [(0, 0, 100, 30)])
    assert system.state.memories["requests"].sum() == 4
    assert system.now_tick == 1 + 8 + 8 + 8 + 3 + 1


def test_separate_interfaces_do_not_wait_for_each_other() -> None:
    both: list[Transfer] = [(0, 0, 640, 640), (0, 1, 640, 640)]
    shared = end_of(loading_machine(latency_cycles=5, bytes_per_cycle=1), both)
    widths = {"ifmap": 1, "filter": 1, "ofmap": 1}
    fields = loading_machine(latency_cycles=5, operand_bytes_per_cycle=widths)
    separate = end_of(fields, both)
    assert shared.now_tick == 1 + 1280 + 5 + 1
    assert separate.now_tick == 10 + 1 + 640 + 5 + 1


@pytest.mark.parametrize("memory_khz", [1_200_000, 1_333_000])
@pytest.mark.parametrize("synchroniser", [0, 1, 2, 5])
@given(size=st.integers(1, 2000), latency=st.integers(0, 50), outstanding=st.integers(1, 8))
def test_clocks_meet_in_synchronisers(
    memory_khz: int, synchroniser: int, size: int, latency: int, outstanding: int
) -> None:
    """1000 against 1200 and 1333 MHz, in exact picoseconds-like ticks, request by request."""
    fields = loading_machine(latency_cycles=latency, bytes_per_cycle=16)
    fields["clocks"] = {"core": 1_000_000, "memory": memory_khz}
    fields["synchroniser_cycles"] = synchroniser
    fields["buffer"]["dma"]["outstanding"] = outstanding
    system = end_of(fields, [(0, 0, size, size)])
    core, memory = system.ticks_of("core"), system.ticks_of("memory")
    assert core * 1_000_000 == memory * memory_khz

    def edge_after(tick: int, period: int) -> int:
        edge = 0
        while edge <= tick:
            edge += period
        return edge

    sizes = [min(64, size - begin) for begin in range(0, size, 64)]
    credits = [0] * outstanding
    bus_free = issue = done = pad_free = 0
    for request in sizes:
        issue = max(issue, credits.pop(0))
        seen = edge_after(issue, memory) + synchroniser * memory
        bus_free = max(seen, bus_free) + -(-request // 16) * memory
        answer = edge_after(bus_free + latency * memory - 1, core) + synchroniser * core
        done = max(answer, pad_free) + core
        pad_free = done
        credits.append(done)
        issue += core
    assert system.now_tick == done
