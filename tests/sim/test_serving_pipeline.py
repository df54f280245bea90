"""Micro-batches through groups of layers."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.serving.pipeline import micro_batches, period_seconds
from sim.serving.scheduler import Slot


def run_events(passes: list[int], stages: int, rounds: int) -> int:
    """When the last micro-batch of the last round leaves the last stage, step by step."""
    free = [0] * stages
    back = [0] * len(passes)
    for _ in range(rounds):
        for batch, seconds in enumerate(passes):
            at = back[batch]
            for stage in range(stages):
                at = max(at, free[stage]) + seconds
                free[stage] = at
            back[batch] = at
    return max(back)


@given(passes=st.lists(st.integers(1, 20), min_size=1, max_size=5), stages=st.integers(1, 5))
def test_the_period_is_that_of_the_schedule_in_the_long_run(passes: list[int], stages: int) -> None:
    rounds = 60
    both = [run_events(passes, stages, each) for each in (rounds, 2 * rounds)]
    assert (both[1] - both[0]) / rounds == pytest.approx(period_seconds(passes, stages))


@given(
    slots=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 99)), min_size=1, max_size=20),
    stages=st.integers(1, 4),
)
def test_micro_batches_share_out_the_sequences_of_each_channel(
    slots: list[tuple[int, int]], stages: int
) -> None:
    batch = [Slot(number, *each) for number, each in enumerate(slots)]
    parts = micro_batches(batch, stages, 4)
    assert Counter(slot for part in parts for slot in part) == Counter(batch)
    assert all(parts)
    assert len(parts) == min(stages, len(batch))
    for channel in range(4):
        sizes = [sum(slot.channel == channel for slot in part) for part in parts]
        assert max(sizes) - min(sizes) <= 1
