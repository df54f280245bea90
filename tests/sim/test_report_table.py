"""Tables: what they say, and that they fit."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rendering import lines, words
from result_examples import LONG_NAME, MACHINE, account, fused, operator, result, vector

from sim.report.columns import Column, Fitted
from sim.report.table import report
from sim.report.units import KINDS, together
from sim.result import Energy, UnitAccount


def test_a_layer_at_80_columns() -> None:
    assert words(report(result()), "dw1") == [
        "dw1", "Conv2d", "3,136", "x", "1", "x", "9", "(x512)", "234,567", "25.0", "0.4", "0.94"
    ]  # fmt: skip


def test_the_total_is_of_the_whole_run() -> None:
    example = result(
        operator("a", 3000, stall_cycles=600),
        operator("b", 1000, stall_cycles=0),
        fused("c", LONG_NAME),
    )
    assert words(report(example), "total") == ["total", "4,000", "15.0", "0.1", "0.02"]


def test_a_wide_terminal_shows_more() -> None:
    narrow, wide = (lines(report(result()), width) for width in (80, 160))
    assert not any("MACs" in line for line in narrow)
    heads = next(line for line in wide if line.startswith("Layer"))
    assert heads.split()[:8] == ["Layer", "Kind", "M", "x", "N", "x", "K", "Order"]
    row = next(line for line in wide if line.startswith(LONG_NAME)).split()
    assert row[7:] == ["mnk", "118,013,952", "1,234,567", "25.0", "0.6", "3.70", "1.23", "4.94",
                       "71.35"]  # fmt: skip


def test_names_are_shortened_in_the_middle_and_digits_never() -> None:
    huge = operator(
        "a" * 60 + "z", 1_234_567_890, m=2_048, n=49_152, k=12_288, utilisation=0.5, events={}
    )
    line = next(line for line in lines(report(result(huge))) if line.startswith("a"))
    assert line.endswith("2,048 x 49,152 x 12,288 1,234,567,890  25.0 50.0   0.00")
    name = line.split()[0]
    assert len(name) < 61
    assert name.startswith("a")
    assert name.endswith("z")
    assert "…" in name


def test_a_fused_operator_says_into_which_and_has_no_numbers() -> None:
    assert words(report(result(operator("conv1"), fused("relu1", "conv1"))), "relu1") == [
        "relu1", "Elementwise", "in", "conv1"
    ]  # fmt: skip


def test_no_utilisation_of_what_multiplies_nothing() -> None:
    assert words(report(result(vector("pool", 100))), "pool") == [
        "pool", "Pool", "-", "-", "100", "0.0", "-", "1.20", "0.00", "1.20"
    ]  # fmt: skip


def test_no_memory_columns_without_a_memory() -> None:
    shown = lines(report(result(machine={**MACHINE, "memory": None})), 160)
    assert not any("Read" in line or "Memory" in line for line in shown)


def test_units_by_state_and_cause_without_zero_causes() -> None:
    shown = lines(report(result()))
    at = next(at for at, line in enumerate(shown) if line.startswith("core0.array"))
    assert [line.split() for line in shown[at : at + 5]] == [
        ["core0.array", "700", "busy", "70.0", "stream", "907,938", "60.0"],
        ["load", "151,323", "10.0"],
        ["stall", "20.0", "ifmap", "302,646", "20.0"],
        ["store", "15", "<0.1"],
        ["idle", "10.0", "151,308", "10.0"],
    ]


def test_equal_units_of_many_cores_are_summed() -> None:
    units = tuple(
        account(f"core{core}.array", 700_000, 100, {"busy.stream": 0.1 * core}) for core in range(8)
    )
    memory = account("memory", 1_400_000, 200, {})
    assert together((*units, memory), *KINDS[0]) == (
        UnitAccount("8 x core.array", 700_000, 800, {"busy.stream": 280, "idle": 520}),
        memory,
    )
    machine = {**MACHINE, "cores": 8}
    shown = lines(report(result(machine=machine, units=units)))
    assert sum(line.startswith("8 x core.array") for line in shown) == 1
    few = lines(report(result(machine={**MACHINE, "cores": 4}, units=units[:4])))
    assert sum(line.startswith("core") for line in few) == 4


def test_equal_channels_of_a_memory_are_summed() -> None:
    front = account("memory", 1_000_000, 100, {})
    channels = tuple(
        account(f"memory.channel{channel}", 1_000_000, 100, {"stall.row": 0.5})
        for channel in range(32)
    )
    shown = lines(report(result(units=(front, *channels))))
    assert sum(line.startswith("32 x memory.channel") for line in shown) == 1
    few = lines(report(result(units=(front, *channels[:4]))))
    assert sum(line.startswith("memory.channel") for line in few) == 4


def test_a_unit_without_cycles_in_the_window() -> None:
    shown = report(result(units=(UnitAccount("memory", 1000, 0, {"idle": 0}),)))
    assert words(shown, "memory") == ["memory", "1", "-", "-", "0", "-"]


def test_speed_against_the_peak() -> None:
    example = result(operator("a", 1000, m=128, n=128, k=500), seconds=1000 / 700e6)
    assert " ".join(words(report(example), "speed")) == (
        "speed 5.734 TMAC/s, 50.0 % of the peak of 11.47 TMAC/s"
    )


def test_an_unknown_energy_makes_a_lower_bound() -> None:
    known = result(energy=Energy({"array": 2e6, "memory": 1e6}))
    assert " ".join(words(report(known), "energy")) == "energy 3 uJ: array 2 uJ, memory 1 uJ"
    bound = report(result(energy=Energy({"array": 2e6}, ("memory", "vector"))))
    assert " ".join(words(bound, "energy")) == "energy >= 2 uJ"
    assert "        a lower bound: no sourced energy for memory, vector" in lines(bound)
    nothing = report(result(energy=Energy({}, ("array",))))
    assert " ".join(words(nothing, "energy")) == "energy unknown: no sourced energy for array"


def test_a_window_says_so() -> None:
    text = "\n".join(lines(report(result(first_cycle=1000, end_cycle=21_000, complete=False))))
    assert "cycles 1,000 to 21,000 only: the workload goes on" in text
    assert "only" not in "\n".join(lines(report(result())))


def test_notes_are_footnotes() -> None:
    shown = lines(report(result(notes=("first note", "second [b]note[/b]"))))
    assert shown[-2:] == ["* first note", "* second [b]note[/b]"]


def test_names_are_not_markup_and_move_no_cursor() -> None:
    shown = "\n".join(lines(report(result(operator("[red]x\x1b[2J\n")))))
    assert "[red]x\ufffd[2J\ufffd" in shown


def test_a_run_of_nothing() -> None:
    empty = result(
        operators=(), cycles=0, seconds=0.0, end_cycle=0, units=(), energy=Energy({}), notes=()
    )
    assert words(report(replace(empty, operators=())), "total")[:2] == ["total", "0"]


@pytest.mark.parametrize("width", [60, 72, 80, 100, 120, 140, 200])
def test_a_report_fits_the_terminal(width: int) -> None:
    for line in lines(report(result()), width):
        assert len(line) <= width


@given(
    st.lists(
        st.builds(
            Column,
            title=st.sampled_from(["a", "long title", "two\nlines"]),
            cells=st.lists(st.text("xyz ", max_size=30), min_size=3, max_size=3),
            least=st.none() | st.integers(1, 10),
            comfort=st.none() | st.integers(1, 20),
            rank=st.integers(0, 3),
        ),
        min_size=1,
        max_size=8,
    ).filter(lambda columns: any(column.rank == 0 for column in columns)),
    st.integers(30, 200),
)
def test_columns_are_chosen_to_fit(columns: list[Column], width: int) -> None:
    chosen, gap = Fitted(columns).choose(width)
    names = [id(column) for column, _ in chosen]
    assert all(id(column) in names for column in columns if column.rank == 0)
    ranks = {column.rank for column, _ in chosen}
    assert all(id(column) in names for column in columns if column.rank < max(ranks))
    taken = sum(size for _, size in chosen) + gap * (len(chosen) - 1)
    shrunk_out = all(size <= column.narrowest() for column, size in chosen)
    assert taken <= width or (shrunk_out and max(ranks) == 0)
    for column, size in chosen:
        if column.rank:
            assert size >= column.comfortable()
        assert size <= column.natural
