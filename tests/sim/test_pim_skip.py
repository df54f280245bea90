"""Cycles that are skipped are cycles in which nothing happens."""

from dataclasses import fields

import numpy as np
import pim_golden
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pim_judge import judged

from arch.pim.system import load_pim
from sim.pim.run import run_trace
from sim.pim.state import State
from traces.pim.aim import aim_in

WAYS = ("due", "dispatch_at")
"""When something may happen is a bound, which skipping alone uses."""
MASKS = st.sampled_from([1, 2, 3])
SIZES = st.sampled_from([1, 2, 5, 17, 64])
BANKS, ROWS = st.integers(0, 15), st.integers(0, 2)
LINES = st.one_of(
    st.builds("AiM WR_SBK 0 {} {} {}".format, MASKS, BANKS, ROWS),
    st.builds("AiM RD_SBK 0 {} {} {}".format, MASKS, BANKS, ROWS),
    st.builds("{} MEM {} {} {}".format, st.sampled_from("RW"), st.integers(0, 1), BANKS, ROWS),
    st.builds("AiM WR_ABK 0 {} {}".format, st.sampled_from([1, 2]), ROWS),
    st.builds("AiM WR_GB {} 0 {}".format, SIZES, MASKS),
    st.builds("AiM {} 0 {}".format, st.sampled_from(["WR_BIAS", "RD_MAC", "RD_AF"]), MASKS),
    st.builds(
        "AiM {} {} {} {} {}".format,
        st.sampled_from(["COPY_BKGB", "COPY_GBBK", "MAC_SBK"]), SIZES, MASKS, BANKS, ROWS,
    ),
    st.builds(
        "AiM MAC_4BK {} {} {} {}".format, SIZES, MASKS, st.sampled_from([0, 4, 8, 12]), ROWS
    ),
    st.builds("AiM {} {} {} {}".format, st.sampled_from(["MAC_ABK", "EWMUL"]), SIZES, MASKS, ROWS),
    st.builds("AiM AF {}".format, MASKS),
    st.just("AiM SYNC"),
    st.just("W CFR 2 5"),
)  # fmt: skip
TEXTS = st.lists(LINES, max_size=30).map(lambda lines: "\n".join([*lines, "AiM EOC"]) + "\n")


def states(state: State) -> list[np.ndarray]:  # type: ignore[type-arg]
    """All arrays without bounds."""
    found = []
    for each in fields(state):
        array = getattr(state, each.name).copy()
        for name in set(WAYS) & set(array.dtype.names or ()):
            array[name] = 0
        found.append(array)
    return found


@given(TEXTS, st.sampled_from(["aim", "aim_as_simulated"]), st.sampled_from([1, 2]))
def test_every_cycle_and_due_ones_agree(text: str, pim: str, width: int) -> None:
    changes = (
        "registers_checked=false", "channels=2", f"controller.dispatch_width={width}",
        # Often, so that refreshes fall into all states.
        *(["timings.nREFI=700"] if pim == "aim" else []),
    )  # fmt: skip
    skipped, commands = pim_golden.run(text, pim, *changes)
    every, all_commands = pim_golden.run(text, pim, *changes, every=True)
    np.testing.assert_array_equal(commands, all_commands)
    assert skipped.cycles == every.cycles
    for one, other in zip(states(skipped.state), states(every.state), strict=True):
        np.testing.assert_array_equal(one, other)
    if pim == "aim":
        told = {one.rule for one in judged(skipped, commands).violations}
        assert told <= {"tREFI", "postponed refreshes"}


@given(TEXTS, st.integers(1, 200))
def test_chunks_change_nothing(text: str, block_bytes: int) -> None:
    pim = load_pim("aim", ["registers_checked=false", "channels=2"])
    whole, _ = pim_golden.run(text, pim)
    parts = run_trace(pim, aim_in(text.encode(), pim, block_bytes=block_bytes))
    assert parts.cycles == whole.cycles
    assert parts.commands == whole.commands
    assert parts.instructions == whole.instructions


def test_a_log_in_pieces_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = pim_golden.traces().loc["gemv_64x64_1ch"].text
    _, whole = pim_golden.run(text, "aim_as_simulated")
    monkeypatch.setattr("sim.pim.run.LOG_CHUNK_COMMANDS", 32)
    _, pieces = pim_golden.run(text, "aim_as_simulated")
    np.testing.assert_array_equal(whole, pieces)


def test_two_instructions_a_cycle_are_sent_sooner() -> None:
    text = "W CFR 0 0\nW CFR 1 1\nW CFR 2 0\nAiM MAC_ABK 1 1 5\nAiM EOC\n"
    starts = []
    for width in (1, 2, 4):
        _, commands = pim_golden.run(
            text, "aim", "registers_checked=false", f"controller.dispatch_width={width}"
        )
        starts.append(int(commands["cycle"][0]))
    assert starts == [4, 2, 1]
