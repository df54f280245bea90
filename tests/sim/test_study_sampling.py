"""Which points a study looks at: none twice, all alike, and the same for the same seed."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
import studies
from hypothesis import given
from hypothesis import strategies as st
from test_study_pareto import expected as front_of

from sim.study import sampling
from sim.study.record import Record
from sim.study.sampling import Enumeration
from sim.study.space import Point, Space
from sim.study.spec import Sampling

FIELDS = ("array.rows", "array.cols", "vector.lanes")
FREE: dict[str, Any] = {"array.rows": [1, 2, 3, 4, 5], "array.cols": [1, 2, 3, 4, 5, 6, 7, 8]}
BOUND: dict[str, Any] = {
    **FREE,
    "vector.lanes": {"first": 1, "last": 10, "when": {"array.rows": [2, 5]}},
}


def sampler(parameters: dict[str, Any], **fields: Any) -> Enumeration:
    spec = studies.spec(
        parameters, sampling=Sampling.model_validate(fields), objectives={"a": "min", "b": "max"}
    )
    return Enumeration(spec, studies.space(parameters))


def points(parameters: dict[str, Any], **fields: Any) -> list[Point]:
    return list(sampler(parameters, **fields).ask([]))


def grid(parameters: dict[str, Any]) -> list[Point]:
    return points(parameters, method="grid")


@pytest.fixture(params=[10**6, 0], ids=["shuffled", "drawn"])
def shuffled_max(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Spaces of any size are shuffled, or drawn from."""
    monkeypatch.setattr(sampling, "SHUFFLED_MAX", request.param)
    monkeypatch.setattr(sampling, "PATIENCE", 2000)
    return int(request.param)


@pytest.mark.usefixtures("shuffled_max")
@pytest.mark.parametrize("parameters", [FREE, BOUND])
def test_random_draws_no_point_twice_and_all_if_asked(parameters: dict[str, Any]) -> None:
    every = grid(parameters)
    for count in (1, 7, len(every) - 1, len(every), len(every) + 50):
        found = points(parameters, method="random", points=count)
        assert len(found) == len(set(found)) == min(count, len(every))
        assert set(found) <= set(every)


@pytest.mark.usefixtures("shuffled_max")
def test_random_draws_each_point_equally_often() -> None:
    counts: Counter[Point] = Counter()
    for seed in range(400):
        counts.update(points(FREE, method="random", points=10, seed=seed))
    # 400 x 10 / 40; the standard deviation of each is sqrt(400 x 1/4 x 3/4).
    assert len(counts) == 40
    assert all(abs(count - 100) < 5 * 8.7 for count in counts.values())


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=3),
    st.integers(1, 40),
    st.integers(0, 2**32),
)
def test_latin_hypercube_meets_each_level_equally_often(
    sizes: list[int], count: int, seed: int
) -> None:
    parameters = {
        field: list(range(1, size + 1)) for field, size in zip(FIELDS, sizes, strict=False)
    }
    chosen = Sampling(method="latin_hypercube", points=count, seed=seed)
    found = list(sampling.first_points(chosen, studies.space(parameters)))
    assert len(found) == count
    for at, size in enumerate(sizes):
        counts = Counter(point[at] for point in found)
        each = [counts[level] for level in range(size)]
        assert sum(each) == count
        assert max(each) - min(each) <= 1


def test_latin_hypercube_of_few_points_spreads_them() -> None:
    parameters = {"array.rows": list(range(1, 101))}
    starts = set()
    for seed in range(30):
        found = sorted(points(parameters, method="latin_hypercube", points=4, seed=seed))
        levels = [level for (level,) in found]
        assert {b - a for a, b in pairwise(levels)} <= {25}
        starts.add(levels[0])
    assert len(starts) > 10


def test_latin_hypercube_has_each_point_once() -> None:
    found = points(BOUND, method="latin_hypercube", points=300)
    assert len(found) == len(set(found)) > 40
    assert set(found) <= set(grid(BOUND))


def result(point: Point) -> dict[str, float]:
    """Made up; with equal ones."""
    rows, cols, lanes = point
    return {"a": (rows - 2) ** 2 + cols // 3, "b": cols % 5 + (lanes == 4)}


REFINED: dict[str, Any] = {
    "method": "random",
    "points": 12,
    "seed": 3,
    "refine": {"rounds": 4, "points": 6},
}


def near(space: Space, point: Point) -> set[Point]:
    """One level of one parameter further, what that makes of the others included."""
    found = set()
    for at, level in enumerate(point):
        for other in (level - 1, level + 1):
            if level >= 0 and 0 <= other < len(space.levels[at]):
                found.add(space.settled((*point[:at], other, *point[at + 1 :])))
    return found - {point}


def test_refinement_names_new_neighbours_of_the_front() -> None:
    space = studies.space(BOUND)
    batches = studies.played(sampler(BOUND, **REFINED), result)
    assert len(batches) == 5
    seen: list[Point] = batches[0]
    for batch in batches[1:]:
        records = [Record(at, point, "done", result(point)) for at, point in enumerate(seen)]
        best = [seen[at] for at in front_of(records, {"a": "min", "b": "max"})]
        allowed = set().union(*(near(space, point) for point in best)) - set(seen)
        assert len(set(batch)) == len(batch) == min(6, len(allowed))
        assert set(batch) <= allowed
        seen = seen + batch


def test_refinement_is_a_function_of_seed_and_results() -> None:
    batches = studies.played(sampler(BOUND, **REFINED), result)
    assert studies.played(sampler(BOUND, **REFINED), result) == batches
    assert studies.played(sampler(BOUND, **{**REFINED, "seed": 4}), result) != batches
    other = studies.played(sampler(BOUND, **REFINED), lambda point: {"a": point[0], "b": point[1]})
    assert other[0] == batches[0]
    assert other[1:] != batches[1:]


def test_refinement_ends_where_nothing_is_left() -> None:
    small = {"array.rows": [1, 2, 3]}
    refine = {"rounds": 50, "points": 50}
    found = studies.played(
        sampler(small, method="random", points=1, refine=refine),
        lambda point: {"a": point[0], "b": 0},
    )
    assert sum(map(len, found)) <= 3
    every = sampler(small, method="grid", refine=refine)
    assert len(studies.played(every, lambda point: {"a": point[0], "b": 0})) == 1


def test_rejected_points_are_not_refined() -> None:
    refined = sampler(FREE, method="random", points=5, refine={"rounds": 1, "points": 9})
    first = list(refined.ask([]))
    told = [Record(at, point, "rejected", {}, "no") for at, point in enumerate(first)]
    assert list(refined.ask(told)) == []


@pytest.mark.parametrize("method", ["random", "latin_hypercube"])
def test_points_are_a_function_of_the_seed(method: str) -> None:
    found = [points(BOUND, method=method, points=20, seed=seed) for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]
