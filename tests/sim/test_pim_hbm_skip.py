"""Cycles of HBM-PIM that are skipped are cycles in which nothing happens."""

from dataclasses import fields

import hbm_golden
import numpy as np
import pytest
from hbm_judge import judged
from hypothesis import given
from hypothesis import strategies as st

from arch.pim.hbm import load_hbm_pim
from sim.pim.hbm.run import Simulation
from sim.pim.hbm.state import State
from traces.mapping.hbm_pim import kernel_lines
from traces.pim.hbm_pim import hbm_in

WAYS = ("due", "arrived_until")
"""When something may happen is a bound, and what comes in may wait unseen."""
PIMS = st.sampled_from(["hbm_pim", "hbm_pim_as_simulated"])
CHANNELS = st.sampled_from(["*", "0", "1"])
MOVES = st.builds(
    "{} {} {} {} {} {} x{}{}{}".format,
    st.sampled_from("RW"), CHANNELS, st.integers(0, 3), st.integers(0, 3), st.integers(0, 2),
    st.integers(0, 31), st.sampled_from([1, 1, 2, 8, 40]), st.sampled_from(["", " bar"]),
    st.sampled_from(["", " tag=T"]),
)  # fmt: skip
PLAIN = st.lists(st.one_of(MOVES, MOVES, MOVES, st.just("FENCE")), min_size=1, max_size=40)
TRIGGERED = st.builds(
    "R * 0 {} {} {} x8{}".format, st.integers(0, 1), st.integers(0, 2), st.sampled_from([0, 8, 16]),
    st.sampled_from(["", " bar"]),
)  # fmt: skip


@st.composite
def mixed(draw: st.DrawFn) -> str:
    """Plain traffic, and phases of a program of which each column triggers a step."""
    lines = [*draw(PLAIN), "FENCE"]
    pim = load_hbm_pim("hbm_pim", ["channels=2"])
    kernel = list(kernel_lines(pim, "add", 2 * 16 * 8 * 16))
    into = next(i for i, line in enumerate(kernel) if "mode=HAB_PIM" in line)
    back = next(i for i, line in enumerate(kernel) if line.endswith("mode=HAB tag=PIM bar"))
    program = draw(st.sampled_from(["NOP,5;EXIT", "NOP,9;JUMP,3,2;EXIT", "NOP,200;NOP,2;EXIT"]))
    for _ in range(draw(st.integers(0, 2))):
        enter = [line for line in kernel[:into] if "crf=" not in line]
        lines += [*enter, f"W * 0 1 16383 4 crf={program} tag=P bar", kernel[into]]
        lines += [*draw(st.lists(TRIGGERED, max_size=12)), "R * 0 0 0 0 bar", *kernel[back:]]
    return "\n".join([*lines, *draw(PLAIN)]) + "\n"


def states(state: State) -> list[np.ndarray]:  # type: ignore[type-arg]
    """All arrays without bounds."""
    found = []
    for each in fields(state):
        array = getattr(state, each.name).copy()
        for name in set(WAYS) & set(array.dtype.names or ()):
            array[name] = 0
        found.append(array)
    return found


@given(st.one_of(PLAIN.map(lambda lines: "\n".join(lines) + "\n"), mixed()), PIMS)
def test_every_cycle_and_due_ones_agree(text: str, pim: str) -> None:
    # Refreshes often, so that they fall into all states.
    changes = ("channels=2", "order_checked=false", "timings.nREFI=1300")
    skipped, log, _ = hbm_golden.run(text, pim, *changes)
    every, all_log, _ = hbm_golden.run(text, pim, *changes, every=True)
    np.testing.assert_array_equal(log, all_log)
    assert skipped.cycles == every.cycles
    for one, other in zip(states(skipped.state), states(every.state), strict=True):
        np.testing.assert_array_equal(one, other)
    if pim == "hbm_pim":
        assert judged(skipped, log, refresh=False).violations == []


@given(mixed(), st.integers(1, 400), PIMS)
def test_chunks_change_nothing(text: str, block_bytes: int, pim: str) -> None:
    changes = ("channels=2", "order_checked=false")
    whole, log, _ = hbm_golden.run(text, pim, *changes)
    parts, part_log, _ = hbm_golden.run(text, pim, *changes, block_bytes=block_bytes)
    np.testing.assert_array_equal(log, part_log)
    assert (parts.cycles, parts.commands, parts.transactions) == (
        whole.cycles, whole.commands, whole.transactions,
    )  # fmt: skip


@pytest.mark.compiled
@pytest.mark.parametrize("case", ["gemv_64x1024_1ch", "write_64x1024_1ch", "random_pim_19"])
def test_golden_cases_stepped_in_every_cycle_are_the_same(case: str) -> None:
    one = hbm_golden.cases().loc[case]
    changes = (f"channels={one.channels}",)
    text = hbm_golden.trace_of(case)
    done, log, _ = hbm_golden.run(text, "hbm_pim_as_simulated", *changes, every=True)
    _, skipped, _ = hbm_golden.run(text, "hbm_pim_as_simulated", *changes)
    np.testing.assert_array_equal(log, skipped)
    assert done.cycles == one.total


def test_slices_and_pieces_of_the_log_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    text = hbm_golden.trace_of("add_16384x1_2ch")
    pim = load_hbm_pim("hbm_pim", ["channels=2"])
    _, whole, _ = hbm_golden.run(text, pim)
    monkeypatch.setattr("sim.pim.hbm.run.LOG_CHUNK_LINES", 200)
    pieces: list[np.ndarray] = []  # type: ignore[type-arg]
    simulation = Simulation(pim, log=lambda log: pieces.append(log.copy()), slice_cycles=100)
    for chunk in hbm_in(text.encode(), pim):
        simulation.feed(chunk)
    simulation.finish()
    assert len(pieces) > 10
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    order = np.lexsort((whole["channel"], whole["cycle"]))
    np.testing.assert_array_equal(whole[order]["cycle"], whole["cycle"])
    np.testing.assert_array_equal(whole[order]["channel"], whole["channel"])
