"""Who gets a token, who waits, and where keys and values go."""

from functools import cache
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arch.errors import InputError
from arch.load import load_machine
from sim.serving.pool import Pool, Room
from sim.serving.requests import Request
from sim.serving.scheduler import Scheduler, Slot, two_halves
from sim.serving.serve import Options, schedule
from traces.mapping.hybrid.block import Block
from traces.mapping.hybrid.placement import estimated_cycles

LENGTHS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), min_size=1, max_size=30)


def room(channels: int = 3, units: int = 20) -> Room:
    return Room(channels, units, lambda tokens: -(-tokens // 4), lambda tokens: tokens, "rows")


def requests(lengths: list[tuple[int, int]]) -> list[Request]:
    return [Request(number, *each) for number, each in enumerate(lengths)]


@given(
    lengths=LENGTHS,
    batch=st.integers(1, 8),
    refill=st.booleans(),
    placement=st.sampled_from(["min_load", "round_robin"]),
)
def test_every_request_gets_its_tokens_once_and_in_a_row(
    lengths: list[tuple[int, int]], batch: int, refill: bool, placement: str
) -> None:
    asked = requests(lengths)
    options = Options(batch, None, 0, refill, placement)  # type: ignore[arg-type]
    record = schedule(iter(asked), room(), options)
    seen: dict[int, list[tuple[int, int, int]]] = {}
    for at, issued in enumerate(record.iterations):
        assert len(issued.slots) <= batch
        taken = [0] * 3
        for slot in issued.slots:
            seen.setdefault(slot.number, []).append((at, slot.length, slot.channel))
            taken[slot.channel] += -(-asked[slot.number].final_tokens // 4)
        assert max(taken) <= 20
    assert record.finished == record.arrived == len(asked)
    assert sum(each.finished for each in record.iterations) == len(asked)
    for request in asked:
        rows = seen[request.number]
        first = rows[0][0]
        assert rows == [
            (first + step, request.input_tokens + step + 1, rows[0][2])
            for step in range(request.output_tokens)
        ]
    starts = [seen[request.number][0][0] for request in asked]
    assert starts == sorted(starts), "who came later began earlier"
    if not refill:
        for start in starts:
            assert not [n for n in seen if seen[n][0][0] < start <= seen[n][-1][0]]


@cache
def of_neupims(channels: int) -> Room:
    """Room for all, with the loads of attention in its channels."""
    memory: Any = load_machine("neupims_device", [f"memory.channels={channels}"]).memory
    shape = Block(hidden=1024, heads=8, head_dim=128, ffn=4096).shape

    def load(tokens: int) -> int:
        return estimated_cycles(memory, shape, tokens)

    return Room(channels, 2**40, lambda _: 1, load, "rows")


@settings(max_examples=60, deadline=None)
@given(lengths=st.lists(st.integers(1, 1500), max_size=80))
def test_min_load_is_near_the_least_and_round_robin_takes_turns(lengths: list[int]) -> None:
    offered = of_neupims(32)
    asked = requests([(length - 1, 1) for length in lengths])
    found = Pool(offered, "min_load").admit(asked, [0] * 32)
    assert len(found) == len(lengths)
    costs = [offered.load(length) for length in lengths]
    loads = [0] * 32
    for channel, cost in zip(found, costs, strict=True):
        loads[channel] += cost
    if lengths:
        # The fullest channel was the emptiest before its last sequence came.
        assert max(loads) <= sum(costs) / 32 + max(costs)
        assert max(loads) - min(loads) <= max(costs)
    turns = Pool(offered, "round_robin", next_channel=5).admit(asked, [0] * 32)
    assert turns == [(5 + at) % 32 for at in range(len(lengths))]


def test_the_longest_sequence_is_placed_first() -> None:
    asked = requests([(511, 1), (511, 1), (1023, 1)])
    assert Pool(of_neupims(2), "min_load").admit(asked, [0, 0]) == [1, 1, 0]


def test_one_that_does_not_fit_yet_waits_and_none_passes_it() -> None:
    # Both channels are taken until request 0 ends; 2 would fit, but came after 1.
    asked = requests([(66, 10), (60, 12), (1, 1)])
    asked.insert(0, Request(9, 66, 4))
    scheduler = Scheduler(iter(asked), Pool(room(2), "min_load"), 4)
    begun = []
    for _ in range(6):
        begun.append([slot.number for slot in scheduler.begin()])
        scheduler.end()
    assert begun == [[9, 0]] * 4 + [[0, 1, 2], [0, 1]]


def test_a_request_larger_than_a_channel_is_refused_with_numbers() -> None:
    scheduler = Scheduler(iter([Request(5, 70, 11)]), Pool(room(), "min_load"), 4)
    with pytest.raises(InputError, match=r"request 5: .* 81 tokens need 21 rows; .* has 20"):
        scheduler.begin()


def test_greedy_gives_the_longest_to_the_least_loaded_channel() -> None:
    queue = requests([(5, 1), (30, 1), (20, 1), (18, 1), (2, 1)])
    assert Pool(room(2, 100), "min_load").admit(queue, [0, 0]) == [0, 0, 1, 1, 0]
    assert Pool(room(2, 100), "min_load").admit(queue, [100, 0]) == [1] * 5
    assert Pool(room(2, 100), "round_robin").admit(queue, [100, 0]) == [0, 1, 0, 1, 0]


def test_round_robin_passes_a_full_channel() -> None:
    pool = Pool(room(2, 10), "round_robin")
    assert pool.admit(requests([(35, 1), (7, 1), (7, 1), (7, 1)]), [0, 0]) == [0, 1, 1, 1]


@pytest.mark.parametrize("split", ["halves", "balanced"])
@given(lengths=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 50)), max_size=24))
def test_two_sub_batches_hold_all_sequences_once(
    split: str, lengths: list[tuple[int, int]]
) -> None:
    slots = [Slot(number, *each) for number, each in enumerate(lengths)]
    first, second = two_halves(slots, split, Pool(room(4), "min_load"))
    assert sorted([*first, *second], key=lambda slot: slot.number) == slots
    if split == "halves":
        counts = [
            (sum(s.channel == channel for s in first), sum(s.channel == channel for s in second))
            for channel in range(4)
        ]
        assert all(abs(a - b) <= 1 for a, b in counts)
        assert abs(len(first) - len(second)) <= 1


@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=9))
def test_balanced_halves_of_a_channel_differ_least(lengths: list[int]) -> None:
    slots = [Slot(number, 0, length) for number, length in enumerate(lengths)]
    parts = two_halves(slots, "balanced", Pool(room(1), "min_load"))
    found = abs(sum(s.length for s in parts[0]) - sum(s.length for s in parts[1]))
    signs = product((-1, 1), repeat=len(lengths))
    best = min(abs(sum(s * n for s, n in zip(sign, lengths, strict=True))) for sign in signs)
    assert found == best


def test_a_warm_up_is_scheduled_but_not_issued() -> None:
    asked = requests([(3, 9)] * 30)
    whole = schedule(iter(asked), room(), Options(4, 12))
    late = schedule(iter(asked), room(), Options(4, 5, warm_up=7))
    assert late.iterations == whole.iterations[7:]
    assert (late.arrived, late.finished) == (whole.arrived, whole.finished)


def test_options_out_of_range_are_refused() -> None:
    for options, message in (
        (Options(0), "--batch 0"),
        (Options(1, 0), "--iterations 0"),
        (Options(1, 1, -1), "--warm-up -1"),
        (Options(1, 1, 50), "leaves no request"),
    ):
        with pytest.raises(InputError, match=message):
            schedule(iter(requests([(1, 2)])), room(), options)
