"""A channel: skipping, chunks, order, liveness, statistics."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import dram_golden
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arch.dram.controller import Controller
from arch.dram.device import Device
from arch.errors import InputError
from sim.dram.replay import DONE, LOG_FULL, REFILL, Replay, new_replay
from sim.dram.state import LOG, REQUEST

CONFIGS = sorted(dram_golden.PRESETS)


def work(of: Device, count: int, seed: int, *, rows: int = 4, gap: int = 8) -> npt.NDArray[np.void]:
    """Random requests in bursts, a third of them writes, with few rows and addresses."""
    random = np.random.default_rng(seed)
    requests = np.zeros(count, REQUEST)
    gaps = random.integers(0, gap, count) * (random.random(count) < 0.3)
    requests["cycle"] = np.cumsum(gaps)
    requests["bank"] = random.integers(0, of.banks, count)
    requests["row"] = random.integers(0, rows, count)
    requests["column"] = random.integers(0, 4, count)
    requests["write"] = random.random(count) < 1 / 3
    place = (requests["bank"] * of.rows + requests["row"]) * of.columns + requests["column"]
    requests["address"] = place * of.burst_bytes
    return requests


def state_of(replay: Replay) -> dict[str, list[int]]:
    """The whole state but for what says where the kernel paused."""
    state = replay.state
    found = {
        name: np.asarray(getattr(state, name)).ravel().tolist()
        for name in ("ready", "history", "issued", "latencies", "pending")
    }
    found["banks"] = state.banks.tolist()
    for name in state.channel.dtype.names or ():
        if name not in ("cursor", "logged"):
            found[name] = np.asarray(state.channel[name]).ravel().tolist()
    return found


@settings(deadline=None, max_examples=40)
@given(
    config=st.sampled_from(CONFIGS),
    refresh=st.sampled_from(["none", "all_bank"]),
    entries=st.integers(1, 40),
    seed=st.integers(0, 2**32),
    gap=st.sampled_from([1, 8, 300, 20_000]),
)
def test_skipping_is_the_same_as_every_cycle(
    config: str, refresh: str, entries: int, seed: int, gap: int
) -> None:
    device = dram_golden.device(config)
    controller = Controller(refresh=refresh, read_entries=entries, write_entries=entries)  # type: ignore[arg-type]
    requests = work(device, 60 if gap > 300 else 300, seed, gap=gap)
    skipping, every = new_replay(device, controller), new_replay(device, controller)
    assert skipping.log(requests).tolist() == every.log(requests, every=True).tolist()
    assert state_of(skipping) == state_of(every)


@settings(deadline=None, max_examples=30)
@given(
    config=st.sampled_from(CONFIGS),
    seed=st.integers(0, 2**32),
    cuts=st.lists(st.integers(0, 400), max_size=6),
    room=st.integers(2, 60),
)
def test_chunks_of_requests_and_of_the_log_change_nothing(
    config: str, seed: int, cuts: list[int], room: int
) -> None:
    device = dram_golden.device(config)
    requests = work(device, 400, seed, gap=60)
    whole, parts = new_replay(device, Controller()), new_replay(device, Controller())
    expected = whole.log(requests)
    log = []
    bounds = [0, *sorted(cuts), len(requests)]
    for begin, end in pairwise(bounds):
        while True:
            buffer = np.zeros(room, LOG)
            status = parts.run(requests[begin:end], more=end < len(requests), log=buffer)
            log += buffer[: int(parts.state.channel["logged"][0])].tolist()
            if status != LOG_FULL:
                break
        assert status == (REFILL if end < len(requests) else DONE)
        if status == DONE:
            break
    assert log == expected.tolist()
    assert state_of(parts) == state_of(whole)


@pytest.mark.parametrize("config", CONFIGS)
def test_requests_to_one_address_stay_in_order(config: str) -> None:
    device = dram_golden.device(config)
    requests = work(device, 5000, seed=3, rows=1)
    done = np.zeros(len(requests), np.int64)
    replay = new_replay(device, Controller())
    log = np.zeros(50_000, LOG)
    assert replay.run(requests, done=done, log=log) == DONE
    log = log[: int(replay.state.channel["logged"][0])]
    names = np.array(list(device.commands))[log["command"]]
    from_bank = 0
    for address in np.unique(requests["address"]):
        asked = np.flatnonzero(requests["address"] == address)
        first = requests[asked[0]]
        here = (log["bank"] == first["bank"]) & (log["row"] == first["row"])
        here &= log["column"] == first["column"]
        read_cycles = log["cycle"][here & (names == "RD")].tolist()
        write_cycles = log["cycle"][here & (names == "WR")].tolist()
        claims = Counter(
            done[i] - device.read_latency_cycles for i in asked if not requests["write"][i]
        )
        for at, i in enumerate(asked):
            cycle = done[i] - device.read_latency_cycles
            # One that a waiting write serves may end by chance when another's data come.
            if requests["write"][i] or cycle not in read_cycles or claims[cycle] > 1:
                continue
            from_bank += 1
            before = [j for j in asked[:at] if requests["write"][j]]
            after = [j for j in asked[at:] if requests["write"][j]]
            # The last write before has gone to the bank, alone or with one that waited already.
            assert not before or any(done[before[-1]] - 1 <= w < cycle for w in write_cycles)
            assert not after or done[after[0]] > cycle
    assert from_bank > 1000
    assert replay.state.channel["forwarded"] > 50
    assert replay.state.channel["coalesced"] > 10


@pytest.mark.parametrize("refresh", ["none", "all_bank"])
@pytest.mark.parametrize("config", ["ddr4_2400R", "hbm2_2000", "lpddr5_6400"])
def test_every_request_is_served_once(config: str, refresh: str) -> None:
    device = dram_golden.device(config)
    requests = work(device, 20_000, seed=5)
    done = np.full(len(requests), -1, np.int64)
    replay = new_replay(device, Controller(refresh=refresh))  # type: ignore[arg-type]
    assert replay.run(requests, done=done) == DONE
    assert (done > requests["cycle"]).all()
    channel, issued = replay.state.channel[0], replay.state.issued
    names = list(device.commands)
    served = {name: int(issued[names.index(name)]) for name in ("RD", "WR")}
    writes = int(requests["write"].sum())
    assert served["RD"] + channel["forwarded"] == len(requests) - writes
    assert served["WR"] + channel["coalesced"] == writes
    hits = channel["hits"] + channel["misses"] + channel["conflicts"]
    assert hits.tolist() == [served["RD"], served["WR"]]


def test_the_input_that_stops_a_peer_for_ever_ends() -> None:
    device = dram_golden.device("ddr4_2400R")
    requests = dram_golden.requests("deadlock", device)
    replay = new_replay(device, Controller(refresh="none", hazards="unordered"))
    done = np.zeros(len(requests), np.int64)
    assert replay.run(requests, done=done) == DONE
    assert done.max() == 20460
    ordered = new_replay(device, Controller(refresh="none"))
    assert ordered.run(requests) == DONE


def test_latencies_are_from_arrival_to_data() -> None:
    device = dram_golden.device("ddr4_2400R")
    requests = dram_golden.requests("paced_rand", device)
    done = np.zeros(len(requests), np.int64)
    replay = new_replay(device, Controller(refresh="none"))
    replay.run(requests, done=done)
    reads = requests["write"] == 0
    latencies = done[reads] - requests["cycle"][reads]
    channel = replay.state.channel[0]
    assert channel["latency_sum"] == latencies.sum()
    assert replay.state.latencies.sum() == reads.sum()
    assert channel["last_done"] == done[reads].max()
    # Closed bank: activate, read, data; the peer's clock is one ahead of the arrival.
    assert latencies.min() >= device.read_latency_cycles + 1


def test_refreshes_come_at_their_interval() -> None:
    device = dram_golden.device("ddr4_2400R")
    requests = work(device, 200, seed=1, gap=20_000)
    replay = new_replay(device, Controller())
    log = replay.log(requests)
    names = np.array(list(device.commands))[log["command"]]
    cycles = log["cycle"][names == "REFab"]
    interval = device.timings["nREFI"]
    assert len(cycles) == int(replay.state.channel["now"][0]) // interval
    assert ((cycles - interval * np.arange(1, len(cycles) + 1)) < device.timings["nRC"] + 60).all()


def test_a_device_without_a_refresh_of_all_banks_says_so() -> None:
    device = dram_golden.device("ddr4_2400R")
    commands = {name: c for name, c in device.commands.items() if name != "REFab"}
    rules = tuple(r for r in device.rules if "REFab" not in (r.preceding, r.following))
    with pytest.raises(InputError, match="has no command REFab for refresh .all_bank."):
        new_replay(replace(device, commands=commands, rules=rules), Controller())
