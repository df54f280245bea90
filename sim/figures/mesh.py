"""How busy the links of a mesh are, as maps: of a whole run, and of windows of its time.

A router is a cell: a triangle to each side is its link to the neighbour there, the square in the
middle that to its own node, or what else is told of a node. Counts are what left a router by +x,
-x, +y, -y, and what the middle tells.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.figures.style import (
    COLUMN_IN,
    LETTER_EM,
    MIDDLE,
    PAGE_IN,
    PT_PER_IN,
    SMALL_PT,
    TEXT_PT,
    drawing,
    new_figure,
    settle,
)
from sim.report.text import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Plot
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

Counts = npt.NDArray[np.int64]

COLOURS = "YlGnBu"
"""From light to dark without a step back, so that it holds in grey."""
LINKS = 4
"""Ports of a router to neighbours."""
CELLS_MAX = 32
"""Routers along a side whose links are told apart; of larger meshes a router has one colour."""
CELL_IN = 0.07
"""Side of a router below which its links cannot be told apart either."""
LINE = 16
"""Times that a mesh of one colour a router is longer than wide from which on it is drawn wider."""
SHAPES_MAX = 1500
"""Links of a figure that are drawn as shapes; more become an image."""
HALF, INNER = 0.47, 0.17
"""Half the sides of a cell and of the square in its middle, in distances of routers."""
HEIGHT_IN = 6.0
"""Of all maps of a page."""
TITLE_IN, BAR_IN, AROUND_IN = 0.22, 0.75, 0.65
"""Above each map, beside all of them, and above and below."""
CELL = "side of a cell: link out to that neighbour"
WHOLE = "a router is as dark as its busiest link out to a neighbour"
TO_NODE = "link to the node"
"""What the middle of a cell tells of a packet mesh."""
NICE = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def link_map(counts: Counts, cycles: int, title: str, middle: str = TO_NODE) -> "Figure":
    """The links of a mesh over a run of so many cycles.

    ``counts`` [height, width, 5], ``middle`` says what the fifth ones are. Raises InputError
    without matplotlib.
    """
    busy = _busy(counts[None], np.array([cycles]))
    tall = counts.shape[0] / counts.shape[1]
    height = min(HEIGHT_IN, max(0.8, (COLUMN_IN - BAR_IN - 0.35) * tall))
    with drawing():
        from matplotlib.ticker import MaxNLocator

        figure = new_figure(COLUMN_IN, height + AROUND_IN + 0.5)
        plot = figure.subplots()
        whole = max(counts.shape[:2]) > CELLS_MAX
        shapes = _map(plot, busy[0], _most(busy, whole=whole), images=False, whole=whole)
        for name, axis in (("x", plot.xaxis), ("y", plot.yaxis)):
            axis.set_label_text(name, fontsize=TEXT_PT)
            # A mesh one router wide has one tick; two would have to be fractions.
            axis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
        plot.tick_params(labelsize=SMALL_PT, width=0.6, length=2.5)
        _title(figure, title, WHOLE if whole else f"{CELL}; middle: {middle}")
        _bar(figure, shapes, [plot])
        settle(figure)
    return figure


def link_windows(counts: Counts, cycles: Counts, title: str, middle: str = TO_NODE) -> "Figure":
    """The links of a mesh in windows of time, one map each, on one scale of colours.

    ``counts`` [windows, height, width, 5] in windows of ``cycles`` [windows]; ``middle`` as of
    ``link_map``. Raises InputError without matplotlib.
    """
    busy = _busy(counts, cycles)
    windows, height, width = counts.shape[:3]
    spans = [
        f"{count(last - length + 1)} to {count(last)}" if length > 1 else count(last)
        for length, last in zip(cycles.tolist(), (np.cumsum(cycles) - 1).tolist(), strict=True)
    ]
    columns, across, high = _layout(spans, height / width)
    rows = -(-windows // columns)
    whole = max(height, width) > CELLS_MAX or min(across / width, high / height) < CELL_IN
    most = _most(busy, whole=whole)
    images = busy[0].size * windows > SHAPES_MAX
    with drawing():
        figure = new_figure(PAGE_IN, AROUND_IN + rows * (high + TITLE_IN))
        grid = figure.subplots(rows, columns, squeeze=False)
        for at, plot in enumerate(grid.flat):
            if at >= windows:
                plot.set_axis_off()
                continue
            shapes = _map(plot, busy[at], most, images=images, whole=whole)
            plot.set_xticks([])
            plot.set_yticks([])
            plot.set_title(spans[at], fontsize=SMALL_PT, pad=2)
        _title(figure, title, WHOLE if whole else f"{CELL}; middle: {middle}")
        _bar(figure, shapes, list(grid.flat))
        settle(figure)
    return figure


def _busy(counts: Counts, cycles: Counts) -> npt.NDArray[np.float64]:
    """[windows, height, width, 5] share of cycles in which something left; nan: no such link."""
    busy = counts / np.maximum(cycles, 1)[:, None, None, None]
    busy[:, :, -1, 0] = busy[:, :, 0, 1] = np.nan
    busy[:, -1, :, 2] = busy[:, 0, :, 3] = np.nan
    return np.asarray(busy, np.float64)


def _most(busy: npt.NDArray[np.float64], *, whole: bool) -> float:
    """End of the scale: the busiest of what is drawn, rounded up, in % of cycles."""
    drawn = busy[..., :LINKS] if whole else busy
    most = float(np.nanmax(drawn, initial=0.0)) * 100
    if most <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(most))
    return float(next(each * power for each in NICE if each * power >= most * (1 - 1e-9)))


def _layout(titles: Sequence[str], tall: float) -> tuple[int, float, float]:
    """Columns of maps so much taller than wide, and a map's width and height.

    As few as keep the page's height, so that maps are large, and no more than titles have room in.
    """
    room, tall = PAGE_IN - BAR_IN, min(max(tall, 1 / LINE), LINE)
    title = (max(map(len, titles)) + 1) * LETTER_EM * SMALL_PT / PT_PER_IN
    most = max(1, min(len(titles), int(room / title)))
    for columns in range(1, most + 1):
        rows = -(-len(titles) // columns)
        high = HEIGHT_IN / rows - TITLE_IN
        if room / columns * tall <= high or columns == most:
            break
    return columns, room / columns, min(room / columns * tall, high)


def _map(
    plot: "Plot", busy: npt.NDArray[np.float64], most: float, *, images: bool, whole: bool
) -> "PolyCollection | AxesImage":
    """Links of one window [height, width, 5]; ``whole``: a router has one colour."""
    from matplotlib.collections import PolyCollection

    height, width, _ = busy.shape
    if whole:
        busiest = np.nanmax(np.nan_to_num(busy[:, :, :LINKS]), axis=2) * 100
        is_line = max(height, width) > LINE * min(height, width)
        return plot.imshow(
            busiest, cmap=COLOURS, vmin=0, vmax=most, interpolation="nearest",
            aspect="auto" if is_line else "equal",
        )  # fmt: skip
    y, x, port = np.nonzero(~np.isnan(busy))
    shapes = np.stack([x, y], axis=1)[:, None, :] + _outlines()[port]
    found = PolyCollection(
        list(shapes), array=busy[y, x, port] * 100, cmap=COLOURS, edgecolors=MIDDLE,
        linewidths=0.15, rasterized=images,
    )  # fmt: skip
    found.set_clim(0, most)
    plot.add_collection(found)
    plot.set_xlim(-0.55, width - 0.45)
    # y grows downwards, as rows of results do.
    plot.set_ylim(height - 0.45, -0.55)
    plot.set_aspect("equal")
    plot.spines[:].set_visible(False)
    return found


def _outlines() -> npt.NDArray[np.float64]:
    """[5, 4, 2] corners of each port's shape around its router."""
    half, inner = HALF, INNER
    east = np.array([[inner, -inner], [half, -half], [half, half], [inner, inner]])
    south = east[:, ::-1]
    middle = np.array([[-inner, -inner], [inner, -inner], [inner, inner], [-inner, inner]])
    return np.stack([east, -east, south, -south, middle])


def _title(figure: "Figure", title: str, told: str) -> None:
    figure.suptitle(title.replace("$", r"\$"), fontsize=TEXT_PT, x=0.01, ha="left")
    figure.supxlabel(told, fontsize=SMALL_PT, x=0.01, ha="left", color=MIDDLE)


def _bar(figure: "Figure", shapes: "PolyCollection | AxesImage", plots: Sequence["Plot"]) -> None:
    width_in = figure.get_size_inches()[0]
    bar = figure.colorbar(shapes, ax=plots, aspect=25, shrink=0.9, pad=0.1 / width_in)
    bar.set_label("busy (% of cycles)", fontsize=TEXT_PT)
    bar.ax.tick_params(labelsize=SMALL_PT, width=0.6, length=2.5)
    bar.outline.set_linewidth(0.6)
