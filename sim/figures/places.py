"""Where short texts stand beside dots."""

import math
from collections.abc import Sequence

Circle = tuple[float, float, float]
"""Centre and radius, in pixels."""
DIRECTIONS = 16
REACHES = (1.0, 1.6, 2.4, 3.4, 4.8)
"""Distances that are tried, in sizes of the text."""


def along_line(start: tuple[float, float], end: tuple[float, float], radius: float) -> list[Circle]:
    """Circles that cover a line."""
    steps = max(1, math.ceil(math.dist(start, end) / max(radius, 2.0)))
    across, up = (end[0] - start[0]) / steps, (end[1] - start[1]) / steps
    return [(start[0] + at * across, start[1] + at * up, radius) for at in range(steps + 1)]


def touching(circles: Sequence[Circle], others: Sequence[Circle]) -> int:
    """How many of the others overlap any of the circles."""
    return sum(any(math.hypot(x - a, y - b) < r + s for a, b, s in circles) for x, y, r in others)


def beside(
    dots: Sequence[Circle],
    obstacles: Sequence[Circle],
    size: float,
    box: tuple[float, float, float, float],
) -> list[tuple[float, float]]:
    """A place for a text of ``size`` beside each dot: near it, within ``box``, off the other
    texts, and off as many obstacles as can be."""
    found: list[tuple[float, float]] = []
    for x, y, radius in dots:
        best = (math.inf, x, y + radius + size)
        for reach in REACHES:
            for step in range(DIRECTIONS):
                # Above and to the left first: below the roofs that is where fewer dots are.
                turn = math.pi * (0.75 + 2 * step / DIRECTIONS)
                far = radius + reach * size
                place = (x + far * math.cos(turn), y + far * math.sin(turn))
                cost = 3 * reach + _cost(place, found, obstacles, size, box)
                if cost < best[0] - 1e-9:
                    best = (cost, *place)
        found.append(best[1:])
    return found


def _cost(
    place: tuple[float, float],
    texts: Sequence[tuple[float, float]],
    obstacles: Sequence[Circle],
    size: float,
    box: tuple[float, float, float, float],
) -> float:
    half = size / 2
    x, y = place
    cost = 0.0
    if not (box[0] + half < x < box[2] - half and box[1] + half < y < box[3] - half):
        cost += 1000.0
    cost += 500.0 * sum(math.dist(place, text) < 1.3 * size for text in texts)
    hit = (math.dist(place, (ox, oy)) < radius + 0.8 * size for ox, oy, radius in obstacles)
    return cost + 4.0 * sum(hit)
