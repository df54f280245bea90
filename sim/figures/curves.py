"""Latency and throughput of networks over the load that they are offered."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from arch.errors import InputError
from sim.figures.scale import Scale, put, scale_of
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

LINES_MAX = len(LOOKS)
"""Lines of a panel that can be told apart."""
ABREAST = 4
"""Panels side by side at most."""
ROW_IN = 1.55
HEADROOM = 1.25
"""Room above the largest latency that is not of a saturated network."""
UNIT = "flits/node/cycle"


@dataclass(frozen=True)
class Curve:
    """A network under one kind of traffic; an entry a load, in any order."""

    panel: str
    """Where it is drawn, as of a traffic pattern."""
    line: str
    """What it is called there, as of a router."""
    offered: Sequence[float]
    """Flits per node and cycle."""
    accepted: Sequence[float]
    """The same."""
    latency: Sequence[float]
    """Cycles, mean."""
    saturated: Sequence[bool]


def curves(given: Sequence[Curve], rule: str) -> "Figure":
    """A column a panel: latency over offered load above, accepted load below.

    The latency of a saturated network grows as long as it is measured, so a line goes only towards
    its first; ``rule`` says what saturated means. Raises InputError for no curve, for sequences
    that differ in length, for a value that is no number, and without matplotlib.
    """
    if not given:
        raise InputError("a figure of curves needs one curve at least, none was given")
    ordered = [_checked(curve) for curve in given]
    panels = list(dict.fromkeys(curve.panel for curve in ordered))
    lines = list(dict.fromkeys(curve.line for curve in ordered))
    if len(lines) > LINES_MAX:
        raise InputError(f"a figure of curves tells {LINES_MAX} lines apart, not {len(lines)}")
    looks = dict(zip(lines, LOOKS, strict=False))
    columns = min(len(panels), ABREAST)
    bands = -(-len(panels) // columns)
    with drawing():
        width = COLUMN_IN if columns == 1 else PAGE_IN
        figure = new_figure(width, 0.6 + bands * (2 * ROW_IN + 0.35))
        grid = figure.subplots(2 * bands, columns, squeeze=False)
        up = _latencies(ordered)
        for spare in range(len(panels), bands * columns):
            for row in (0, 1):
                grid[2 * (spare // columns) + row, spare % columns].set_axis_off()
        for at, panel in enumerate(panels):
            band, column = divmod(at, columns)
            here = [curve for curve in ordered if curve.panel == panel]
            top, bottom = grid[2 * band, column], grid[2 * band + 1, column]
            _panel(top, bottom, here, looks, up, labelled=column == 0)
            top.set_title(panel.replace("$", r"\$"), fontsize=TEXT_PT, loc="left")
        figure.align_ylabels(grid[:, 0])
        _key(figure, looks, rule, width)
        settle(figure)
    return figure


def _checked(curve: Curve) -> Curve:
    """With its loads in order."""
    columns = (curve.offered, curve.accepted, curve.latency, curve.saturated)
    if len({len(each) for each in columns}) > 1 or not len(curve.offered):
        raise InputError(
            f"curve {curve.panel} {curve.line}: offered, accepted, latency and saturated must have "
            f"an entry for each load, not {', '.join(str(len(each)) for each in columns)}"
        )
    rows = sorted(zip(*columns, strict=True))
    for row in rows:
        if not all(math.isfinite(value) for value in row):
            raise InputError(f"curve {curve.panel} {curve.line}: must be finite numbers, not {row}")
    offered, accepted, latency, saturated = zip(*rows, strict=True)
    return Curve(curve.panel, curve.line, offered, accepted, latency, saturated)


def _latencies(ordered: Sequence[Curve]) -> Scale:
    """Of all panels, up to what is not saturated; if nothing is so, all."""
    calm = [
        latency
        for curve in ordered
        for latency, over in zip(curve.latency, curve.saturated, strict=True)
        if not over
    ]
    shown = calm or [latency for curve in ordered for latency in curve.latency]
    scale = scale_of("latency", "cycles", [min(shown), max(shown) * HEADROOM], log=True, typical=1)
    if not scale.log:
        return scale
    # A tick stands at the lower end.
    power = 10.0 ** math.floor(math.log10(min(shown)))
    low = max(each * power for each in (1, 2, 5) if each * power <= min(shown))
    return replace(scale, low=low)


def _panel(
    top: "Plot", bottom: "Plot", here: Sequence[Curve], looks: dict[str, Look], up: Scale,
    *, labelled: bool,
) -> None:  # fmt: skip
    most = max(max(curve.offered) for curve in here)
    across = scale_of("offered", UNIT, [0.0, most], log=False)
    accepted = scale_of("accepted", UNIT, [0.0, most], log=False)
    for plot in (top, bottom):
        plain(plot)
        put(plot, "x", across, labelled=plot is bottom)
    put(top, "y", up, labelled=labelled)
    top.tick_params(labelbottom=False)
    put(bottom, "y", accepted, labelled=labelled)
    bottom.plot([0, most], [0, most], color=MIDDLE, linewidth=0.7, linestyle=(0, (2, 2)), zorder=1)
    for curve in here:
        look = looks[curve.line]
        calm = next((at for at, over in enumerate(curve.saturated) if over), len(curve.offered))
        top.plot(
            curve.offered[:calm], curve.latency[:calm], color=look.colour, linewidth=0.9,
            marker=look.marker, markersize=2.6, markeredgewidth=0.5, zorder=3, gid="latency",
        )  # fmt: skip
        ends = slice(max(calm - 1, 0), calm + 1)
        top.plot(
            curve.offered[ends], curve.latency[ends], color=look.colour, linewidth=0.9,
            linestyle=(0, (3, 1.5)), zorder=2, gid="wall",
        )  # fmt: skip
        bottom.plot(curve.offered, curve.accepted, color=look.colour, linewidth=0.9, zorder=2,
                    gid="accepted")  # fmt: skip
        for part, face in ((slice(calm), look.colour), (slice(calm, None), "white")):
            bottom.plot(
                curve.offered[part], curve.accepted[part], linestyle="", marker=look.marker,
                markersize=2.6, markeredgewidth=0.5, markeredgecolor=look.colour,
                markerfacecolor=face, zorder=3,
            )  # fmt: skip


def _key(figure: "Figure", looks: dict[str, Look], rule: str, width: float) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=look.colour, linewidth=0.9, marker=look.marker, markersize=3,
               label=line.replace("$", r"\$"))
        for line, look in looks.items()
    ]  # fmt: skip
    handles += [
        Line2D([], [], color=INK, linewidth=0.9, linestyle=(0, (3, 1.5)), label="saturates"),
        Line2D([], [], color=INK, linestyle="", marker="o", markersize=3, markerfacecolor="white",
               markeredgewidth=0.5, label=f"saturated: {rule}"),
        Line2D([], [], color=MIDDLE, linewidth=0.7, linestyle=(0, (2, 2)), label="all accepted"),
    ]  # fmt: skip
    figure.legend(
        handles=handles, loc="outside upper left", ncols=1 if width == COLUMN_IN else 6,
        fontsize=SMALL_PT, handlelength=2, columnspacing=1.2, handletextpad=0.5,
    )  # fmt: skip
