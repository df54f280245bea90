"""Error of formats over the bits that they take."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.figures.style import (
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

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT_IN = 4.2
KINDS = ("int", "float", "posit", "block")
LABEL_GAP_DB = 1.6
"""Labels of one column do not come closer than this share of the plot allows."""


def sqnr_figure(found: Sequence[Quality], title: str) -> "Figure":
    """A point a format: bits it takes, and its signal to noise; names to the right of points."""
    shown = [each for each in found if math.isfinite(each.sqnr_db)]
    with drawing():
        figure = new_figure(PAGE_IN, HEIGHT_IN)
        axes = figure.subplots()
        plain(axes)
        for kind, look in zip(KINDS, LOOKS, strict=False):
            of_kind = [each for each in shown if each.kind == kind]
            axes.plot(
                [each.bits_stored for each in of_kind],
                [each.sqnr_db for each in of_kind],
                look.marker,
                color=look.colour,
                markersize=4,
                label=kind,
                linestyle="none",
            )
        for bits in sorted({each.bits_stored for each in shown}):
            column = sorted(
                (each for each in shown if each.bits_stored == bits), key=lambda q: q.sqnr_db
            )
            at = -math.inf
            for each in column:
                at = max(each.sqnr_db, at + LABEL_GAP_DB)
                axes.annotate(
                    each.name,
                    (bits, each.sqnr_db),
                    (bits + 0.12, at),
                    fontsize=SMALL_PT - 2,
                    va="center",
                )
        axes.set_xlabel("bits an element, scales included")
        axes.set_ylabel("signal to quantisation noise, dB")
        axes.set_title(title, fontsize=TEXT_PT, loc="left")
        axes.margins(x=0.12)
        axes.legend(loc="upper left", fontsize=SMALL_PT)
        settle(figure)
        return figure
