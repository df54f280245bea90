"""The points of a study, and the front of the best of them."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arch.errors import InputError
from sim.figures.front import envelope, staircase
from sim.figures.scale import Axis, Scale, better, can_be_log, put, scale_of, wide
from sim.figures.style import (
    COLUMN_IN,
    INK,
    LOOKS,
    MIDDLE,
    PAGE_IN,
    SMALL_PT,
    TEXT_PT,
    Look,
    drawing,
    new_figure,
    plain,
    settle,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Plot
    from matplotlib.figure import Figure

__all__ = ["Axis", "Panel", "pareto"]

ABREAST = 3
"""Panels side by side at most."""
PANEL_IN = 2.1
VECTORS_MAX = 1000
"""Light points of a panel that are drawn as shapes; more become an image."""
TURNS = 16
SHARED = 0.3
"""Panels have the same axis if each fills this share of it."""
REST = "others"


@dataclass(frozen=True)
class Panel:
    """One picture: points, an entry each."""

    title: str
    x: Sequence[float]
    y: Sequence[float]
    on_front: Sequence[bool]
    groups: Sequence[str]
    """A label a point, as of its dataflow; they may all be the same."""


def pareto(panels: Sequence[Panel], x: Axis, y: Axis) -> "Figure":
    """Panels side by side: points light, those on the front strong and joined by the line of what
    can be had.

    Raises InputError for no panel, for a panel whose sequences differ in length, for a value that
    is no number, and without matplotlib.
    """
    if not panels:
        raise InputError("a figure of fronts needs one panel at least, none was given")
    for panel in panels:
        _check(panel)
    looks = _looks(panels)
    columns = _columns(len(panels))
    rows = -(-len(panels) // columns)
    with drawing():
        width = COLUMN_IN if columns == 1 else PAGE_IN
        figure = new_figure(width, 0.45 + rows * (2.5 if columns == 1 else PANEL_IN))
        grid = figure.subplots(rows, columns, squeeze=False)
        for spare in grid.flat[len(panels) :]:
            spare.set_axis_off()
        across = _scales(x, [panel.x for panel in panels])
        up = _scales(y, [panel.y for panel in panels])
        for at, panel in enumerate(panels):
            row, column = divmod(at, columns)
            plot = grid[row, column]
            plain(plot)
            lowest = at + columns >= len(panels)
            put(plot, "x", across[at], labelled=lowest or not _equal(across))
            put(plot, "y", up[at], labelled=column == 0 or not _equal(up))
            plot.set_title(panel.title.replace("$", r"\$"), fontsize=TEXT_PT, loc="left")
            _points(plot, panel, looks, across[at], up[at])
            _front(plot, panel, looks, x, y, across[at], up[at])
        _key(figure, looks, panels)
        settle(figure)
    return figure


def _check(panel: Panel) -> None:
    sizes = {len(each) for each in (panel.x, panel.y, panel.on_front, panel.groups)}
    if len(sizes) > 1:
        raise InputError(
            f"panel {panel.title!r}: x, y, on_front and groups must have an entry for each point, "
            f"not {len(panel.x)}, {len(panel.y)}, {len(panel.on_front)} and {len(panel.groups)}"
        )
    for name, values in (("x", panel.x), ("y", panel.y)):
        for at, value in enumerate(values):
            if not math.isfinite(value):
                raise InputError(
                    f"panel {panel.title!r}: {name}[{at}] must be a finite number, not {value}"
                )


def _columns(count: int) -> int:
    return 2 if count in (2, 4) else min(count, ABREAST)


def _looks(panels: Sequence[Panel]) -> dict[str, Look]:
    """By group, in the order of their names; the smallest of too many share the last one."""
    sizes = Counter(group for panel in panels for group in panel.groups)
    own = sorted(sizes, key=lambda group: (-sizes[group], group))
    if len(own) > len(LOOKS):
        own = own[: len(LOOKS) - 1]
    found = dict(zip(sorted(own), LOOKS, strict=False))
    return found | {group: LOOKS[-1] for group in sizes if group not in found}


def _scales(axis: Axis, values: Sequence[Sequence[float]]) -> list[Scale]:
    """A scale a panel, all the same where that leaves none of them small."""
    every = [value for panel in values for value in panel]
    log = can_be_log(every) and any(wide(panel) for panel in values)

    def scale(panel: Sequence[float]) -> Scale:
        return better(scale_of(axis.name, axis.unit, panel, log=log), axis)

    def filled(panel: Sequence[float]) -> float:
        low, high, limits = min(panel), max(panel), (min(every), max(every))
        if limits[0] == limits[1]:
            return 1.0
        if log:
            return math.log(high / low) / math.log(limits[1] / limits[0])
        return (high - low) / (limits[1] - limits[0])

    if all(filled(panel) >= SHARED for panel in values if len(panel)):
        return [scale(every)] * len(values)
    return [scale(panel if len(panel) else every) for panel in values]


def _equal(scales: Sequence[Scale]) -> bool:
    return all(scale == scales[0] for scale in scales)


def _points(plot: "Plot", panel: Panel, looks: dict[str, Look], across: Scale, up: Scale) -> None:
    if not panel.x:
        plot.text(0.5, 0.5, "no feasible point", ha="center", transform=plot.transAxes,
                  color=MIDDLE, fontsize=TEXT_PT)  # fmt: skip
        return
    xs, ys = across.drawn(panel.x), up.drawn(panel.y)
    many = len(xs) > VECTORS_MAX
    # Of many, the groups take turns, so that the last does not cover the others.
    turns = TURNS if many else 1
    for turn in range(turns):
        for look in dict.fromkeys(looks.values()):
            at = [i for i in range(turn, len(xs), turns) if looks[panel.groups[i]] is look]
            plot.plot(
                [xs[i] for i in at], [ys[i] for i in at], linestyle="", marker=look.marker,
                markersize=1.8 if many else 2.4, markerfacecolor=look.colour, markeredgewidth=0,
                alpha=0.2 if many else 0.3, rasterized=many, zorder=2, gid="points",
            )  # fmt: skip


def _front(
    plot: "Plot", panel: Panel, looks: dict[str, Look], x: Axis, y: Axis, across: Scale, up: Scale
) -> None:
    """Its line ends at the sides of the panel, as worse can be had there as well."""
    xs, ys = across.drawn(panel.x), up.drawn(panel.y)
    best = [i for i, strong in enumerate(panel.on_front) if strong]
    if not best:
        return
    corners = staircase(envelope([(xs[i], ys[i]) for i in best], x.best, y.best), x.best)
    worst_x = across.high if x.best == "min" else across.low
    worst_y = up.high if y.best == "min" else up.low
    first, last = corners[0], corners[-1]
    if x.best == "min":
        line = [(first[0], worst_y), *corners, (worst_x, last[1])]
    else:
        line = [(worst_x, first[1]), *corners, (last[0], worst_y)]
    plot.plot(*zip(*line, strict=True), color=INK, linewidth=0.9, zorder=3, gid="front")
    for look in dict.fromkeys(looks.values()):
        at = [i for i in best if looks[panel.groups[i]] is look]
        plot.plot(
            [xs[i] for i in at], [ys[i] for i in at], linestyle="", marker=look.marker,
            markersize=4.2, markerfacecolor=look.colour, markeredgecolor=INK, markeredgewidth=0.5,
            zorder=4, gid="best",
        )  # fmt: skip


def _key(figure: "Figure", looks: dict[str, Look], panels: Sequence[Panel]) -> None:
    from matplotlib.lines import Line2D

    if not looks:
        return
    names: dict[Look, str] = {}
    for group, look in sorted(looks.items()):
        names[look] = REST if look in names else group
    alone = len(names) == 1
    handles = [
        Line2D([], [], linestyle="", marker=look.marker, markersize=4.2, color=look.colour,
               label="point" if alone else name)
        for look, name in names.items()
    ]  # fmt: skip
    if any(any(panel.on_front) for panel in panels):
        marker = LOOKS[0].marker if alone else None
        handles.append(
            Line2D([], [], color=INK, linewidth=0.9, marker=marker, markersize=4.2,
                   markerfacecolor=LOOKS[0].colour, markeredgecolor=INK, markeredgewidth=0.5,
                   label="front")
        )  # fmt: skip
    figure.legend(
        handles=handles, loc="outside upper left", ncols=4 if len(panels) == 1 else 8,
        fontsize=SMALL_PT, handlelength=1.6, columnspacing=1.2, handletextpad=0.5,
    )  # fmt: skip
