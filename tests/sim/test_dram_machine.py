"""The DRAM unit of machines: the engine's contract, addresses, and what it does to a run."""

from random import Random
from typing import Any

import numpy as np
import pytest
from contract import Case, UnitContract
from scenarios import machine_fields, machine_of

from arch.commands import (
    COMMAND,
    OP_LOAD,
    OP_STORE,
    QUEUE_LOAD,
    QUEUE_STORE,
    TENSOR,
    CommandTrace,
)
from arch.errors import InputError
from arch.load import load_machine
from sim import engine
from sim.contract import CAUSES
from sim.system import System

TENSOR_BYTES = 1 << 22

Transfer = tuple[int, int, int, int, int]
"""Engine (0 load, 1 store), offset, bytes, segment bytes, stride bytes."""


def dram_fields(random: Random) -> dict[str, Any]:
    """A random machine with a random DRAM."""
    fields = machine_fields(random)
    standard = random.choice(["DDR4", "HBM2", "GDDR6", "LPDDR5"])
    entries = random.choice([1, 3, 32])
    per_bank = [] if standard == "DDR4" else ["per_bank"]
    fields["memory"] = {
        "standard": standard,
        "channels": random.choice([1, 2, 8]),
        "latency_cycles": random.choice([0, 1, 20]),
        "order": random.choice(["by_channel", "in_order"]),
        "bank_hash": random.choice(["none", "row", "fold"]),
        "port_clock": random.choice([None, "core", "memory", "vector"]),
        "timings": {"nREFI": random.choice([2000, 5000])},
        "controller": {
            "scheduler": random.choice(["frfcfs", "frfcfs", "fcfs"]),
            "refresh": random.choice(["none", "all_bank", *per_bank]),
            "cap_cycles": random.choice([None, 100]),
            "row_policy": random.choice(["open", "closed", "timeout"]),
            "read_entries": entries,
            "write_entries": entries,
        },
    }
    return fields


def transfers_trace(transfers: list[Transfer], after: dict[int, list[int]]) -> CommandTrace:
    """Transfers of one tensor in order; ``after`` maps a transfer to those that it waits for."""
    commands = np.zeros(len(transfers), COMMAND)
    dependencies: list[int] = []
    for index, (direction, offset, size, segment, stride) in enumerate(transfers):
        row = commands[index]
        row["queue"] = (QUEUE_LOAD, QUEUE_STORE)[direction]
        row["opcode"] = (OP_LOAD, OP_STORE)[direction]
        row["offset_bytes"], row["bytes"] = offset, size
        row["segment_bytes"], row["stride_bytes"] = segment, stride
        row["deps_begin"] = len(dependencies)
        dependencies += after.get(index, [])
        row["deps_end"] = len(dependencies)
    tensors = np.zeros(1, TENSOR)
    tensors["bytes"] = TENSOR_BYTES
    return CommandTrace(commands, np.array(dependencies, np.int64), tensors, ("t",), ("transfers",))


def random_trace(random: Random) -> CommandTrace:
    transfers: list[Transfer] = []
    after: dict[int, list[int]] = {}
    for index in range(random.randint(1, 8)):
        size = random.randint(1, 3000)
        segment = random.randint(max(1, size // 20), size)
        stride = segment + random.choice([0, 1, 64, 4096, 8192])
        transfers.append((random.randint(0, 1), random.randrange(1 << 16), size, segment, stride))
        if index and random.random() < 0.4:
            after[index] = [random.randrange(index)]
    return transfers_trace(transfers, after)


@pytest.mark.compiled
class TestDram(UnitContract):
    def scenario(self, seed: int) -> Case:
        random = Random(seed)
        return machine_of(dram_fields(random)), [random_trace(random) for _ in range(3)]


def wide_machine(memory: dict[str, Any], request_bytes: int = 256) -> Any:
    """A machine whose DMA and scratchpads never hold up the memory."""
    pads = {
        name: {"operands": [name], "capacity_kib": 4096, "banks": 1024, "bank_width_bytes": 1024}
        for name in ("ifmap", "filter", "ofmap")
    }
    return machine_of(
        {
            "name": "wide",
            "source": "tests",
            "clocks": {"core": 2_000_000},
            "array": {"rows": 1, "cols": 1, "dataflow": "ws"},
            "buffer": {
                "scratchpads": pads,
                "dma": {"request_bytes": request_bytes, "outstanding": 1024},
            },
            "memory": memory,
        }
    )


def ended(machine: Any, transfers: list[Transfer]) -> System:
    system = System(machine)
    system.load(transfers_trace(transfers, {}))
    assert system.advance() == engine.DONE
    system.flush(system.now_tick)
    return system


def share_of_peak(memory: dict[str, Any], transfer: Transfer) -> float:
    """Bytes a second over those of all data pins."""
    machine = wide_machine(memory)
    system = ended(machine, [transfer])
    seconds = system.now_tick / system.tick_khz / 1000
    peak = machine.memory.bytes_per_cycle * machine.memory.device().clock_khz * 1000
    return float(transfer[2] / seconds / peak)


def test_one_read_takes_the_latencies_of_its_commands() -> None:
    """A cycle to the memory, one to its channel, an activate, a read, its data, the way back."""
    memory = {
        "standard": "DDR4",
        "timings": {"nRCD": 16, "nCL": 17},
        "latency_cycles": 7,
        "controller": {"refresh": "none"},
    }
    machine = wide_machine(memory)
    system = ended(machine, [(0, 0, 64, 64, 64)])
    core, dram = system.ticks_of("core"), system.ticks_of("dram")
    synchroniser = machine.synchroniser_cycles
    seen = -(-1 // dram) * dram + synchroniser * dram
    activate = seen + dram
    data = activate + (16 + 17 + 4) * dram
    answered = -(-(data + 7 * dram) // core) * core + synchroniser * core
    assert system.now_tick == answered + core


def test_bytes_become_bursts() -> None:
    """70 bytes from byte 60 on touch three bursts of 64; all bytes of two segments are counted."""
    system = ended(
        wide_machine({"standard": "DDR4", "bank_hash": "none"}), [(0, 60, 140, 70, 8192)]
    )
    state = system.state
    assert state.fronts["requests"][0] == 2
    assert state.fronts["read_bytes"][0] == 140
    assert state.dram.channels["taken"].sum() == 3 + 3
    assert state.fronts["open"][0] == 0


@pytest.mark.compiled
@pytest.mark.parametrize("order", ["by_channel", "in_order"])
@pytest.mark.parametrize("bank_hash", ["none", "row", "fold"])
def test_each_channel_gets_the_bursts_of_its_addresses(order: str, bank_hash: str) -> None:
    """Against the decoder's plain rules, burst by burst."""
    memory = {"standard": "HBM2", "channels": 4, "order": order, "bank_hash": bank_hash}
    machine = wide_machine(memory)
    system = ended(machine, [(0, 32, 64 * 300, 64, 4096), (1, 1 << 21, 9600, 9600, 9600)])
    expected = np.zeros(4, int)
    bits = machine.memory.address_map().bits
    starts = [32 + 4096 * i for i in range(300)]
    numbers = [start // 32 + i for start in starts for i in range(2)]
    numbers += [(1 << 21) // 32 + i for i in range(300)]
    for number in numbers:
        channel = number % 4
        if bank_hash == "fold":
            for shift in range(2, bits, 2):
                channel ^= number >> shift & 3
        expected[channel] += 1
    assert system.state.dram.channels["taken"].tolist() == expected.tolist()


@pytest.mark.compiled
def test_rows_of_a_matrix_get_the_bandwidth() -> None:
    """A tile of a product whose rows are 4096 bytes apart, over 8 channels: a plain mapping in
    order loses half, hashing or channels apart do not."""
    tile = (0, 0, 1 << 20, 256, 4096)
    base = {"standard": "DDR4", "channels": 8, "controller": {"refresh": "none"}}
    plain = base | {"mapping": "rorabachbgco", "bank_hash": "none", "order": "in_order"}
    assert share_of_peak(plain, tile) < 0.6
    assert share_of_peak(plain | {"order": "by_channel"}, tile) > 0.9
    assert share_of_peak(base | {"bank_hash": "none"}, tile) < 0.4
    assert share_of_peak(base, tile) > 0.95
    assert share_of_peak(base | {"order": "in_order"}, tile) > 0.95


@pytest.mark.compiled
@pytest.mark.parametrize("standard", ["ddr4", "ddr5", "gddr6", "hbm2", "hbm3", "lpddr4", "lpddr5"])
def test_a_sequential_load_gets_the_bandwidth(standard: str) -> None:
    """HBM3 has so many banks that 32 requests do not keep them busy."""
    controller = {"refresh": "none", "read_entries": 64 if standard == "hbm3" else 32}
    memory = {"standard": standard, "channels": 2, "controller": controller}
    size = 1 << 22
    assert share_of_peak(memory, (0, 0, size, size, size)) > 0.98


@pytest.mark.compiled
@pytest.mark.parametrize("port_khz", [1_000_000, 600_000, 70_000, 3_000_000])
def test_a_port_takes_one_burst_an_edge_of_its_clock(port_khz: int) -> None:
    """HBM2 at 1 GHz takes a burst a cycle from a faster clock, one an edge of a slower one."""
    fields = machine_fields(Random(1)) | {"cores": 1}
    fields["clocks"]["port"] = port_khz
    fields["buffer"]["dma"] = {"request_bytes": 256, "outstanding": 64}
    pad = {"operands": ["ifmap", "filter", "ofmap"], "capacity_kib": 64, "banks": 64,
           "bank_width_bytes": 64}  # fmt: skip
    fields["buffer"]["scratchpads"] = {"all": pad}
    fields["memory"] = {"standard": "HBM2", "controller": {"refresh": "none"}, "port_clock": "port"}
    size = 1 << 18
    ns = {}
    for clock in (None, "port"):
        fields["memory"]["port_clock"] = clock
        system = ended(machine_of(fields), [(0, 0, size, size, size)])
        ns[clock] = system.now_tick / system.tick_khz * 1e6
    bursts = size // 32
    fastest = max(ns[None], bursts / port_khz * 1e6)
    assert fastest <= ns["port"] < 1.02 * fastest + 100


def test_the_clock_of_ports_must_be_there() -> None:
    with pytest.raises(InputError, match=r"memory.port_clock must be one of the clocks \(core, "):
        load_machine("systolic_32", ["memory={standard: DDR4, port_clock: nothing}"])


@pytest.mark.compiled
def test_cycles_are_charged_to_what_holds_up_the_data() -> None:
    """One bank, a row each time: rows. One row: bus and data. Short refresh intervals: refresh."""
    base = {"standard": "DDR4", "mapping": "rorabgbachco", "bank_hash": "none"}
    quiet = {"controller": {"refresh": "none"}}
    row_bytes = 8192
    conflicts = ended(wide_machine(base | quiet), [(0, 0, 64 * 200, 64, row_bytes * 16)])
    hits = ended(wide_machine(base | quiet), [(0, 0, row_bytes, row_bytes, row_bytes)])
    often = base | {"timings": {"nREFI": 600}}
    refreshed = ended(wide_machine(often), [(0, 0, row_bytes * 8, row_bytes, row_bytes)])
    shares = []
    for system in (conflicts, hits, refreshed):
        period = system.ticks_of("dram")
        causes = system.state.ticks_by_cause[system.machine.cores * 4 + 1] // period
        named = {cause: int(n) for cause, n in zip(CAUSES, causes, strict=True) if n}
        assert named["busy.transfer"] == system.state.dram.channels["taken"][0] * 4
        shares.append(named)
    assert shares[0]["stall.row"] > 20 * shares[0]["busy.transfer"] / 4
    assert "stall.refresh" not in shares[0]
    # 6 cycles between bursts of a bank group, of which the data take 4.
    assert shares[1]["stall.bus"] == pytest.approx(127 * 2, abs=8)
    assert shares[2]["stall.refresh"] > shares[2]["busy.transfer"]


@pytest.mark.compiled
def test_a_burst_in_front_of_a_full_queue_is_charged() -> None:
    memory = {"standard": "DDR4", "controller": {"read_entries": 1, "refresh": "none"}}
    system = ended(wide_machine(memory), [(0, 0, 1 << 16, 1 << 16, 1 << 16)])
    row = system.state.ticks_by_cause[system.machine.cores * 4]
    assert row[CAUSES.index("stall.queue")] > row.sum() / 2


def test_a_tensor_beyond_the_memory_is_refused() -> None:
    machine = wide_machine({"standard": "DDR4"})
    system = System(machine)
    with pytest.raises(InputError, match=r"tensor t ends at byte 8,589,934,656, beyond .* more"):
        system.load(transfers_trace([(0, (1 << 33) - 64, 128, 128, 128)], {}))


def test_a_policy_of_traces_alone_is_refused() -> None:
    with pytest.raises(InputError, match=r"memory: controller.scheduler: must be frfcfs or fcfs"):
        load_machine(
            "systolic_32", ["memory={standard: DDR4, controller: {scheduler: bank_queues}}"]
        )


@pytest.mark.compiled
def test_more_channels_and_faster_ones_change_a_run() -> None:
    transfer = (0, 0, 1 << 18, 1 << 18, 1 << 18)
    times = [
        ended(wide_machine({"standard": "DDR4", **more}), [transfer]).now_tick / 1.0
        for more in ({}, {"channels": 2}, {"timings": {"nRCD": 30}}, {"latency_cycles": 11})
    ]
    assert len(set(times)) == 4
    assert times[1] < times[0] < times[2]
