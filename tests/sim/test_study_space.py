"""Points of a study against plain enumeration, and their machines against ``--set``."""

import json
from itertools import product
from random import Random
from typing import Any

import pytest
import studies
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from arch.errors import InputError
from arch.load import load_machine
from sim.study import Parameter
from sim.study.sampling import Enumeration
from sim.study.space import UNUSED, Space

FIELDS = ("array.rows", "array.cols", "memory.latency_cycles", "vector.lanes")


def levels(**fields: Any) -> list[Any]:
    return list(Parameter.model_validate(fields).levels())


@given(st.integers(-50, 50), st.integers(0, 60), st.integers(1, 9))
def test_a_range_of_steps_is_that_of_python(first: int, length: int, step: int) -> None:
    last = first + length
    assert levels(first=first, last=last, step=step) == list(range(first, last + 1, step))
    assert levels(first=first, last=last) == list(range(first, last + 1))


@given(st.integers(1, 50), st.integers(0, 5000), st.integers(2, 9))
def test_a_range_of_factors_multiplies(first: int, length: int, factor: int) -> None:
    expected, value = [], first
    while value <= first + length:
        expected.append(value)
        value *= factor
    assert levels(first=first, last=first + length, factor=factor) == expected


@given(st.integers(-50, 50), st.integers(1, 60), st.integers(2, 40))
def test_a_range_of_a_count_has_both_ends_and_equal_gaps(first: int, gap: int, count: int) -> None:
    last = first + gap
    whole = levels(first=first, last=last, count=count)
    assert (whole[0], whole[-1]) == (first, last)
    assert whole == sorted(set(whole))
    assert all(isinstance(value, int) for value in whole)
    assert len(whole) == min(count, gap + 1)
    found = levels(first=float(first), last=float(last), count=count)
    assert found == pytest.approx([first + gap * at / (count - 1) for at in range(count)])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"first": 0.1, "last": 0.5, "step": 0.1}, [0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"first": 1, "last": 1}, [1]),
        ({"first": 3, "last": 10, "step": 4}, [3, 7]),
        ({"first": 0.5, "last": 8, "factor": 2}, [0.5, 1, 2, 4, 8]),
        ({"first": 1, "last": 10, "factor": 1.5}, [1, 2, 3, 5, 8]),
        ({"values": [4, "a", None, {"b": [1]}]}, [4, "a", None, {"b": (1,)}]),
        ({"choices": {"b": {"array.rows": 1}, "a": {"array.rows": 2}}}, ["b", "a"]),
    ],
)
def test_levels(fields: dict[str, Any], expected: list[Any]) -> None:
    found = levels(**fields)
    if all(isinstance(value, int | float) for value in expected):
        assert found == pytest.approx(expected)
    else:
        assert found == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"first": 1, "last": float("inf")},
        {"first": 1.0, "last": float("inf"), "step": 1},
        {"first": 1.0, "last": float("nan"), "count": 3},
        {"first": 1, "last": 10**400, "factor": 2},
        {"first": 1, "last": 10**400},
        {"first": 1, "last": 10**9},
        {"first": 1.0, "last": 2.0, "step": float("nan")},
    ],
)
def test_ranges_without_end_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"last|step"):
        Parameter.model_validate(fields)


def values_of(space: Space) -> list[dict[str, Any]]:
    return [space.values(point) for point in grid(space)]


def grid(space: Space) -> list[Any]:
    return list(Enumeration(studies.spec(space.parameters), space).ask([]))


def expected_values(parameters: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """By the rule: a parameter counts where all that it asks for counts and is as asked."""
    found: list[dict[str, Any]] = []
    lists = [each["values"] for each in parameters.values()]
    for combination in product(*lists):
        row = dict(zip(parameters, combination, strict=True))
        counts: dict[str, bool] = {}
        for name, each in parameters.items():
            counts[name] = all(
                counts[other] and row[other] in wanted
                for other, wanted in each.get("when", {}).items()
            )
        row = {name: value if counts[name] else None for name, value in row.items()}
        if row not in found:
            found.append(row)
    return found


@st.composite
def parameters(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """Up to four, each with conditions on some above it."""
    found: dict[str, dict[str, Any]] = {}
    for at in range(draw(st.integers(1, 4))):
        values = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True))
        when = {
            other: draw(st.lists(st.sampled_from(each["values"]), min_size=1, unique=True))
            for other, each in found.items()
            if draw(st.booleans())
        }
        found[f"p{at}"] = {"values": values, "fields": [FIELDS[at]], "when": when}
    return found


@given(parameters())
def test_the_grid_is_the_product_under_its_conditions(given: dict[str, dict[str, Any]]) -> None:
    space = studies.space(given)
    assert values_of(space) == expected_values(given)
    for index in range(space.size):
        point = space.combination(index)
        assert space.settled(point) == point


def test_a_chain_of_conditions() -> None:
    space = studies.space(
        {
            "a": {"values": [1, 2], "fields": ["array.rows"]},
            "b": {"values": [3, 4], "fields": ["array.cols"], "when": {"a": [2]}},
            "c": {"values": [5, 6], "fields": ["vector.lanes"], "when": {"b": [4]}},
        }
    )
    assert [tuple(row.values()) for row in values_of(space)] == [
        (1, None, None), (2, 3, None), (2, 4, 5), (2, 4, 6),
    ]  # fmt: skip
    assert space.settings(grid(space)[0]) == [("array.rows", 1)]


MANY: dict[str, Any] = {
    "array.rows": [4, 64, 0],
    "array.dataflow": ["ws", "os"],
    "array.accumulator_rows": {"values": [16, 128], "when": {"array.dataflow": ["ws"]}},
    "pads": {
        "choices": {
            "even": {"buffer.scratchpads.ifmap.capacity_kib": 64},
            "ofmap": {
                "buffer.scratchpads.ifmap.capacity_kib": 32,
                "buffer.scratchpads.ofmap.banks": 2,
            },
        }
    },
    "memory": [
        {"latency_cycles": 10, "bytes_per_cycle": 16},
        {"standard": "DDR4", "channels": 2},
    ],
    "clock": {"first": 500_000, "last": 1_000_000, "step": 500_000, "fields": ["clocks.core"]},
    "latency": {
        "values": [5, 6],
        "fields": ["memory.latency_cycles"],
        "when": {"memory": [{"latency_cycles": 10, "bytes_per_cycle": 16}]},
    },
}


def machine_or_fault(make: Any) -> Any:
    try:
        return make()
    except InputError as error:
        return str(error).count("\n")


def test_a_machine_is_that_of_the_same_settings() -> None:
    space = studies.space(MANY)
    found = 0
    for point in Random(4).sample(grid(space), 40):
        settings = [f"{path}={json.dumps(value)}" for path, value in space.settings(point)]
        expected = machine_or_fault(lambda s=settings: load_machine("systolic_32", s))
        assert machine_or_fault(lambda p=point: space.machine(p)) == expected
        found += not isinstance(expected, int)
    assert 15 < found < 40, "some rows are 0, of which there is no machine"


def test_the_grid_has_each_machine_once() -> None:
    space = studies.space({**MANY, "array.rows": [4, 64]})
    points = grid(space)
    assert len(set(points)) == len(points) == 2 * 3 * 2 * 3 * 2
    assert len({space.machine(point).model_dump_json() for point in points}) == len(points)


def test_a_value_that_a_machine_refuses_names_the_setting() -> None:
    space = studies.space({"array.rows": [4, 0]})
    with pytest.raises(InputError, match=r"array\.rows=0.*array\.rows.*given 0"):
        space.machine((1,))


@given(parameters())
def test_neighbours_differ_in_one_level(given: dict[str, dict[str, Any]]) -> None:
    space = studies.space(given)
    every = grid(space)
    for point in every:
        near = space.neighbours(point)
        assert point not in near
        assert len(set(near)) == len(near)
        assert set(near) <= set(every)
        expected = set()
        for at, level in enumerate(point):
            for other in (level - 1, level + 1):
                if level != UNUSED and 0 <= other < len(space.levels[at]):
                    expected.add(space.settled((*point[:at], other, *point[at + 1 :])))
        assert set(near) == expected


def test_neighbours_of_what_has_no_order_are_all() -> None:
    space = studies.space({"array.dataflow": ["ws", "os", "is"], "array.rows": [1, 2, 3]})
    assert set(space.neighbours((0, 0))) == {(1, 0), (2, 0), (0, 1)}
