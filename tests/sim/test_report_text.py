"""Numbers and names as a reader sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.report.text import (
    COLUMNS,
    aligned,
    entry,
    megabytes,
    parameter_value,
    percent,
    printable,
    ratio,
    shorten,
    si,
)


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 10, "0.0"),
        (1, 3, "33.3"),
        (10, 10, "100.0"),
        (1, 10**9, "<0.1"),
        (10**9 - 1, 10**9, ">99.9"),
        (9994, 10_000, "99.9"),
        (3, 0, "-"),
    ],
)
def test_only_nothing_reads_as_0_and_only_all_as_100_percent(
    part: int, whole: int, text: str
) -> None:
    assert percent(part, whole) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0.00"), (1, "<0.01"), (4_999, "<0.01"), (5_000, "0.01"), (1_234_567_890, "1,234.57")],
)
def test_megabytes(number: int, text: str) -> None:
    assert megabytes(number) == text


@pytest.mark.parametrize(
    ("after", "before", "text"),
    [
        (3, 2, "1.500"),
        (2, 2, "1.000"),
        (10**9 + 1, 10**9, ">1.000"),
        (10**9 - 1, 10**9, "<1.000"),
        (5_000, 1, "5,000"),
        (1, 0, "-"),
        (0, 7, "0.000"),
    ],
)
def test_ratio(after: int, before: int, text: str) -> None:
    assert ratio(after, before) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 s"),
        (0.0017641, "1.764 ms"),
        (1.0, "1 s"),
        (999.99, "1 ks"),
        (34e9, "34 Gs"),
        (123456.0, "123.5 ks"),
        (12.5e-9, "12.5 ns"),
        (3e-15, "0.003 ps"),
    ],
)
def test_four_digits_and_a_prefix(value: float, text: str) -> None:
    assert si(value, "s") == text


@given(st.floats(1e-11, 1e20))
def test_the_prefix_scales_to_the_value(value: float) -> None:
    number, _, prefix = si(value, "").partition(" ")
    scale = {"p": -12, "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15,
             "E": 18}[prefix]  # fmt: skip
    assert float(number.replace(",", "")) * 10.0**scale == pytest.approx(value, rel=5.1e-4)


@given(st.text(max_size=40), st.integers(0, 40))
def test_a_shortened_name_fits_and_keeps_its_ends(text: str, width: int) -> None:
    short = shorten(text, width)
    assert len(short) == min(len(text), width)
    if len(text) > width >= 3:
        head, _, tail = short.partition("…") if "…" not in text else (short[:1], "", short[-1:])
        assert text.startswith(head)
        assert text.endswith(tail)
        assert "…" in short


def test_parts_stand_below_one_another() -> None:
    assert aligned([("1", "20"), ("300", "4")], " x ") == ["  1 x 20", "300 x  4"]
    assert aligned([], " x ") == []


def test_what_moves_the_cursor_is_replaced() -> None:
    assert printable("a\x1b[2J\nb\té") == "a\ufffd[2J\ufffdb\ufffdé"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), (True, "true"), (1000, "1,000"), ([1, "a"], "1, a"), ((), "[]"), (0.5, "0.5")],
)
def test_parameters_read_as_in_yaml(value: object, text: str) -> None:
    assert parameter_value(value) == text


@given(st.lists(st.text("ab,", min_size=1, max_size=30), max_size=20))
def test_a_row_goes_on_below(words: list[str]) -> None:
    rows = entry("name", "1", " ".join(words))
    assert all(len(row) <= COLUMNS for row in rows)
    assert rows[0].split()[:2] == ["name", "1"]
    assert " ".join(rows).split()[2:] == words
