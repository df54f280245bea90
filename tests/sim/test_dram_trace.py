"""Addresses, traces over several channels, the numbers of a run, and the log that it writes."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from arch.dram.memory import MemorySystem, load_memory
from arch.errors import InputError
from sim.dram.address import Decoder, bank_place
from sim.dram.commands_file import CommandsFile
from sim.dram.report import as_dict, table
from sim.dram.trace import MemoryRun, iterate, latency_floor, run_trace

REQUEST = np.dtype([("cycle", np.int64), ("address", np.uint64), ("write", np.uint8)])


def work(memory: MemorySystem, count: int, seed: int = 1) -> npt.NDArray[np.void]:
    random = np.random.default_rng(seed)
    requests = np.zeros(count, REQUEST)
    requests["cycle"] = np.arange(count)
    requests["address"] = random.integers(0, memory.address_map().capacity_bytes, count)
    requests["write"] = random.random(count) < 0.3
    return requests


def stream(count: int, step_bytes: int) -> npt.NDArray[np.void]:
    requests = np.zeros(count, REQUEST)
    requests["cycle"] = np.arange(count)
    requests["address"] = np.arange(count) * step_bytes
    return requests


@pytest.mark.parametrize("hashed", [False, True])
def test_addresses_by_plain_rules(hashed: bool) -> None:
    memory = load_memory("hbm2_2000", ["channels=4", "mapping=robacobgpcchco2"])
    device = memory.device()
    addresses = work(memory, 500)["address"]
    found = Decoder(device, memory.address_map(), "row" if hashed else "none").decode(addresses)
    for i, address in enumerate(addresses.tolist()):
        rest = address // 32
        parts = {}
        for name, bits in (("co", 2), ("ch", 2), ("pc", 1), ("bg", 2), ("co2", 3), ("ba", 2)):
            parts[name], rest = rest % 2**bits, rest // 2**bits
        row = rest
        group, bank = parts["bg"], parts["ba"]
        if hashed:
            group ^= row % 4
            bank ^= row // 4 % 4
        assert found["row"][i] == row
        assert found["channel"][i] == parts["ch"]
        assert found["column"][i] == parts["co"] + 4 * parts["co2"]
        assert found["bank"][i] == (parts["pc"] * 4 + group) * 4 + bank
        place = bank_place(device, int(found["bank"][i]))
        assert place == {"pseudo_channel": parts["pc"], "bank_group": group, "bank": bank}


def test_an_address_beyond_the_memory_is_an_error() -> None:
    memory = load_memory("ddr4_2400")
    requests = stream(3, 2**33)
    with pytest.raises(InputError, match=r"0x200000000: must be below 0x200000000, .* 8 GiB"):
        run_trace(memory, [requests])


def test_cycles_must_not_decrease() -> None:
    memory = load_memory("ddr4_2400")
    requests = stream(10, 64)
    requests["cycle"][7] = 2
    with pytest.raises(InputError, match="request 8: its cycle is less"):
        run_trace(memory, iterate(requests, 100))
    with pytest.raises(InputError, match="request 8: its cycle is less"):
        run_trace(memory, iterate(requests, 7))
    with pytest.raises(InputError, match="the trace has no requests"):
        run_trace(memory, [])


@pytest.mark.parametrize("channels", [1, 4])
def test_chunks_do_not_matter(channels: int) -> None:
    memory = load_memory("ddr4_2400", [f"channels={channels}"])
    requests = work(memory, 1500)
    whole = as_dict(run_trace(memory, [requests]))
    assert as_dict(run_trace(memory, iterate(requests, 333))) == whole


@pytest.mark.compiled
def test_channels_share_the_work() -> None:
    one = load_memory("ddr4_2400")
    four = load_memory("ddr4_2400", ["channels=4"])
    requests = work(one, 20_000)
    runs = [run_trace(memory, [requests]) for memory in (one, four)]
    assert [run.total("taken") for run in runs] == [20_000, 20_000]
    assert runs[1].cycles < 0.4 * runs[0].cycles
    assert (
        as_dict(runs[1])["peak_bytes_per_second"] == 4 * as_dict(runs[0])["peak_bytes_per_second"]
    )


def log_of(memory: MemorySystem, requests: npt.NDArray[np.void], path: Path) -> MemoryRun:
    with CommandsFile(path, memory.device()) as sink:
        return run_trace(memory, iterate(requests, 700), log=sink)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(
    "name",
    [
        "ddr4_2400",
        pytest.param("hbm3_6400", marks=pytest.mark.compiled),
        pytest.param("lpddr5_6400", marks=pytest.mark.compiled),
    ],
)
def test_numbers_are_those_of_the_log(name: str, suffix: str, tmp_path: Path) -> None:
    memory = load_memory(name, ["channels=2", "mapping=" + load_memory(name).mapping + "ch"])
    path = tmp_path / f"log{suffix}"
    run = log_of(memory, work(memory, 3000), path)
    log = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    found = as_dict(run)
    assert log.cmd.value_counts().to_dict() == found["commands"]
    assert set(log.channel) == {0, 1}
    columns = log[log.cmd.isin(["RD", "WR"])]
    assert columns[["bg", "bank", "row", "col"]].notna().all(axis=None)
    device = memory.device()
    assert found["bytes_moved"] == len(columns) * device.burst_bytes
    opened = log[log.cmd.isin(["ACT", "ACT2"])]
    assert found["row_misses"] + found["row_conflicts"] >= len(opened) * 0.9
    assert log[log.cmd == "REFab"][["bg", "bank", "row", "col"]].isna().all(axis=None)
    for _, own in log.groupby("channel"):
        assert own.cycle.is_monotonic_increasing
    assert sum(number for _, number in found["read_latency_histogram"]) == found["reads"]


def test_a_log_that_fails_leaves_no_file(tmp_path: Path) -> None:
    memory = load_memory("ddr4_2400")
    requests = stream(3, 2**33)
    with pytest.raises(InputError, match="must be below"):
        log_of(memory, requests, tmp_path / "log.csv")
    assert list(tmp_path.iterdir()) == []


def test_latency_bins() -> None:
    from sim.dram.channel import latency_bin

    floors = [latency_floor(number) for number in range(400)]
    assert floors == sorted(set(floors))
    for cycles in [*range(2000), 10**6, 10**9]:
        floor = latency_floor(latency_bin(cycles))
        assert floor <= cycles < floor + max(1, floor / 16 + 1)


@pytest.mark.compiled
def test_percentiles_are_within_a_bin_of_the_truth() -> None:
    memory = load_memory("ddr4_2400")
    requests = work(memory, 20_000)
    requests["write"] = 0
    run = run_trace(memory, [requests])
    mean = run.total("latency_sum") / run.reads
    weighted = sum(latency_floor(i) * int(n) for i, n in enumerate(run.latencies)) / run.reads
    assert 0.93 * mean < weighted <= mean
    for share in (0.5, 0.9, 0.999):
        bound = run.latency_percentile(share)
        below = sum(int(n) for i, n in enumerate(run.latencies) if latency_floor(i) < bound)
        assert below < share * run.reads


@pytest.mark.compiled
@pytest.mark.parametrize(
    "name", ["ddr4_2400", "ddr5_4800", "gddr6_14000", "hbm2_2000", "hbm3_6400", "lpddr5_6400"]
)
def test_a_stream_gets_the_peak_but_for_refresh(name: str) -> None:
    memory = load_memory(name, ["controller.refresh=none"])
    device = memory.device()
    found = as_dict(run_trace(memory, [stream(100_000, device.burst_bytes)]))
    assert found["bytes_per_second"] > 0.99 * found["peak_bytes_per_second"]


def test_the_table_fits_a_screen() -> None:
    memory = load_memory("ddr4_2400")
    text = table(run_trace(memory, [work(memory, 500)]))
    assert max(map(len, text.splitlines())) <= 96
    assert "bandwidth" in text
    assert "% of 19.2 GB/s" in text
