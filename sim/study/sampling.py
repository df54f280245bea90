"""Which points a study looks at, batch after batch.

A sampler is asked for points and told what came of all before; none left means that it is done.
What it says depends on the study and on results alone, so a study that was broken off goes on with
the same points. Other samplers take this place.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

import numpy as np

from sim.study.pareto import front
from sim.study.record import Record
from sim.study.space import Point, Space
from sim.study.spec import Sampling, StudySpec

SHUFFLED_MAX = 10**6
"""Combinations that are shuffled rather than drawn."""
PATIENCE = 100_000
"""Points in a row that were drawn before, after which there are taken to be no others."""


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
    """Distinct points: all combinations shuffled, or, where they are too many for that, drawn until
    there are enough or nothing new is found for long."""
    if space.size <= SHUFFLED_MAX:
        shuffled = random.permutation(space.size)
        yield from islice(_distinct(space.combination(int(at)) for at in shuffled), points)
        return
    seen: set[Point] = set()
    vain = 0
    while len(seen) < points and vain < PATIENCE:
        drawn = tuple(int(random.integers(len(levels))) for levels in space.levels)
        point = space.settled(drawn)
        if point in seen:
            vain += 1
            continue
        vain = 0
        seen.add(point)
        yield point


def _latin_hypercube(random: np.random.Generator, points: int, space: Space) -> Iterator[Point]:
    """Each level of each parameter equally often, or once more or less, in random combinations
    (McKay, Beckman and Conover, Technometrics 1979)."""
    columns = []
    for levels in space.levels:
        all_once, more = divmod(points, len(levels))
        # As far apart as may be, from a random one on: no two are the same.
        spread = (np.arange(more) + random.random()) * len(levels) / max(more, 1)
        rest = np.minimum(spread.astype(int), len(levels) - 1)
        column = np.concatenate([np.tile(np.arange(len(levels)), all_once), rest])
        columns.append(random.permutation(column))
    for row in zip(*columns, strict=True):
        yield space.settled(tuple(map(int, row)))


def _distinct(points: Iterator[Point]) -> Iterator[Point]:
    seen: set[Point] = set()
    for point in points:
        if point not in seen:
            seen.add(point)
            yield point
