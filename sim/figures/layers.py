"""Where the cycles of a run went, operator by operator."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.figures.alike import TIMES, Group, same_shapes, short_names, timed
from sim.figures.scale import put, scale_of
from sim.figures.style import (
    BLUE,
    COLUMN_IN,
    GREEN,
    INK,
    LETTER_EM,
    MIDDLE,
    ORANGE,
    PAGE_IN,
    PT_PER_IN,
    SMALL_PT,
    TEXT_PT,
    drawing,
    new_figure,
    plain,
    settle,
)
from sim.figures.titles import title
from sim.report.text import percent
from sim.result import OperatorResult, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES_MAX = 60
"""As many names as stand side by side on a page."""
LONGEST = 24
"""Bars that are named where not all are."""
BARS_MAX = 450
"""A bar is one point of print wide then."""
BAR_IN = 0.1
SIDES_IN = 0.95
"""Beside the bars: ticks and labels."""


@dataclass(frozen=True)
class Bars:
    """What is drawn, from left to right."""

    groups: tuple[Group, ...]
    named: tuple[int, ...]
    """Bars whose names stand below them."""
    merged: str = ""
    """How operators were put together, or which are named; empty: each is, and alone."""


def bars(result: Result) -> Bars:
    """Each operator where they fit on a page with their names; else those of one shape together
    where these fit; else all as thin bars, the longest of them named."""
    rows = timed(result)
    if len(rows) <= NAMES_MAX:
        return Bars(_each(rows), tuple(range(len(rows))))
    groups = same_shapes(rows)
    if len(groups) <= NAMES_MAX:
        merged = f"{len(rows)} operators, those of one shape together ({TIMES})"
        return Bars(tuple(groups), tuple(range(len(groups))), merged)
    step = -(-len(rows) // BARS_MAX)
    runs = [rows[at : at + step] for at in range(0, len(rows), step)]
    groups = [
        Group(group.name, tuple(run)) for group, run in zip(_each(rows)[::step], runs, strict=True)
    ]
    merged = f"{len(rows)} operators; " + (f"{step} neighbours a bar; " if step > 1 else "")
    apart = len(groups) / NAMES_MAX
    named: list[int] = []
    for at in sorted(range(len(groups)), key=lambda at: -groups[at].cycles):
        if len(named) < LONGEST and all(abs(at - other) >= apart for other in named):
            named.append(at)
    return Bars(tuple(groups), tuple(sorted(named)), merged + "names of the longest")


def _each(rows: Sequence[OperatorResult]) -> tuple[Group, ...]:
    names = short_names([row.name for row in rows])
    return tuple(Group(name, (row,)) for name, row in zip(names, rows, strict=True))


def layers(result: Result) -> "Figure":
    """Bars of each operator's cycles, split into stalled and not, above its utilisation.

    Operators fused into others are within theirs. Raises InputError without matplotlib.
    """
    shown = bars(result)
    count = len(shown.groups)
    width = min(PAGE_IN, max(COLUMN_IN, SIDES_IN + BAR_IN * count))
    names = [shown.groups[at].name for at in shown.named]
    letters = max(map(len, names), default=0)
    upright = letters * LETTER_EM * SMALL_PT > (width - SIDES_IN) / max(count, 1) * PT_PER_IN
    names_in = letters * LETTER_EM * SMALL_PT / PT_PER_IN if upright else 0.15
    with drawing():
        figure = new_figure(width, 2.75 + names_in)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
        _cycles(above, shown.groups, result)
        _utilisation(below, shown.groups, result)
        below.set_xticks(shown.named, names)
        below.tick_params(axis="x", length=0, rotation=90 if upright else 0)
        below.set_xlim(-0.7, max(count, 1) - 0.3)
        below.set_xlabel(shown.merged)
        above.tick_params(axis="x", length=0)
        figure.align_ylabels([above, below])
        settle(figure)
    return figure


def _cycles(plot: "Axes", groups: Sequence[Group], result: Result) -> None:
    plain(plot, "y")
    cycles = [float(group.cycles) for group in groups]
    scale = scale_of("cycles", "cycles", [0.0, *cycles], log=False)
    stalled = scale.drawn([float(group.stall_cycles) for group in groups])
    other = [all_ - part for all_, part in zip(scale.drawn(cycles), stalled, strict=True)]
    places = range(len(groups))
    width = _bar_width(groups)
    plot.bar(places, other, width, color=BLUE, label="busy or idle")
    plot.bar(
        places, stalled, width, other, color=ORANGE, hatch="/////", edgecolor=INK, linewidth=0,
        label=f"stalled, {percent(sum(g.stall_cycles for g in groups), result.cycles)} % of all",
    )  # fmt: skip
    put(plot, "y", scale)
    plot.set_ylim(0, scale.high)
    plot.set_title(title(result), fontsize=TEXT_PT, loc="left", pad=16)
    plot.legend(
        loc="lower left", bbox_to_anchor=(0, 0.98), ncols=2, fontsize=SMALL_PT,
        handlelength=1.4, columnspacing=1.2, borderaxespad=0,
    )  # fmt: skip


def _utilisation(plot: "Axes", groups: Sequence[Group], result: Result) -> None:
    """Those that multiply nothing have none, and no bar."""
    plain(plot, "y")
    shares = [group.utilisation for group in groups]
    found = {at: 100 * share for at, share in enumerate(shares) if share is not None}
    plot.bar(list(found), list(found.values()), _bar_width(groups), color=GREEN)
    run = 100 * result.utilisation
    plot.axhline(run, color=INK, linewidth=0.8, linestyle=(0, (4, 2)))
    plot.annotate(
        f"run\n{percent(run, 100)} %", (1, run), (3, 0), xycoords=plot.get_yaxis_transform(),
        textcoords="offset points", va="center",
    )  # fmt: skip
    plot.set_ylim(0, max(100.0, run, *found.values()))
    plot.set_yticks([0, 50, 100])
    plot.set_ylabel("utilisation (%)")
    if not groups:
        plot.text(0.5, 0.5, "no operator ran", color=MIDDLE, ha="center", transform=plot.transAxes)


def _bar_width(groups: Sequence[Group]) -> float:
    """Thin bars have no gaps, which would flicker."""
    return 0.74 if len(groups) <= NAMES_MAX else 1.0
