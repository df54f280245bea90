"""What each parameter of a study does to each objective."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from arch.errors import InputError
from sim.figures.levels import NOT_SET, Level, distinct, effect, in_order, levels, quartiles
from sim.figures.scale import Axis, Scale, better, put, scale_of
from sim.figures.style import (
    COLUMN_IN,
    INK,
    LETTER_EM,
    MIDDLE,
    PAGE_IN,
    PT_PER_IN,
    SKY,
    SMALL_PT,
    TEXT_PT,
    VERMILION,
    drawing,
    new_figure,
    plain,
    settle,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Plot
    from matplotlib.figure import Figure

PARAMETERS_MAX = 8
LEVELS_MAX, LEVELS_MIN = 12, 4
PLACE_IN = 0.125
"""From a value to the next, so that upright labels stand side by side."""
GAP_IN = 0.16
"""Between parameters."""
SIDES_IN = 0.62
ROW_IN = 1.35


def effects(
    parameters: Mapping[str, Sequence[object]],
    objectives: Mapping[str, Sequence[float]],
    axes: Mapping[str, Axis],
) -> "Figure":
    """A row an objective, a column a parameter that varies: for each of its values the best of
    the points with it, their median and their quartiles.

    ``parameters`` and ``objectives`` have an entry a point; ``axes`` names each objective, with its
    unit and its good end. With more than eight parameters, those that explain least of the
    objectives' variance are only named. Raises InputError for sequences of different lengths, an
    objective without axis or that is no number, and without matplotlib.
    """
    count = _check(parameters, objectives, axes)
    varied = [name for name, values in parameters.items() if distinct(values) > 1]
    kept = _strongest(varied, parameters, objectives)
    columns = _columns({name: parameters[name] for name in kept})
    if not columns:
        reason = "no parameter varies" if count else "no feasible point"
        return _empty(reason)
    letters = max(len(level.label) for column in columns.values() for level in column)
    labels_in = letters * LETTER_EM * SMALL_PT / PT_PER_IN
    places = sum(max(len(column), LEVELS_MIN) for column in columns.values())
    needed = SIDES_IN + places * 2 * PLACE_IN + len(columns) * GAP_IN
    width = min(PAGE_IN, max(COLUMN_IN, needed))
    left_out = [name for name in varied if name not in kept]
    with drawing():
        figure = new_figure(width, 0.8 + len(objectives) * ROW_IN + labels_in)
        shares = [_places(len(column)) for column in columns.values()]
        grid = figure.subplots(
            len(objectives), len(columns), squeeze=False, sharex="col", sharey="row",
            width_ratios=shares,
        )  # fmt: skip
        for row, (name, values) in enumerate(objectives.items()):
            found = {key: summaries(column, values, axes[name]) for key, column in columns.items()}
            shown = [value for each in found.values() for one in each for value in astuple(one)]
            scale = better(scale_of(axes[name].name, axes[name].unit, shown), axes[name])
            for at, key in enumerate(columns):
                plot = grid[row, at]
                plain(plot, "y")
                put(plot, "y", scale, labelled=at == 0)
                _column(plot, found[key], scale, _joined(columns[key], parameters[key]))
                plot.tick_params(axis="y", labelleft=at == 0)
                plot.tick_params(axis="x", length=0, labelbottom=row == len(objectives) - 1)
        letter_in = LETTER_EM * SMALL_PT / PT_PER_IN
        for at, (name, column) in enumerate(columns.items()):
            labels = [level.label for level in column]
            room = (width - SIDES_IN) * shares[at] / sum(shares) / letter_in
            upright = max(map(len, labels)) > room / shares[at] - 1.5
            grid[-1, at].set_xticks(range(len(column)), labels, rotation=90 if upright else 0)
            grid[0, at].set_title(wrapped(name, int(room)), fontsize=SMALL_PT)
        figure.align_ylabels(grid[:, 0])
        _key(figure)
        if left_out:
            note = f"of less effect, not drawn: {', '.join(left_out)}"
            figure.supxlabel(
                wrapped(note, int(width * PT_PER_IN / (LETTER_EM * SMALL_PT)), " "),
                fontsize=SMALL_PT, x=0.01, ha="left",
            )  # fmt: skip
        settle(figure)
    return figure


def _check(
    parameters: Mapping[str, Sequence[object]],
    objectives: Mapping[str, Sequence[float]],
    axes: Mapping[str, Axis],
) -> int:
    """Number of points."""
    if not objectives:
        raise InputError("a figure of effects needs one objective at least, none was given")
    sizes = {name: len(values) for name, values in (*parameters.items(), *objectives.items())}
    first, count = next(iter((name, sizes[name]) for name in objectives))
    for name, size in sizes.items():
        if size != count:
            raise InputError(f"{name} has {size} values and {first} {count}; each point needs one")
    for name, values in objectives.items():
        if name not in axes:
            raise InputError(
                f"objective {name!r} has no axis; axes are {', '.join(axes) or 'none'}"
            )
        for at, value in enumerate(values):
            if not math.isfinite(value):
                raise InputError(f"{name}[{at}] must be a finite number, not {value}")
    return count


def _strongest(
    varied: Sequence[str],
    parameters: Mapping[str, Sequence[object]],
    objectives: Mapping[str, Sequence[float]],
) -> list[str]:
    """Those whose values explain most of any objective, in the order given."""
    if len(varied) <= PARAMETERS_MAX:
        return list(varied)
    size = {}
    for name in varied:
        column = levels(parameters[name], LEVELS_MAX)
        size[name] = max(effect(column, values) for values in objectives.values())
    strongest = sorted(varied, key=lambda name: -size[name])[:PARAMETERS_MAX]
    return [name for name in varied if name in strongest]


def _columns(parameters: Mapping[str, Sequence[object]]) -> dict[str, list[Level]]:
    """Values of each parameter, as many as find room on the page."""
    room = (PAGE_IN - SIDES_IN - len(parameters) * GAP_IN) / PLACE_IN
    counts = [distinct(values) for values in parameters.values()]
    most = LEVELS_MAX
    while most > LEVELS_MIN and sum(_places(min(count, most)) for count in counts) > room:
        most -= 1
    return {name: levels(values, most) for name, values in parameters.items()}


@dataclass(frozen=True)
class Summary:
    """An objective over the points of a level."""

    best: float
    first: float
    """First quartile."""
    median: float
    third: float
    """Third quartile."""


def summaries(column: Sequence[Level], values: Sequence[float], axis: Axis) -> list[Summary]:
    """Of each level."""
    pick = min if axis.best == "min" else max
    inside = [[values[at] for at in level.points] for level in column]
    return [Summary(pick(each), *quartiles(each)) for each in inside]


def _joined(column: Sequence[Level], values: Sequence[object]) -> int:
    """How many of the levels have an order, which those that are not set have not."""
    if not in_order(values):
        return 0
    return len(column) - (column[-1].label == NOT_SET)


def _places(count: int) -> float:
    """Width of a column with so many values."""
    return max(count, LEVELS_MIN) + 0.4


def _column(plot: "Plot", found: Sequence[Summary], scale: Scale, joined: int) -> None:
    """The first ``joined`` of the best are joined by a line."""
    for place, one in enumerate(found):
        low, middle, high = scale.drawn((one.first, one.median, one.third))
        plot.bar(place, high - low, 0.62, low, color=SKY, alpha=0.75, zorder=2, gid="quartiles")
        plot.plot(
            [place - 0.31, place + 0.31], [middle, middle], color=INK, linewidth=0.9, zorder=3,
            solid_capstyle="butt", gid="median",
        )  # fmt: skip
    best = scale.drawn([one.best for one in found])
    plot.plot(
        range(joined), best[:joined], color=VERMILION, linewidth=0.7, linestyle=(0, (3, 1.5)),
        zorder=4, gid="joined",
    )  # fmt: skip
    plot.plot(
        range(len(best)), best, color=VERMILION, linestyle="", marker="D", markersize=3,
        markeredgecolor=INK, markeredgewidth=0.4, zorder=5, gid="best",
    )  # fmt: skip
    middle = (len(found) - 1) / 2
    half = max(len(found), LEVELS_MIN) / 2 + 0.2
    plot.set_xlim(middle - half, middle + half)


def _key(figure: "Figure") -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    figure.legend(
        handles=[
            Line2D([], [], color=VERMILION, linewidth=0.7, linestyle=(0, (3, 1.5)), marker="D",
                   markersize=3, markeredgecolor=INK, markeredgewidth=0.4, label="best"),
            Line2D([], [], color=INK, linewidth=0.9, label="median"),
            Patch(color=SKY, alpha=0.75, linewidth=0, label="quartiles"),
        ],
        loc="outside upper left", ncols=3, fontsize=SMALL_PT, handlelength=2, columnspacing=1.4,
        handletextpad=0.5,
    )  # fmt: skip


def _empty(reason: str) -> "Figure":
    with drawing():
        figure = new_figure(COLUMN_IN, 1.0)
        figure.text(0.5, 0.5, reason, ha="center", va="center", color=MIDDLE, fontsize=TEXT_PT)
        settle(figure)
    return figure


def wrapped(text: str, letters: int, after: str = "._ ") -> str:
    """Lines of at most ``letters`` letters, broken behind any of ``after`` where possible."""
    words = re.findall(f"[^{re.escape(after)}]*[{re.escape(after)}]|[^{re.escape(after)}]+", text)
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1] + word.rstrip()) > letters:
            lines.append("")
        while len(word.rstrip()) > letters > 0:
            lines[-1:] = [word[:letters], ""]
            word = word[letters:]
        lines[-1] += word
    return "\n".join(line.rstrip() for line in lines).replace("$", r"\$")
