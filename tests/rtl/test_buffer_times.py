"""The register model's service times are those of the simulator's closed forms."""

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.buffer import registers
from sim.buffer.ports import cycles_until_free, free_since_start
from sim.buffer.registers import ADVANCE, ADVANCE_VALID, DRAIN, FILL, FILL_VALID, drain_valid_at
from sim.contract import NEVER

DEMAND_AT = 2
"""Cycle of the first access: a tile without lines is filled in cycle 0, swapped in cycle 1, and
the first beat is accepted then."""

demands = st.tuples(st.integers(1, 6), st.integers(0, 20), st.integers(1, 5)).filter(
    lambda d: d[1] <= d[0] * d[2]
)
"""Accesses that are served a cycle, accesses of a beat, cycles of a beat."""


def run(
    demand: tuple[int, int, int], since: int, filled: int, drained: int, double: bool = True
) -> Iterator[tuple[int, int]]:
    """Lines of the fill and of the drain in each cycle of a demand; both bursts are served from
    cycle ``since`` on."""
    capacity, accesses, advance_cycles = demand
    model = registers.model(capacity, 1, 64, double)
    state = model.state[0]
    for cycle in range(10_000):
        stimulus = np.zeros(model.stimulus_size, np.int64)
        if cycle == 0:
            stimulus[FILL_VALID] = stimulus[FILL + 2] = 1
        if cycle >= DEMAND_AT - 1 and (cycle - DEMAND_AT + 1) % advance_cycles == 0:
            stimulus[ADVANCE_VALID] = 1
            stimulus[ADVANCE], stimulus[ADVANCE + 2] = accesses - accesses // 3, accesses // 3
        if cycle == DEMAND_AT - 1 + since:
            stimulus[FILL_VALID] = stimulus[drain_valid_at(model.config[0])] = 1
            stimulus[FILL], stimulus[DRAIN] = filled, drained
        registers.decide(model.config[0], state)
        if cycle >= DEMAND_AT:
            yield int(state["fill_count"]), int(state["drain_count"])
        if stimulus[ADVANCE_VALID]:
            assert state["advance_ready"], "a beat took longer than its cycles"
        if cycle == DEMAND_AT - 1 + since:
            assert state["fill_ready"]
            assert state["drain_ready"]
        registers.step(*model.arrays, stimulus, 0)


@given(
    demand=demands, since=st.integers(0, 30), filled=st.integers(1, 60), drained=st.integers(1, 60)
)
def test_bursts_take_the_cycles_of_the_closed_form(
    demand: tuple[int, int, int], since: int, filled: int, drained: int
) -> None:
    fill_ends = cycles_until_free(*demand, since, filled)
    drain_ends = cycles_until_free(*demand, since, filled + drained)
    if fill_ends == NEVER:
        assert demand[1] == demand[0] * demand[2]
        cycles = run(demand, since, filled, drained)
        assert all(next(cycles) == (0, 0) for _ in range(200))
        return
    left = [filled, drained]
    ends = [0, 0]
    for cycle, served in enumerate(run(demand, since, filled, drained)):
        for side in range(2):
            left[side] -= served[side]
            if served[side]:
                ends[side] = cycle + 1
        if left == [0, 0]:
            break
    assert ends == [fill_ends, drain_ends]


@given(demand=demands, cycles=st.integers(0, 60))
def test_what_the_array_leaves_free_is_the_closed_form(
    demand: tuple[int, int, int], cycles: int
) -> None:
    counts = run(demand, 0, 0, 10**6)
    assert sum(next(counts)[1] for _ in range(cycles)) == free_since_start(*demand, cycles)


@given(demand=demands, double=st.booleans())
def test_a_beat_takes_as_many_cycles_as_it_must(demand: tuple[int, int, int], double: bool) -> None:
    capacity, accesses, _ = demand
    advance_cycles = max(1, -(-accesses // capacity))
    model = registers.model(capacity, 1, 64, double)
    state = model.state[0]
    taken = []
    for cycle in range(60):
        stimulus = np.zeros(model.stimulus_size, np.int64)
        stimulus[FILL_VALID] = stimulus[FILL + 2] = cycle == 0
        stimulus[ADVANCE_VALID], stimulus[ADVANCE] = 1, accesses
        registers.decide(model.config[0], state)
        if state["advance_ready"]:
            taken.append(cycle)
        registers.step(*model.arrays, stimulus, 0)
    assert taken == list(range(1, 60, advance_cycles))
