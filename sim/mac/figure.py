"""Signal to noise of formats, drawn."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from arch.errors import InputError
from sim.figures.style import (
    FILES,
    LOOKS,
    PAGE_IN,
    SMALL_PT,
    TEXT_PT,
    drawing,
    new_figure,
    plain,
    settle,
)
from sim.mac.sqnr import Quality
from sim.report.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW_IN, ENDS_IN = 0.13, 0.9
KINDS = ("int", "float", "posit", "block")


def check_suffix(path: Path) -> None:
    """Raise InputError unless figures are written with this suffix."""
    if path.suffix.lower() not in FILES:
        raise InputError(f"{path}: figures are written as {', '.join(FILES)}")


def sqnr_figure(found: Sequence[Quality], title: str) -> "Figure":
    """A row a format, with the bits that it takes; to the right is signal to noise. Formats
    without any error are left out. Raises InputError without matplotlib."""
    shown = [each for each in found if math.isfinite(each.sqnr_db)][::-1]
    with drawing():
        figure = new_figure(PAGE_IN, ENDS_IN + ROW_IN * max(len(shown), 5))
        axes = figure.subplots()
        plain(axes)
        for kind, look in zip(KINDS, LOOKS, strict=False):
            rows = [row for row, each in enumerate(shown) if each.kind == kind]
            axes.plot(
                [shown[row].sqnr_db for row in rows],
                rows,
                look.marker,
                color=look.colour,
                markersize=4,
                label=kind,
                linestyle="none",
            )
        axes.set_yticks(range(len(shown)))
        axes.set_yticklabels([f"{each.name}  {each.bits_stored:g}" for each in shown])
        axes.set_ylim(-0.7, max(len(shown), 1) - 0.3)
        axes.set_xlabel("signal to quantisation noise, dB")
        axes.set_ylabel("format and bits an element, scales included")
        axes.set_title(printable(title), fontsize=TEXT_PT, loc="left")
        axes.legend(loc="upper right", fontsize=SMALL_PT)
        settle(figure)
        return figure
