"""Small line charts as SVG: the same bytes for the same numbers, and no package needed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

FONT = "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\""
INK, FAINT, PAPER = "#222222", "#d8d8d8", "#ffffff"
MARGIN_LEFT, MARGIN_TOP, MARGIN_RIGHT, MARGIN_BOTTOM = 62, 30, 24, 30


@dataclass(frozen=True)
class Curve:
    """A line with a mark at each point, and a band up to higher values."""

    colour: str
    x: Sequence[float]
    """Shares, 0 to 1."""
    y: Sequence[float]
    upper: Sequence[float]
    """Upper edge of the band."""


@dataclass(frozen=True)
class Panel:
    """One chart: shares to the right, values upwards on a logarithmic axis."""

    title: str
    curves: Sequence[Curve]
    level: float
    """A dotted line."""


@dataclass(frozen=True)
class Sheet:
    """Panels in rows, with the same axes, below a legend."""

    panels: Sequence[Sequence[Panel]]
    y_min: float
    y_max: float
    y_ticks: Sequence[float]
    x_label: str
    y_label: str
    legend: Sequence[tuple[str, str]]
    """Colour and text."""
    note: str
    """Behind the legend."""
    panel_width: int = 380
    panel_height: int = 190


def svg(sheet: Sheet) -> str:
    """The sheet as an SVG document."""
    width = sheet.panel_width * max(map(len, sheet.panels))
    height = 44 + sheet.panel_height * len(sheet.panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" {FONT} font-size="12" fill="{INK}">',
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
    ]
    at = 62
    for colour, text in sheet.legend:
        parts.append(f'<rect x="{at}" y="15" width="22" height="4" fill="{colour}"/>')
        parts.append(_text(at + 28, 21, text))
        at += 44 + 7 * len(text)
    parts.append(_text(at + 10, 21, sheet.note))
    for row, panels in enumerate(sheet.panels):
        for column, panel in enumerate(panels):
            x, y = column * sheet.panel_width, 34 + row * sheet.panel_height
            parts.append(f'<g transform="translate({x} {y})">')
            parts += _panel(sheet, panel, last=row == len(sheet.panels) - 1, first=column == 0)
            parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(sheet: Sheet, panel: Panel, *, last: bool, first: bool) -> list[str]:
    left, top = MARGIN_LEFT, MARGIN_TOP
    right, bottom = sheet.panel_width - MARGIN_RIGHT, sheet.panel_height - MARGIN_BOTTOM
    scale = (bottom - top) / math.log(sheet.y_max / sheet.y_min)

    def across(share: float) -> float:
        return left + share * (right - left)

    def up(value: float) -> float:
        inside = min(max(value, sheet.y_min), sheet.y_max)
        return bottom - scale * math.log(inside / sheet.y_min)

    parts = [_text(left, top - 8, panel.title, weight="bold")]
    for tick in sheet.y_ticks:
        parts.append(_line(left, up(tick), right, up(tick), FAINT))
        parts.append(_text(left - 6, up(tick) + 4, f"{tick:g}", anchor="end"))
    for tenth in range(0, 11, 2):
        x = across(tenth / 10)
        parts.append(_line(x, top, x, bottom, FAINT))
        parts.append(_text(x, bottom + 15, f"{10 * tenth} %", anchor="middle"))
    if last:
        parts.append(_text((left + right) / 2, bottom + 33, sheet.x_label, anchor="middle"))
    if first:
        middle = (top + bottom) / 2
        parts.append(
            f'<text transform="translate(16 {middle:.1f}) rotate(-90)" text-anchor="middle">'
            f"{escape(sheet.y_label)}</text>"
        )
    parts.append(_line(left, up(panel.level), right, up(panel.level), INK, dash="1 4"))
    for curve in panel.curves:
        points = [f"{across(x):.1f},{up(y):.1f}" for x, y in zip(curve.x, curve.y, strict=True)]
        edge = [f"{across(x):.1f},{up(y):.1f}" for x, y in zip(curve.x, curve.upper, strict=True)]
        band = " ".join([*points, *reversed(edge)])
        parts.append(f'<polygon points="{band}" fill="{curve.colour}" fill-opacity="0.16"/>')
        parts.append(
            f'<polyline points="{" ".join(points)}" fill="none" stroke="{curve.colour}" '
            'stroke-width="1.8"/>'
        )
        for point in points:
            cx, cy = point.split(",")
            parts.append(f'<circle cx="{cx}" cy="{cy}" r="2.4" fill="{curve.colour}"/>')
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashed}/>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    style = "" if weight == "normal" else f' font-weight="{weight}"'
    placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}"{placed}{style}>{escape(text)}</text>'
