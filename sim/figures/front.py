"""The front of two objectives as a line."""

from collections.abc import Sequence
from itertools import pairwise

from sim.figures.scale import Best

Point = tuple[float, float]


def envelope(points: Sequence[Point], x_best: Best, y_best: Best) -> list[Point]:
    """Points that no other is better than in both, from left to right; of equal ones the first.

    Of a front in more objectives than the two, these are what its picture ends with.
    """
    sign_x, sign_y = (1 if best == "min" else -1 for best in (x_best, y_best))
    found: list[Point] = []
    for x, y in sorted(set(points), key=lambda point: (sign_x * point[0], sign_y * point[1])):
        if not found or sign_y * y < sign_y * found[-1][1]:
            found.append((x, y))
    return sorted(found)


def staircase(front: Sequence[Point], x_best: Best) -> list[Point]:
    """Corners of the line that tells the best ``y`` of those at least as good in ``x``.

    ``front`` goes from left to right. A point's ``y`` holds to the side where ``x`` is worse, up
    to the next point.
    """
    corners = list(front[:1])
    for (left, low), (right, high) in pairwise(front):
        corners += [(right, low) if x_best == "min" else (left, high), (right, high)]
    return corners
