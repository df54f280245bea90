"""The lines of a roofline, and their names along them."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.figures.places import Circle, along_line, touching
from sim.figures.roofs import Roof, Roofs
from sim.figures.scale import Scale
from sim.figures.style import INK, LETTER_EM, MIDDLE, PT_PER_IN, SMALL_PT
from sim.report.text import si

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLACES = 8
"""Along a line, that are tried for its name."""


def draw_roofs(
    plot: "Axes", bounds: Roofs, x: Scale, y: Scale, dots: Sequence[Circle]
) -> list[Circle]:
    """Draw lines and their names, off the dots where possible; what they cover, in pixels.

    The figure must be settled, as names take the angle of the lines.
    """
    covered: list[Circle] = []
    for roof in (bounds.memory, *bounds.alone):
        if roof is not None:
            together = roof is bounds.memory
            covered += _slope(plot, roof, bounds.peak_macs_per_second, x, y, dots, together)
    return covered + _peak(plot, bounds, x, y, dots)


def pixel(plot: "Axes", x: float, y: float) -> tuple[float, float]:
    """Where a place of the plot is in the figure."""
    across, up = plot.transData.transform((x, y))
    return float(across), float(up)


def points(plot: "Axes") -> float:
    """Pixels of a point."""
    figure = plot.get_figure(root=True)
    assert figure is not None
    return figure.dpi / PT_PER_IN


def _slope(
    plot: "Axes",
    roof: Roof,
    peak: float,
    x: Scale,
    y: Scale,
    dots: Sequence[Circle],
    together: bool,
) -> list[Circle]:
    slope = roof.bytes_per_second * y.factor
    start, ridge = max(x.low, y.low / slope), peak / roof.bytes_per_second
    colour = INK if together else MIDDLE
    plot.plot(
        [start, ridge], [start * slope, ridge * slope], color=colour,
        linewidth=1.3 if together else 0.8, linestyle="-" if together else (0, (4, 2)),
        solid_capstyle="butt", zorder=2,
    )  # fmt: skip
    text = f"{roof.name if together else roof.name + ' alone'} {si(roof.bytes_per_second, 'B/s')}"
    low, high = pixel(plot, start, start * slope), pixel(plot, ridge, ridge * slope)
    whole, angle = math.dist(low, high), math.atan2(high[1] - low[1], high[0] - low[0])
    size = SMALL_PT * points(plot)
    length = len(text) * LETTER_EM * size

    def name_at(along: float) -> list[Circle]:
        """What the name covers, which stands above the line from there on."""
        across, up = math.cos(angle), math.sin(angle)
        base = (low[0] - 0.6 * size * up, low[1] + 0.6 * size * across)
        first = (base[0] + along * across, base[1] + along * up)
        return along_line(first, (first[0] + length * across, first[1] + length * up), size / 2)

    room = max(0.0, whole - length - 2.2 * size)
    tried = [1.2 * size + room * at / PLACES for at in range(PLACES + 1)]
    along = min(tried, key=lambda at: (touching(name_at(at), dots), at))
    plot.annotate(
        text, (start, start * slope),
        (
            (along * math.cos(angle) - 0.3 * size * math.sin(angle)) / points(plot),
            (along * math.sin(angle) + 0.3 * size * math.cos(angle)) / points(plot),
        ),
        textcoords="offset points", rotation=math.degrees(angle), rotation_mode="anchor",
        color=colour,
    )  # fmt: skip
    return along_line(low, high, 2.0) + name_at(along)


def _peak(plot: "Axes", bounds: Roofs, x: Scale, y: Scale, dots: Sequence[Circle]) -> list[Circle]:
    """From where the bandwidth reaches it; its name on the right, above the dots there."""
    peak = bounds.peak_macs_per_second
    first = x.low if bounds.memory is None else peak / bounds.memory.bytes_per_second
    plot.plot([first, x.high], [peak * y.factor] * 2, color=INK, linewidth=1.3, zorder=2)
    text = f"peak {si(peak, 'MAC/s')}"
    end, size = pixel(plot, x.high, peak * y.factor), SMALL_PT * points(plot)
    start = end[0] - len(text) * LETTER_EM * size
    near = [up + r - end[1] for across, up, r in dots if across + r > start and up + r > end[1]]
    lift = max([0.0, *near]) + 0.3 * size
    plot.annotate(
        text, (x.high, peak * y.factor), (0, lift / points(plot)), textcoords="offset points",
        ha="right",
    )  # fmt: skip
    middle = end[1] + lift + size / 2
    line = along_line(pixel(plot, first, peak * y.factor), end, 2.0)
    return line + along_line((start, middle), (end[0], middle), 0.6 * size)
