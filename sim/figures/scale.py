"""Axes: names, units and their prefixes, limits and ticks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from sim.report.text import PREFIXES

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Plot

BASES = ("s", "J", "W", "B", "B/s", "MAC/s", "Hz")
"""Units that take a prefix."""
ALIASES = {"bytes": "B", "bytes/s": "B/s", "seconds": "s", "µs": "us"}
COUNTED = ("cycles", "MACs")
"""Units of which there are thousands and millions."""
PLAIN = {"mm2": "mm²", "um2": "µm²"}
POWERS = {1e3: "10³", 1e6: "10⁶", 1e9: "10⁹", 1e12: "10¹²", 1e15: "10¹⁵", 1e18: "10¹⁸"}
DECADE = 10.0
LEAST = 1e-30

Best = Literal["min", "max"]
"""The good end of a quantity."""


@dataclass(frozen=True)
class Axis:
    """A quantity to draw."""

    name: str
    """As in ``latency``."""
    unit: str
    """Of its values, as in ``s``, ``pJ``, ``mm2`` or ``cycles``; empty for a plain number."""
    best: Best
    """Which end is the good one."""


@dataclass(frozen=True)
class Scale:
    """How values become lengths: drawn is ``value * factor``."""

    factor: float
    label: str
    """Name and unit of what is drawn."""
    log: bool
    low: float
    """Limits of what is drawn."""
    high: float

    def drawn(self, values: Sequence[float]) -> list[float]:
        """Values in the unit of the label."""
        return [value * self.factor for value in values]


def better(scale: Scale, axis: Axis) -> Scale:
    """With an arrow to the good end in its label; beside an upright axis it turns with the text."""
    label = f"← {scale.label}" if axis.best == "min" else f"{scale.label} →"
    return replace(scale, label=label)


def wide(values: Sequence[float]) -> bool:
    """Whether positive values span more than a decade."""
    return can_be_log(values) and max(values) > DECADE * min(values)


def can_be_log(values: Sequence[float]) -> bool:
    """Whether all values are positive, and not so far apart that one of them means zero."""
    return bool(values) and min(values) > 0 and max(values) * LEAST < min(values)


def scale_of(
    name: str,
    unit: str,
    values: Sequence[float],
    *,
    log: bool | None = None,
    margin: float = 0.06,
    typical: float | None = None,
) -> Scale:
    """A scale with one prefix for all values, logarithmic where they span more than a decade.

    ``margin`` is the room at each end, as a share of the length; the prefix is that of
    ``typical``, or else of the values' middle or largest.
    """
    log = wide(values) if log is None else log and can_be_log(values)
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if typical is None:
        typical = math.sqrt(low) * math.sqrt(high) if log else max(abs(low), abs(high))
    factor, shown = _prefixed(unit, typical)
    if name == unit:
        shown = shown.removesuffix(unit).strip()
    label = f"{name} ({shown})" if shown else name
    return Scale(factor, label, log, *_limits(low * factor, high * factor, log, margin))


def _prefixed(unit: str, typical: float) -> tuple[float, str]:
    """Factor and text of the unit in which a value is a number of one to three digits."""
    unit = ALIASES.get(unit, unit)
    if unit in COUNTED:
        power = max((each for each in POWERS if typical >= each), default=1.0)
        return 1 / power, unit if power == 1 else f"{POWERS[power]} {unit}"
    for base in BASES:
        for given, prefix in PREFIXES:
            if unit == prefix + base:
                value = typical * given
                scale, best = next(
                    ((scale, text) for scale, text in PREFIXES if value >= 0.99995 * scale),
                    PREFIXES[-1] if value else (given, prefix),
                )
                return given / scale, best.replace("u", "µ") + base
    return 1.0, PLAIN.get(unit, unit)


def _limits(low: float, high: float, log: bool, margin: float) -> tuple[float, float]:
    if low == high:
        half = abs(low) / 4 or 0.5
        return (low / 2, high * 2) if log else (low - half, high + half)
    if log:
        room = (high / low) ** margin
        return low / room, high * room
    room = (high - low) * margin
    # What counts from zero is not shown below it.
    return (max(0.0, low - room) if low >= 0 else low - room), high + room


def number(value: float) -> str:
    """A tick: digits while they are few, powers of ten beyond."""
    if value == 0:
        return "0"
    power = math.floor(math.log10(abs(value)) + 1e-9)
    if -3 <= power <= 4:
        return f"{value:.10g}"
    digits = value / 10.0**power
    times = "" if math.isclose(digits, 1) else f"{digits:.3g}\\times "
    return f"${times}10^{{{power}}}$"


def put(plot: "Plot", which: Literal["x", "y"], scale: Scale, *, labelled: bool = True) -> None:
    """Give an axis of a plot its limits, ticks and label."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    axis = plot.xaxis if which == "x" else plot.yaxis
    if scale.log:
        (plot.set_xscale if which == "x" else plot.set_yscale)("log")
        decades = math.log10(scale.high / scale.low)
        steps = (1.0, 2.0, 5.0) if decades < 2 else (1.0,)
        axis.set_major_locator(LogLocator(subs=steps, numticks=7 if decades > 2 else 12))
        axis.set_minor_locator(LogLocator(subs=tuple(range(1, 10)), numticks=12))
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    (plot.set_xlim if which == "x" else plot.set_ylim)(scale.low, scale.high)
    if labelled:
        axis.set_label_text(scale.label)
