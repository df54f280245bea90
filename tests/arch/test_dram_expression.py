"""Expressions of timings, against Python's own evaluation."""

import ast

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from arch.dram.expression import CYCLES_MAX, evaluate, names_in

NAMES = {"nCL": 16, "nBL": 4, "nCWL": 12, "nRTW": 0, "rate": 2400, "n_1": -3}


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.builds("{} {} {}".format, parts, st.sampled_from("+-*"), parts)
    called = st.builds(
        lambda name, values: f"{name}({', '.join(values)})",
        st.sampled_from(["max", "min"]),
        st.lists(parts, min_size=2, max_size=3),
    )
    return st.one_of(binary, called, st.builds("({})".format, parts))


LEAVES = st.one_of(st.integers(0, 999).map(str), st.sampled_from(sorted(NAMES)))
EXPRESSIONS = st.recursive(LEAVES, joined, max_leaves=12)


def python_value(expression: str, names: dict[str, int]) -> int:
    value: int = eval(expression, {"__builtins__": {"max": max, "min": min}}, names)
    return value


@given(EXPRESSIONS)
def test_value_is_that_of_python(expression: str) -> None:
    value = python_value(expression, NAMES)
    if abs(value) > CYCLES_MAX:
        with pytest.raises(ValueError, match=f"must be {CYCLES_MAX} cycles at most"):
            evaluate(expression, NAMES)
    else:
        assert evaluate(expression, NAMES) == value


@given(EXPRESSIONS)
def test_names_are_those_that_must_be_given(expression: str) -> None:
    used = names_in(expression)
    assert used <= set(NAMES)
    zeros = dict.fromkeys(used, 0)
    assume(abs(python_value(expression, zeros)) <= CYCLES_MAX)
    evaluate(expression, zeros)
    for name in used:
        without = dict.fromkeys(used - {name}, 0)
        with pytest.raises(ValueError, match=f"names {name!r}, which is no timing"):
            evaluate(expression, without)


REFUSED = (
    *("nCL ** 2", "nCL / 2", "nCL // 2", "nCL % 2", "nCL << 1", "nCL | 1", "nCL @ nBL"),
    *("-nCL", "+nCL", "~nCL", "not nCL", "nCL and nBL", "nCL < nBL", "nCL if nBL else 1"),
    *("1.5", "1e3", "2j", "True", "None", "'nCL'", "b'1'", "...", "f'{nCL}'"),
    *(
        "abs(nCL)",
        "max()",
        "max(*nCL)",
        "max(nCL, key=nBL)",
        "min(nCL, **nBL)",
        "nCL()",
        "(max)(1)(2)",
    ),
    *(
        "nCL.real",
        "nCL.__class__",
        "().__class__",
        "nCL[0]",
        "[nCL]",
        "(nCL, nBL)",
        "{nCL}",
        "{1: 2}",
    ),
    *("lambda: 1", "(x := 1)", "[x for x in nCL]", "__import__('os')", "max(i for i in nCL)"),
)


@pytest.mark.parametrize("expression", REFUSED)
def test_anything_else_is_refused(expression: str) -> None:
    ast.parse(expression, mode="eval")
    with pytest.raises(ValueError, match="must be a sum of timings: ") as caught:
        evaluate(expression, NAMES)
    assert str(caught.value) == f"{expression!r} must be a sum of timings: + - * max() min()"


@pytest.mark.parametrize(
    "expression", ["", " ", "nCL +", "nCL nBL", "nCL; nBL", "x = 1", "(", "\0"]
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="is no expression of timings") as caught:
        evaluate(expression, NAMES)
    assert str(caught.value) == f"{expression!r} is no expression of timings"


@pytest.mark.parametrize("sign", ["", "0 - "])
def test_the_largest_latency(sign: str) -> None:
    assert abs(evaluate(f"{sign}{CYCLES_MAX}", {})) == CYCLES_MAX
    with pytest.raises(ValueError, match=f"must be {CYCLES_MAX} cycles at most"):
        evaluate(f"{sign}{CYCLES_MAX + 1}", {})


def test_a_name_that_is_unknown() -> None:
    with pytest.raises(ValueError, match="nCLX") as caught:
        evaluate("nCLX + 1", {"nCL": 1, "nBL": 2})
    assert str(caught.value) == "'nCLX + 1' names 'nCLX', which is no timing; are: nBL, nCL"


def test_max_of_a_timing_alone_and_names_that_are_calls() -> None:
    assert evaluate("max(nCL)", NAMES) == 16
    with pytest.raises(ValueError, match="names 'max', which is no timing"):
        evaluate("max + 1", NAMES)


@pytest.mark.parametrize(
    ("terms", "wrong"),
    [(500, "nested too deeply"), (501, "1000 characters at most"), (200_000, "1000 characters")],
)
def test_a_long_sum_is_no_crash(terms: int, wrong: str) -> None:
    expression = "+".join(["1"] * terms)
    with pytest.raises(ValueError, match=wrong):
        evaluate(expression, {})


@given(st.text(max_size=20))
@example("\N{FULLWIDTH DIGIT ONE}")
@example("1_000")
def test_any_text_has_a_value_or_is_refused(text: str) -> None:
    try:
        value = evaluate(text, NAMES)
    except ValueError:
        return
    assert type(value) is int
