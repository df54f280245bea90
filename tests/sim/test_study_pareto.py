"""The Pareto front against its definition."""

from hypothesis import given
from hypothesis import strategies as st

from sim.study.pareto import front
from sim.study.record import Record, State

NAMES = ("a", "b", "c", "d")


def expected(records: list[Record], objectives: dict[str, str]) -> list[int]:
    """Each against each."""

    def beats(one: Record, other: Record) -> bool:
        better = False
        for name, best in objectives.items():
            x, y = one.metrics[name], other.metrics[name]
            if best == "max":
                x, y = -x, -y
            if x > y:
                return False
            better = better or x < y
        return better

    done = [record for record in records if record.state == "done"]
    return [each.index for each in done if not any(beats(other, each) for other in done)]


@st.composite
def studies(draw: st.DrawFn) -> tuple[list[Record], dict[str, str]]:
    """Few different values, so that many are equal in some or in all."""
    names = NAMES[: draw(st.integers(1, 4))]
    objectives = {name: draw(st.sampled_from(["min", "max"])) for name in names}
    value = st.integers(-2, 3) | st.sampled_from([0.5, -0.0, 1e300])
    states: list[State] = ["done", "done", "done", "rejected", "failed"]
    rows = draw(st.lists(st.tuples(st.sampled_from(states), *[value] * len(names)), max_size=25))
    records = [
        Record(index, (index,), state, dict(zip(names, values, strict=True)))
        for index, (state, *values) in enumerate(rows)
    ]
    return records, objectives


@given(studies())
def test_the_front_is_what_nothing_beats(given: tuple[list[Record], dict[str, str]]) -> None:
    records, objectives = given
    assert [record.index for record in front(records, objectives)] == expected(records, objectives)


def test_equal_points_are_all_on_it() -> None:
    rows = [(1, 5), (2, 4), (1, 5), (2, 5), (3, 3), (2, 4)]
    records = [Record(at, (at,), "done", {"a": a, "b": b}) for at, (a, b) in enumerate(rows)]
    assert [each.index for each in front(records, {"a": "min", "b": "min"})] == [0, 1, 2, 4, 5]
    assert [each.index for each in front(records, {"a": "max", "b": "max"})] == [3, 4]
    assert [each.index for each in front(records, {"b": "max"})] == [0, 2, 3]
    assert front([], {"a": "min"}) == []


def test_a_point_without_an_objective_is_not_on_it() -> None:
    records = [Record(0, (0,), "done", {"a": 1}), Record(1, (1,), "done", {"b": 1})]
    assert [each.index for each in front(records, {"a": "min"})] == [0]
