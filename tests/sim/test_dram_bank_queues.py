"""A controller with a command queue for each bank: skipping, order, liveness, its own rules."""

from bisect import bisect_left
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import dram_golden
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from queue_cases import assert_kept

from arch.dram.controller import Controller
from arch.dram.device import Device
from arch.dram.memory import load_memory
from arch.errors import InputError
from sim.dram.bank_queues_replay import QueuesReplay
from sim.dram.bank_queues_state import HITS, SHARING
from sim.dram.replay import DONE, LOG_FULL, REFILL
from sim.dram.replays import new_replay
from sim.dram.state import LOG, REQUEST
from sim.dram_check.check import Checker
from sim.dram_check.rules import CODES
from sim.dram_check.tables import resolve
from tests.dram_campaign import JUDGES, NAMES, RANKED, judged, traffic

CONFIGS = sorted(set(dram_golden.PRESETS) - {"lpddr5_6400"})


def controller(**settings: Any) -> Controller:
    return Controller(scheduler="bank_queues", **settings)


def channel(of: Device, **settings: Any) -> QueuesReplay:
    replay = new_replay(of, controller(**settings))
    assert isinstance(replay, QueuesReplay)
    return replay


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


def whole_state(replay: QueuesReplay) -> dict[str, Any]:
    """All but what says where the kernel paused."""
    found = {
        name: np.asarray(array).tolist()
        for part in (replay.state, replay.queues)
        for name, array in vars(part).items()
        if name not in ("channel", "finished")
    }
    for name in replay.state.channel.dtype.names or ():
        if name not in ("cursor", "logged"):
            found[name] = np.asarray(replay.state.channel[name]).tolist()
    return found


def ddr4(count: int, **columns: Any) -> npt.NDArray[np.void]:
    """Requests to DDR4, one a cycle, with what is given."""
    of = dram_golden.device("ddr4_2400R")
    requests = np.zeros(count, REQUEST)
    requests["cycle"] = np.arange(count)
    for name, values in columns.items():
        requests[name] = values
    place = (requests["bank"] * of.rows + requests["row"]) * of.columns + requests["column"]
    requests["address"] = place
    return requests


def commands(replay: QueuesReplay, requests: npt.NDArray[np.void]) -> list[tuple[int, str, int]]:
    """Cycle, name and bank of each."""
    names = list(replay.device.commands)
    return [
        (int(one["cycle"]), names[one["command"]], int(one["bank"])) for one in replay.log(requests)
    ]


@st.composite
def controllers(draw: st.DrawFn) -> Controller:
    cap = draw(st.sampled_from([None, 1, 50, 1000]))
    return controller(
        cap_cycles=cap,
        hazards="ordered" if cap is None else draw(st.sampled_from(["ordered", "unordered"])),
        refresh=draw(st.sampled_from(["none", "all_bank"])),
        bank_entries=draw(st.integers(1, 9)),
        read_entries=draw(st.integers(1, 40)),
        write_entries=draw(st.integers(1, 40)),
    )


@given(
    policy=controllers(),
    config=st.sampled_from(CONFIGS),
    seed=st.integers(0, 2**32),
    gap=st.sampled_from([1, 8, 300, 20_000]),
)
def test_skipping_is_the_same_as_every_cycle(
    policy: Controller, config: str, seed: int, gap: int
) -> None:
    of = dram_golden.device(config)
    requests = work(of, 60 if gap > 300 else 300, seed, gap=gap)
    skipping, every = channel(of, **own(policy)), channel(of, **own(policy))
    assert skipping.log(requests).tolist() == every.log(requests, every=True).tolist()
    assert whole_state(skipping) == whole_state(every)


def own(policy: Controller) -> dict[str, Any]:
    return {name: getattr(policy, name) for name in policy.model_fields_set - {"scheduler"}}


@pytest.mark.compiled
def test_skipping_stops_where_a_queued_command_has_waited_for_long() -> None:
    """Few banks with many turns between reads and writes: there the cap, and nothing else, lets a
    row close."""
    for seed in range(30):
        random = np.random.default_rng(seed)
        requests = ddr4(
            300,
            cycle=np.cumsum(random.integers(0, 8, 300) * (random.random(300) < 0.3)),
            bank=random.integers(0, 2, 300),
            row=random.integers(0, 2, 300),
            column=random.integers(0, 16, 300),
            write=random.random(300) < 0.4,
        )
        of = dram_golden.device("ddr4_2400R")
        logs = [
            channel(of, cap_cycles=120, write_entries=4, refresh="none").log(requests, every=every)
            for every in (False, True)
        ]
        assert logs[0].tolist() == logs[1].tolist()


@given(
    config=st.sampled_from(CONFIGS),
    seed=st.integers(0, 2**32),
    cuts=st.lists(st.integers(0, 400), max_size=6),
    room=st.integers(2, 60),
)
def test_chunks_of_requests_and_of_the_log_change_nothing(
    config: str, seed: int, cuts: list[int], room: int
) -> None:
    of = dram_golden.device(config)
    requests = work(of, 400, seed, gap=60)
    whole, parts = channel(of), channel(of)
    expected = whole.log(requests)
    log = []
    for begin, end in pairwise([0, *sorted(cuts), len(requests)]):
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
    assert whole_state(parts) == whole_state(whole)


@pytest.mark.compiled
@pytest.mark.parametrize("hazards", ["ordered", "unordered"])
@pytest.mark.parametrize("config", CONFIGS)
def test_a_read_has_what_was_written_last_before_it(config: str, hazards: str) -> None:
    of = dram_golden.device(config)
    requests = work(of, 4000, seed=3, rows=1)
    replay = channel(of, hazards=hazards, cap_cycles=2000)
    done, log = np.zeros(len(requests), np.int64), np.zeros(50_000, LOG)
    assert replay.run(requests, done=done, log=log) == DONE
    log = log[: int(replay.state.channel["logged"][0])]
    names = np.array(list(of.commands))[log["command"]]
    # Requests are taken in their order, and a write ends two cycles after.
    all_writes = np.flatnonzero(requests["write"])
    taken = np.concatenate([[-1], done[all_writes] - 2, [done.max() + 1]])
    from_bank = from_write = 0
    for address in np.unique(requests["address"]):
        asked = np.flatnonzero(requests["address"] == address)
        first = requests[asked[0]]
        here = (log["bank"] == first["bank"]) & (log["row"] == first["row"])
        here &= log["column"] == first["column"]
        stores = log["cycle"][here & (names == "WR")].tolist()
        loads = set(log["cycle"][here & (names == "RD")].tolist())
        writes = [i for i in asked if requests["write"][i]]
        stored = {i: stores[bisect_left(stores, done[i] - 1)] for i in writes}
        for i in set(asked) - set(writes):
            before, after = [j for j in writes if j < i], [j for j in writes if j > i]
            load = int(done[i] - of.read_latency_cycles)
            place = bisect_left(all_writes, i)
            if taken[place] < done[i] - 2 < taken[place + 1]:
                # When it was taken: that write served it, if no load has these data by chance.
                assert load in loads or stored[before[-1]] > done[i] - 2
                from_write += 1
                continue
            from_bank += 1
            assert load in loads
            assert not before or stored[before[-1]] < load
            assert not after or stored[after[0]] > load
    assert from_write < replay.state.channel["forwarded"] + 100
    assert from_bank > 800
    assert replay.state.channel["forwarded"] > 50
    assert replay.state.channel["coalesced"] > 10


@pytest.mark.compiled
@pytest.mark.parametrize("refresh", ["none", "all_bank"])
@pytest.mark.parametrize("config", CONFIGS)
def test_every_request_is_served_once(config: str, refresh: str) -> None:
    of = dram_golden.device(config)
    requests = work(of, 20_000, seed=5)
    done = np.full(len(requests), -1, np.int64)
    replay = channel(of, refresh=refresh)
    assert replay.run(requests, done=done) == DONE
    assert (done > requests["cycle"]).all()
    state, issued = replay.state.channel[0], replay.state.issued
    names = list(of.commands)
    served = {name: int(issued[names.index(name)]) for name in ("RD", "WR")}
    writes = int(requests["write"].sum())
    shared = int(replay.queues.arbiter["shared"][0])
    assert shared > 0
    assert served["RD"] + state["forwarded"] + shared == len(requests) - writes
    assert served["WR"] + state["coalesced"] == writes
    assert state["served"].tolist() == [served["RD"], served["WR"]]
    rows = state["hits"] + state["misses"] + state["conflicts"]
    assert rows.tolist() == [served["RD"], served["WR"]]
    assert replay.state.latencies.sum() == len(requests) - writes
    # All that was lent is back.
    assert replay.queues.marks.sum() == 0
    assert replay.queues.queue["count"].sum() == 0


@pytest.mark.compiled
@pytest.mark.parametrize("cap_cycles", [None, 40])
def test_what_queues_keep_is_what_their_commands_say(cap_cycles: int | None) -> None:
    of = dram_golden.device("ddr4_2400R")
    requests = work(of, 1500, seed=9)
    replay = channel(of, refresh="all_bank", hazards="ordered", cap_cycles=cap_cycles)
    own, log = replay.queues, np.zeros(3, LOG)
    most = pauses = 0
    while replay.run(requests, log=log) == LOG_FULL:
        assert_kept(own.arbiter, replay.state.banks, own.entries, own.queue, own.queues)
        most = max(most, int(own.queue["count"].max()))
        pauses += 1
    assert most >= 4
    assert pauses > 1000


def test_after_four_hits_another_row_may_close_the_row() -> None:
    of = dram_golden.device("ddr4_2400R")
    hits = 12
    requests = ddr4(hits, column=np.arange(hits), row=[0, 1, *[0] * (hits - 2)])
    given_ = [name for _, name, _ in commands(channel(of, refresh="none"), requests)]
    # The queue of 8 holds the other row second, and first once the first read has gone; later
    # hits follow more closely than a precharge may follow a read, so only a gap lets it in.
    assert given_.count("PREpb") == 1
    assert given_.index("PREpb") >= 1 + HITS
    slow = ddr4(8, column=np.arange(8), row=[0, 1, *[0] * 6])
    slow["cycle"][4:] += 200
    given_ = [name for _, name, _ in commands(channel(of, refresh="none"), slow)]
    assert given_[:5] == ["ACT", "RD", "RD", "RD", "PREpb"]


def test_few_writes_wait_until_the_cap() -> None:
    of = dram_golden.device("ddr4_2400R")
    writes = ddr4(8, column=np.arange(8), write=1)
    later = ddr4(1, column=20, row=5)
    later["cycle"] = 5000
    requests = np.concatenate([writes, later])
    for cap, first in ((None, None), (600, 600), (3000, 3000)):
        replay = channel(of, refresh="none", cap_cycles=cap)
        done = np.zeros(len(requests), np.int64)
        log = np.zeros(100, LOG)
        assert replay.run(requests, done=done, log=log) == DONE
        names = np.array(list(of.commands))[log["command"][: replay.state.channel["logged"][0]]]
        assert (names == "WR").sum() == (0 if cap is None else 8)
        # They have ended long before, two cycles after each was taken.
        assert done[:8].tolist() == [2, 3, 4, 5, 6, 7, 8, 9]
        if first is not None:
            assert log["cycle"][0] == first + 1


def test_nine_writes_are_drained_when_no_command_waits() -> None:
    of = dram_golden.device("ddr4_2400R")
    replay = channel(of, refresh="none", cap_cycles=None)
    given_ = commands(replay, ddr4(9, column=np.arange(9), write=1))
    assert [name for _, name, _ in given_] == ["ACT", *["WR"] * 9]
    # The ninth is taken in cycle 8 and seen in 9, when the first moves.
    assert given_[0][0] == 10


def test_reads_share_the_data_of_one_as_far_as_there_is_room() -> None:
    of = dram_golden.device("ddr4_2400R")
    # Conflicts of one bank go first.
    busy, sharing = 14, SHARING + 40
    rows = np.concatenate([np.arange(1, busy + 1), np.zeros(sharing)])
    replay = channel(of, refresh="none")
    requests = ddr4(busy + sharing, row=rows)
    done = np.full(len(requests), -1, np.int64)
    assert replay.run(requests, done=done) == DONE
    ends = done[busy:]
    assert (ends[: SHARING + 1] == ends[0]).all()
    assert ends[0] > len(requests)
    assert (ends[SHARING + 1 :] > ends[0]).all()
    reads = int(replay.state.issued[list(of.commands).index("RD")])
    assert reads > busy + 1
    assert reads + int(replay.queues.arbiter["shared"][0]) == len(requests)


@pytest.mark.compiled
def test_a_row_that_is_hit_for_ever_lets_another_in() -> None:
    of = dram_golden.device("ddr4_2400R")
    requests = ddr4(20_000, column=np.arange(20_000) % of.columns)
    requests["address"] = np.arange(len(requests))
    requests["row"][5] = 1
    waits = []
    for cap in (None, 2000):
        replay = channel(of, refresh="none", cap_cycles=cap)
        done = np.zeros(len(requests), np.int64)
        replay.run(requests, done=done)
        waits.append(int(done[5]))
    assert waits[0] > 100_000
    assert waits[1] < 2000 + 2 * of.timings["nRC"]


@pytest.mark.compiled
def test_a_write_among_reads_without_end_is_drained() -> None:
    of = dram_golden.device("ddr4_2400R")
    count = 20_000
    at = np.arange(count)
    requests = ddr4(count, column=at % of.columns, row=at // of.columns % 4, bank=at % 2)
    requests["address"] = at
    requests["write"][100] = 1
    for cap, latest in ((None, None), (500, 3000)):
        replay = channel(of, refresh="none", cap_cycles=cap)
        log = replay.log(requests)
        names = np.array(list(of.commands))[log["command"]]
        stores = log["cycle"][names == "WR"]
        if latest is None:
            assert len(stores) == 0
        else:
            assert len(stores) == 1
            assert stores[0] < latest


@pytest.mark.compiled
@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("hazards", ["ordered", "unordered"])
def test_random_hazards_end(config: str, hazards: str) -> None:
    of = dram_golden.device(config)
    requests = work(of, 60_000, seed=11, rows=3)
    done = np.zeros(len(requests), np.int64)
    replay = channel(of, hazards=hazards, cap_cycles=3000)
    assert replay.run(requests, done=done) == DONE
    assert (done > requests["cycle"]).all()


@pytest.mark.parametrize("ranks", [1, 2])
def test_each_rank_is_refreshed_in_turn(ranks: int) -> None:
    of = load_memory("ddr4_2400", [f"levels.rank={ranks}"]).device()
    given_ = commands(channel(of), work(of, 300, seed=1, gap=2000))
    refreshes = [(cycle, bank) for cycle, name, bank in given_ if name == "REFab"]
    assert len(refreshes) > 10
    gap = of.timings["nREFI"] // ranks
    for number, (cycle, bank) in enumerate(refreshes):
        assert bank == number % ranks * 16
        assert 0 <= cycle - (number + 1) * gap < of.timings["nRC"] + 100
    # Only banks that are open are closed, one after the other.
    assert "PREab" not in {name for _, name, _ in given_}


@pytest.mark.compiled
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", sorted(set(JUDGES) - {"lpddr5_6400"}))
def test_every_command_is_legal(name: str, seed: int) -> None:
    random = Random(seed)
    memory = load_memory(name, ["levels.rank=2"] if name in RANKED and seed == 2 else [])
    of = memory.device()
    replay = channel(
        of,
        cap_cycles=random.choice((100, 10_000)),
        hazards=random.choice(("ordered", "unordered")),
        bank_entries=random.choice((1, 8, 16)),
        read_entries=random.choice((4, 32, 64)),
        write_entries=random.choice((4, 32, 64)),
    )
    kinds = np.array([CODES[NAMES.get(command, command)] for command in of.commands])
    checker = Checker(resolve(*JUDGES[name]), refresh=True)
    assert checker.feed(judged(memory, replay.log(traffic(memory, seed, 45_000)), kinds)) == -1
    report = checker.report()
    assert report.total == 0, [str(each) for each in report.violations[:3]]
    assert report.commands > 50_000


def test_devices_that_open_rows_in_two_steps_are_refused() -> None:
    with pytest.raises(InputError, match="bank_queues cannot open rows in two steps; must be"):
        new_replay(dram_golden.device("lpddr5_6400"), controller())


def test_more_banks_than_a_transaction_can_name_are_refused() -> None:
    device = dram_golden.device("ddr4_2400R")
    wide = replace(device, sizes=(1, 256, 256, 2))
    with pytest.raises(InputError, match="drives 65536 banks a channel at most, not 131072"):
        new_replay(wide, controller())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("refresh=per_bank", "refresh: must be all_bank or none with scheduler bank_queues, not"),
        ("row_policy=closed", "row_policy: must be open with scheduler bank_queues"),
        ("postponed_refreshes=2", "postponed_refreshes: must be 0 with scheduler bank_queues"),
        ("drain_high=0.9", "drain_high: must be 0.8 with scheduler bank_queues"),
        ("drain_low=0.1", "drain_low: must be 0.2 with scheduler bank_queues"),
        ("bank_entries=0", "bank_entries: given 0"),
    ],
)
def test_what_it_does_not_follow_is_refused(setting: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_memory("ddr4_2400", ["controller.scheduler=bank_queues", f"controller.{setting}"])
