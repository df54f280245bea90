"""What all figures share: sizes, type, colours with a second channel beside each, and files."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arch.errors import InputError
from sim.report.needs import require
from sim.report.writing import open_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN_IN, PAGE_IN = 3.4, 7.0
"""Widths of a column and of a page in print, in inches."""
PT_PER_IN = 72.0
SMALL_PT, TEXT_PT = 7.0, 8.0
"""Sizes of tick labels and keys, and of titles and axis labels, at printed size."""
LETTER_EM = 0.58
"""Width of a letter, about, in sizes of the type."""
PNG_DPI = 300

INK, MIDDLE, GRID = "#1a1a1a", "#767676", "#dcdcdc"
BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
PURPLE, SKY, BLACK = "#CC79A7", "#56B4E9", "#000000"


@dataclass(frozen=True)
class Look:
    """How a series looks: a colour, and a marker that tells it apart without colour."""

    colour: str
    marker: str


LOOKS = (
    Look(BLUE, "o"),
    Look(VERMILION, "s"),
    Look(GREEN, "^"),
    Look(ORANGE, "D"),
    Look(PURPLE, "v"),
    Look(SKY, "P"),
    Look(BLACK, "X"),
)
"""Okabe and Ito's colours, which colour-blind readers tell apart; without their yellow, which
paper swallows. https://jfly.uni-koeln.de/color/"""

FILES: dict[str, dict[str, None]] = {
    ".svg": {"Date": None, "Creator": None},
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""By suffix: what would tell when and by what a file was written, left out."""

PARAMETERS: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so it is the same everywhere
    "mathtext.fontset": "dejavusans",
    "font.size": SMALL_PT,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "hatch.linewidth": 0.5,
    "legend.frameon": False,
    "svg.fonttype": "path",  # a reader without the font sees the same
    "svg.hashsalt": "lockstep",
    "pdf.fonttype": 42,
}


@contextmanager
def drawing(what: str = "a figure") -> Iterator[None]:
    """Draw with these parameters, whatever the user's own matplotlibrc says.

    Raises InputError, which names ``what``, where matplotlib is missing.
    """
    require("matplotlib", what)
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        parameters: Any = matplotlib.rcParams
        parameters.update(PARAMETERS)
        yield


def new_figure(width_in: float, height_in: float) -> "Figure":
    """An empty figure of a printed size. To be used within ``drawing``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain(axes: "Axes", grid: str = "both") -> None:
    """Two spines, small ticks and a thin grid on ``x``, ``y``, ``both`` or ``none``."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=SMALL_PT, width=0.6, length=2.5, pad=2, color=INK, labelcolor=INK)
    axes.tick_params(which="minor", width=0.4, length=1.5)
    axes.set_axisbelow(True)
    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        axis.label.set_fontsize(TEXT_PT)
        if grid in (name, "both"):
            axis.grid(True, which="major", color=GRID, linewidth=0.5)


def settle(figure: "Figure") -> None:
    """Lay the figure out and keep it so: another layout would move it by parts of a pixel."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def render(figure: "Figure", suffix: str) -> bytes:
    """The figure as a file; equal figures give equal bytes.

    Raises InputError for a suffix other than ``.svg``, ``.png`` and ``.pdf``.
    """
    if suffix.lower() not in FILES:
        raise InputError(
            f"{suffix or 'a name without a suffix'}: figures are written as {', '.join(FILES)}"
        )
    held = io.BytesIO()
    with drawing():
        figure.savefig(held, format=suffix.lower()[1:], dpi=PNG_DPI, metadata=FILES[suffix.lower()])
    return held.getvalue()


def save(figure: "Figure", path: str | Path) -> None:
    """Write a figure as ``.svg``, ``.png`` or ``.pdf``, whole or not at all.

    Raises InputError for another suffix, or where the file cannot be written.
    """
    path = Path(path)
    try:
        data = render(figure, path.suffix)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    with open_whole(path) as file:
        file.write(data)
