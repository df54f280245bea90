"""A run under the roofs of its machine."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.figures.alike import Group, same_shapes, timed
from sim.figures.places import Circle, beside
from sim.figures.roof_lines import draw_roofs, pixel, points
from sim.figures.roofs import roofs
from sim.figures.scale import Scale, put, scale_of
from sim.figures.style import (
    BLUE,
    COLUMN_IN,
    INK,
    MIDDLE,
    SMALL_PT,
    TEXT_PT,
    drawing,
    new_figure,
    plain,
    settle,
)
from sim.figures.titles import title
from sim.report.table import memory_bytes
from sim.report.text import percent
from sim.result import OperatorResult, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMED = 5
"""Operators in the key."""
HEIGHT_IN = 3.5
AREA_PT2 = 600.0
"""Of a dot that stands for all cycles."""
AREA_MIN_PT2 = 5.0
NEAR = 0.02
"""Places of one shape are one place within 2 %."""
SHARES = (0.01, 0.1)
"""Dots in the key."""
SHORTEST = 20.0
"""How far axes reach below the ridges at least, as a factor."""


@dataclass(frozen=True)
class Dot:
    """A matrix operator, or several of one shape at one place."""

    operators: tuple[OperatorResult, ...]
    x: float
    """MACs a byte; of a machine without memory, MACs."""
    y: float
    """MACs a second."""
    share: float
    """Of all cycles."""


def dots(result: Result) -> list[Dot]:
    """Matrix operators; those of one shape are one dot where they would hide each other.

    Where there is memory, those without traffic (in a window) have no place and are left out.
    """
    array = result.machine["array"]
    hz = result.machine["clocks"][array["clock"]] * 1000
    moves = result.machine["memory"] is not None
    rows = [row for row in timed(result) if row.macs and (memory_bytes(row) or not moves)]
    found = []
    for group in same_shapes(rows):
        places: dict[tuple[int, int], list[OperatorResult]] = {}
        for row in group.members:
            traffic, rate = memory_bytes(row) or 1, row.macs / row.cycles
            near = (round(math.log(traffic) / NEAR), round(math.log(rate) / NEAR))
            places.setdefault(near, []).append(row)
        for members in places.values():
            macs, cycles = sum(row.macs for row in members), sum(row.cycles for row in members)
            x = macs / (sum(map(memory_bytes, members)) if moves else len(members))
            found.append(Dot(tuple(members), x, macs / cycles * hz, cycles / result.cycles))
    return found


def roofline(result: Result) -> "Figure":
    """Each matrix operator by its MACs per byte of memory traffic and the MACs a second that it
    attained, below what the peak and the bandwidths of the machine allow.

    Without a memory there is the peak alone, and operators stand by their MACs. Raises InputError
    without matplotlib.
    """
    bounds, found = roofs(result.machine), dots(result)
    peak = bounds.peak_macs_per_second
    ridges = [peak / roof.bytes_per_second for roof in (bounds.memory, *bounds.alone) if roof]
    xs = [dot.x for dot in found] + [r * f for r in ridges for f in (1 / SHORTEST, 3)]
    ys = [dot.y for dot in found] + [peak / SHORTEST, peak * 2]
    with drawing():
        figure = new_figure(COLUMN_IN, HEIGHT_IN)
        plot, key = figure.subplots(2, 1, height_ratios=[1, 0.36])
        plain(plot)
        if bounds.memory is None:
            x = scale_of("size of the operator", "MACs", xs or [1.0, 10.0], log=True)
        else:
            x = scale_of("MACs per byte of memory traffic", "", xs, log=True)
        y = scale_of("attained", "MAC/s", ys, log=True, typical=peak)
        put(plot, "x", x)
        put(plot, "y", y)
        plot.set_title(title(result), fontsize=TEXT_PT, loc="left")
        _dots(plot, found, x, y)
        named = _longest(found)
        _key(key, named, found, result)
        settle(figure)
        circles = {id(dot): _circle(plot, dot, x, y) for dot in found}
        covered = draw_roofs(plot, bounds, x, y, list(circles.values()))
        _numbers(plot, named, found, circles, covered)
    return figure


def _dots(plot: "Axes", found: Sequence[Dot], x: Scale, y: Scale) -> None:
    """The largest first, so that none hides another."""
    inward = sorted(found, key=lambda dot: -dot.share)
    plot.scatter(
        x.drawn([dot.x for dot in inward]), y.drawn([dot.y for dot in inward]),
        s=[_area(dot.share) for dot in inward], facecolor=BLUE, alpha=0.65, edgecolor="white",
        linewidth=0.4, zorder=3, label="operators",
    )  # fmt: skip
    if not found:
        plot.text(
            0.5, 0.5, "no matrix product ran", color=MIDDLE, ha="center", transform=plot.transAxes
        )


def _area(share: float) -> float:
    return max(AREA_MIN_PT2, AREA_PT2 * share)


def _longest(found: Sequence[Dot]) -> list[Group]:
    """Operators that take most cycles, those of one shape together."""
    groups = same_shapes([row for dot in found for row in dot.operators])
    return sorted(groups, key=lambda group: -group.cycles)[:NAMED]


def _circle(plot: "Axes", dot: Dot, x: Scale, y: Scale) -> Circle:
    radius = math.sqrt(_area(dot.share) / math.pi) * points(plot)
    return (*pixel(plot, dot.x * x.factor, dot.y * y.factor), radius)


def _numbers(
    plot: "Axes",
    named: Sequence[Group],
    found: Sequence[Dot],
    circles: Mapping[int, Circle],
    covered: list[Circle],
) -> None:
    """The number of each group of the key beside its largest dot."""
    of = {id(row): dot for dot in found for row in dot.operators}
    largest = [
        max((of[id(member)] for member in group.members), key=lambda dot: dot.share)
        for group in named
    ]
    scale, box = points(plot), plot.get_window_extent()
    at = [circles[id(dot)] for dot in largest]
    limits = (box.x0, box.y0, box.x1, box.y1)
    places = beside(at, [*circles.values(), *covered], SMALL_PT * scale, limits)
    for number, (dot, place) in enumerate(zip(at, places, strict=True), 1):
        plot.annotate(
            str(number), tuple(plot.transData.inverted().transform(dot[:2])),
            ((place[0] - dot[0]) / scale, (place[1] - dot[1]) / scale), textcoords="offset points",
            ha="center", va="center", fontweight="bold", zorder=5,
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": INK, "patchA": None,
                        "shrinkA": 3.4, "shrinkB": 0},
        )  # fmt: skip


def _key(plot: "Axes", named: Sequence[Group], found: Sequence[Dot], result: Result) -> None:
    """Names of the numbers with their share of the cycles, and what the size of a dot means."""
    plot.set_axis_off()
    plot.set_xlim(0, 1)
    plot.set_ylim(-NAMED - 0.9, 0.6)
    total = result.cycles
    shown = sum(row.cycles for dot in found for row in dot.operators)
    plot.text(0, 0, f"matrix products, {percent(shown, total)} % of the cycles; the longest:",
              va="center")  # fmt: skip
    for line, group in enumerate(named, 1):
        plot.text(0, -line, str(line), fontweight="bold", va="center")
        plot.text(0.05, -line, group.name, va="center")
        plot.text(0.62, -line, f"{percent(group.cycles, total)} %", va="center", ha="right")
    plot.text(0.7, -1, "area of a dot:", va="center")
    for line, share in enumerate(SHARES, 2):
        plot.scatter([0.74], [-line - 0.2], s=_area(share), color=BLUE, alpha=0.65,
                     edgecolor="white", linewidth=0.4)  # fmt: skip
        plot.text(0.8, -line - 0.2, f"{share:.0%} of cycles".replace("%", " %"), va="center")
