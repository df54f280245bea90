"""Which points a study looks at, batch after batch.

A sampler is asked for points and told what came of all before; none left means that it is done.
What it says depends on the study and on results alone, so a study that was broken off goes on with
the same points. Other samplers take this place.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from sim.study.pareto import front
from sim.study.record import Record
from sim.study.space import Point, Space
from sim.study.spec import Sampling, StudySpec


class Sampler(Protocol):
    """Names points, told what came of those before."""

    def ask(self, told: Sequence[Record]) -> Sequence[Point]:
        """The next batch, in order; empty at the end. ``told`` are all points so far, by index."""
        ...


class Enumeration:
    """The points of the study's method, then those near its front."""

    def __init__(self, spec: StudySpec, space: Space) -> None:
        self._sampling, self._space = spec.sampling, space
        self._objectives = spec.objectives
        self._round = 0

    def ask(self, told: Sequence[Record]) -> Sequence[Point]:
        self._round += 1
        if self._round == 1:
            return list(_distinct(first_points(self._sampling, self._space)))
        refine = self._sampling.refine
        if refine is None or self._round > refine.rounds + 1:
            return []
        return self._near_front(told, refine.points)

    def _near_front(self, told: Sequence[Record], most: int) -> list[Point]:
        """New neighbours of the front, in turn of each of its points."""
        random = np.random.default_rng((self._sampling.seed, self._round))
        seen = {record.point for record in told}
        lists = []
        for best in front(told, self._objectives):
            near = [point for point in self._space.neighbours(best.point) if point not in seen]
            lists.append([near[at] for at in random.permutation(len(near))])
        found: dict[Point, None] = {}
        while len(found) < most and any(lists):
            for near in lists:
                if near and len(found) < most:
                    found[near.pop()] = None
        return list(found)


def first_points(sampling: Sampling, space: Space) -> Iterator[Point]:
    """Points of a method, before those that are the same are left out."""
    if sampling.method == "grid":
        return (space.combination(index) for index in range(space.size))
    assert sampling.points is not None
    random = np.random.default_rng(sampling.seed)
    if sampling.method == "latin_hypercube":
        return _latin_hypercube(random, sampling.points, space)
    return _random(random, sampling.points, space)


def _random(random: np.random.Generator, points: int, space: Space) -> Iterator[Point]:
    """Distinct points, drawn until there are enough or nothing new is found for long."""
    seen: set[Point] = set()
    vain = 0
    patience = min(100_000, 1000 + 10 * space.size)
    while len(seen) < min(points, space.size) and vain < patience:
        drawn = tuple(int(random.integers(len(levels))) for levels in space.levels)
        point = space.settled(drawn)
        if point in seen:
            vain += 1
            continue
        vain = 0
        seen.add(point)
        yield point


def _latin_hypercube(random: np.random.Generator, points: int, space: Space) -> Iterator[Point]:
    """Each parameter's range in as many equal parts as points, each part met once (McKay, Beckman
    and Conover, Technometrics 1979)."""
    columns = [
        (random.permutation(points) + random.random(points)) / points * len(levels)
        for levels in space.levels
    ]
    for row in zip(*columns, strict=True):
        level = (min(int(v), len(of) - 1) for v, of in zip(row, space.levels, strict=True))
        yield space.settled(tuple(level))


def _distinct(points: Iterator[Point]) -> Iterator[Point]:
    seen: set[Point] = set()
    for point in points:
        if point not in seen:
            seen.add(point)
            yield point
