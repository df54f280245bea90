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
from arch.dram.memory import load_memory
from arch.errors import InputError
from sim.dram.picking import first_of
from sim.dram.replay import DONE, LOG_FULL, REFILL, Replay
from sim.dram.replays import new_replay
from sim.dram.state import LOG, REQUEST
from sim.dram.tables import NEVER, REFRESHES

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


@st.composite
def controllers(draw: st.DrawFn, config: str) -> Controller:
    known = dram_golden.device(config).commands
    turns = [name for name, command in REFRESHES.items() if command in known]
    entries = draw(st.integers(1, 40))
    return Controller(
        scheduler=draw(st.sampled_from(["frfcfs", "fcfs"])),
        cap_cycles=draw(st.sampled_from([None, 1, 50, 1000])),
        row_policy=draw(st.sampled_from(["open", "closed", "timeout"])),
        timeout_cycles=draw(st.integers(1, 300)),
        refresh=draw(st.sampled_from(["none", *turns])),
        postponed_refreshes=draw(st.integers(0, 7)),
        hazards=draw(st.sampled_from(["ordered", "unordered"])),
        read_entries=entries,
        write_entries=entries,
    )


@pytest.mark.compiled
@settings(deadline=None, max_examples=150)
@given(
    data=st.data(),
    config=st.sampled_from(CONFIGS),
    seed=st.integers(0, 2**32),
    gap=st.sampled_from([1, 8, 300, 20_000]),
)
def test_skipping_is_the_same_as_every_cycle(
    data: st.DataObject, config: str, seed: int, gap: int
) -> None:
    device = dram_golden.device(config)
    controller = data.draw(controllers(config))
    requests = work(device, 60 if gap > 300 else 300, seed, gap=gap)
    skipping, every = new_replay(device, controller), new_replay(device, controller)
    assert skipping.log(requests).tolist() == every.log(requests, every=True).tolist()
    assert state_of(skipping) == state_of(every)


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


@pytest.mark.compiled
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


@pytest.mark.compiled
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
    with pytest.raises(InputError, match="has no command REFab for refresh"):
        new_replay(replace(device, commands=commands, rules=rules), Controller())


@pytest.mark.compiled
@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("scheduler", ["frfcfs", "fcfs"])
def test_random_hazards_end(config: str, scheduler: str) -> None:
    device = dram_golden.device(config)
    requests = work(device, 60_000, seed=11, rows=3)
    done = np.zeros(len(requests), np.int64)
    controller = Controller(scheduler=scheduler, cap_cycles=3000)  # type: ignore[arg-type]
    assert new_replay(device, controller).run(requests, done=done) == DONE
    assert (done > requests["cycle"]).all()


@pytest.mark.compiled
def test_a_row_that_is_hit_for_ever_lets_another_in() -> None:
    device = dram_golden.device("ddr4_2400R")
    requests = np.zeros(20_000, REQUEST)
    requests["cycle"] = np.arange(len(requests))
    requests["column"] = np.arange(len(requests)) % device.columns
    requests["address"] = np.arange(len(requests)) * 64
    requests["row"][5] = 1
    waits = []
    for cap in (None, 2000):
        replay = new_replay(device, Controller(refresh="none", cap_cycles=cap))
        done = np.zeros(len(requests), np.int64)
        replay.run(requests, done=done)
        waits.append(int(done[5]))
    assert waits[0] > 100_000
    assert waits[1] < 2000 + 32 * device.timings["nCCDL"] + device.timings["nRC"]


@pytest.mark.compiled
def test_a_lone_write_is_drained_and_a_lone_read_gets_through() -> None:
    device = dram_golden.device("ddr4_2400R")
    for write in (0, 1):
        requests = np.zeros(20_000, REQUEST)
        requests["cycle"] = np.arange(len(requests))
        requests["column"] = np.arange(len(requests)) % device.columns
        requests["row"] = np.arange(len(requests)) // device.columns
        requests["address"] = np.arange(len(requests)) * 64
        requests["write"] = 1 - write
        requests["write"][100] = write
        done = np.zeros(len(requests), np.int64)
        replay = new_replay(device, Controller(refresh="none", cap_cycles=500))
        replay.run(requests, done=done)
        assert done[100] < 3000


@pytest.mark.compiled
def test_the_oldest_alone_is_slower_than_the_oldest_that_is_ready() -> None:
    device = dram_golden.device("ddr4_2400R")
    requests = dram_golden.requests("mix21", device)
    ends = []
    for scheduler in ("frfcfs", "fcfs"):
        replay = new_replay(device, Controller(scheduler=scheduler, refresh="none"))  # type: ignore[arg-type]
        replay.run(requests)
        ends.append(int(replay.state.channel["now"][0]))
    assert ends[1] > 1.3 * ends[0]


def test_rows_close_when_no_request_waits_for_them() -> None:
    device = dram_golden.device("ddr4_2400R")
    requests = np.zeros(2, REQUEST)
    requests["cycle"] = [0, 1000]
    requests["row"] = [0, 1]
    names = np.array(list(device.commands))
    timings = device.timings
    read = 1 + timings["nRCD"]
    expected = {
        "open": (1001, 1001 + timings["nRP"]),
        "closed": (1 + timings["nRAS"], 1001),
        "timeout": (read + 200, 1001),
    }
    for policy, (close, activate) in expected.items():
        controller = Controller(refresh="none", row_policy=policy, timeout_cycles=200)  # type: ignore[arg-type]
        log = new_replay(device, controller).log(requests)
        closes = log["cycle"][names[log["command"]] == "PREpb"]
        activates = log["cycle"][names[log["command"]] == "ACT"]
        assert (closes[0], activates[1]) == (close, activate), policy


@pytest.mark.parametrize("config", ["gddr6_14000_1250mV", "hbm2_2000", "lpddr5_6400"])
def test_banks_are_refreshed_in_turn(config: str) -> None:
    device = dram_golden.device(config)
    requests = work(device, 400, seed=1, gap=4000)
    log = new_replay(device, Controller(refresh="per_bank")).log(requests)
    banks = log["bank"][np.array(list(device.commands))[log["command"]] == "REFpb"]
    node = 16
    for first in range(0, device.banks, node):
        turn = banks[(banks >= first) & (banks < first + node)]
        assert len(turn) > 3 * node
        assert (np.diff(turn) % node == 1).all()


@pytest.mark.compiled
def test_one_bank_of_every_group_is_refreshed_in_turn() -> None:
    """While it is, banks of other numbers are activated."""
    device = dram_golden.device("ddr5_4800B")
    requests = work(device, 20_000, seed=1, gap=40)
    log = new_replay(device, Controller(refresh="same_bank")).log(requests)
    names = np.array(list(device.commands))[log["command"]]
    cycles, turn = (log[field][names == "REFsb"] for field in ("cycle", "bank"))
    assert len(turn) > 50
    assert (turn == np.arange(len(turn)) % 4).all()
    assert cycles[-1] / len(turn) == pytest.approx(device.timings["nREFI"] / 4, rel=0.02)
    opened = log[(names == "ACT") & (log["cycle"] > cycles[0])]
    before = np.searchsorted(cycles, opened["cycle"], side="right") - 1
    since = opened["cycle"] - cycles[before]
    same = opened["bank"] % 4 == turn[before]
    assert since[same].min() >= device.timings["nRFCsb"] - 1
    assert since[~same].min() < device.timings["nRFCsb"] / 2


@pytest.mark.compiled
def test_refreshes_wait_while_there_are_requests() -> None:
    device = dram_golden.device("ddr4_2400R")
    requests = work(device, 10_000, seed=1, gap=1)
    names = np.array(list(device.commands))
    firsts = []
    for postponed in (0, 3):
        controller = Controller(postponed_refreshes=postponed)
        log = new_replay(device, controller).log(requests)
        firsts.append(int(log["cycle"][names[log["command"]] == "REFab"][0]))
    interval = device.timings["nREFI"]
    assert interval <= firsts[0] < 1.1 * interval
    assert 4 * interval <= firsts[1] < 4.1 * interval


def test_lpddr5_has_one_rank() -> None:
    memory = load_memory("lpddr5_6400", ["levels.rank=2"])
    with pytest.raises(InputError, match="must be 1 in LPDDR5, not 2"):
        new_replay(memory.device(), memory.controller)


@settings(deadline=None, max_examples=300)
@given(
    waits=st.lists(
        st.one_of(st.integers(-50, 50), st.integers(-50, 1 << 23), st.just(NEVER)),
        min_size=0, max_size=300,
    ),
    data=st.data(),
)  # fmt: skip
def test_the_first_of_a_list_is_the_oldest_that_may_go_soonest(
    waits: list[int], data: st.DataObject
) -> None:
    count, now, taken = len(waits), 1000, 1 << 35
    ages = st.one_of(st.integers(1, 400), st.integers(1, 1 << 34))
    orders = [taken - age for age in data.draw(st.lists(ages, min_size=count, max_size=count,
                                                        unique=True))]  # fmt: skip
    ready = np.array([min(NEVER, now + wait) for wait in waits] + [0], np.int64)
    keys = np.zeros((4, 2, max(1, count)), np.int64)
    keys[0, 1, :count] = range(count)
    keys[2, 1, :count] = orders
    soonest = [max(now, int(when)) for when in ready[:-1]]
    when, found = first_of(keys, ready, 0, 1, count, now, taken)
    assert when == min(soonest, default=NEVER)
    may = [i for i in range(count) if soonest[i] == when]
    # Entries that four billion requests have passed are all the same age.
    aged = [i for i in may if taken - orders[i] >= 1 << 32]
    assert found in (aged or [min(may, key=lambda i: orders[i], default=-1)])
