"""Numbers and names as a reader sees them."""

import textwrap

PREFIXES = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""),
            (1e-3, "m"), (1e-6, "u"), (1e-9, "n"), (1e-12, "p"))  # fmt: skip

COLUMNS = 80
"""Of a table."""
NOTHING = "-"
"""Stands where a number has no meaning."""


def count(number: int) -> str:
    """A whole number with its thousands separated."""
    return f"{number:,}"


def many(number: int, what: str) -> str:
    """So many of something, as in ``1 cycle``."""
    return f"{count(number)} {what}{'s' if number != 1 else ''}"


def line(name: str, value: str, more: str) -> str:
    """A row of a table in 80 columns: a name, a value, and what belongs to it."""
    return f"  {name:<14} {value:>14}  {more}".rstrip()


def entry(name: str, value: str, more: str) -> list[str]:
    """A row as ``line`` makes it; what has no room in it goes on below."""
    first, *others = textwrap.wrap(more, COLUMNS - len(line("", "", "|")) + 1) or [""]
    return [line(name, value, first), *(line("", "", each) for each in others)]


def percent(part: float, whole: float) -> str:
    """Share in percent with one decimal; what is not quite 0 or 100 does not read as if."""
    if not whole:
        return NOTHING
    share = 100 * part / whole
    if 0 < share < 0.05:
        return "<0.1"
    if 99.95 <= share < 100:
        return ">99.9"
    return f"{share:.1f}"


def megabytes(number: int) -> str:
    """Bytes in MB (10^6) with two decimals."""
    if 0 < number < 5_000:
        return "<0.01"
    return f"{number / 1e6:,.2f}"


def ratio(after: float, before: float) -> str:
    """How many times ``before`` ``after`` is; equal numbers alone read 1.000."""
    if not before:
        return NOTHING
    value = after / before
    text = f"{value:.3f}"
    if text == "1.000" and after != before:
        return ">1.000" if after > before else "<1.000"
    return text if value < 1000 else f"{value:,.0f}"


def si(value: float, unit: str) -> str:
    """Four significant digits and a prefix, as in ``1.764 ms``."""
    scale, prefix = next(
        ((scale, prefix) for scale, prefix in PREFIXES if abs(value) >= 0.99995 * scale),
        (1.0, "") if not value else PREFIXES[-1],
    )
    scaled = value / scale
    decimals = max(0, 3 - len(f"{abs(scaled):.0f}") + 1)
    text = f"{scaled:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text} {prefix}{unit}"


def parameter_value(value: object) -> str:
    """A machine's parameter as in YAML, thousands separated."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return count(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(parameter_value, value)) or "[]"
    return str(value)


def printable(text: str) -> str:
    """``text`` with whatever would move the cursor replaced."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def shorten(text: str, width: int) -> str:
    """``text`` in at most ``width`` characters, the middle left out."""
    if len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    head = (width - 1) // 2
    tail = width - 1 - head
    return f"{text[:head]}…{text[len(text) - tail :]}"


def cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` characters, the end left out."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"[:width]


def short_kind(text: str, width: int) -> str:
    """The kind of an operator in at most ``width`` characters."""
    return text if len(text) <= width else cut(text.replace("Elementwise", "Elem."), width)


def aligned(rows: list[tuple[str, ...]], separator: str) -> list[str]:
    """Each row's parts right-aligned below one another and joined."""
    widths = [max(map(len, parts)) for parts in zip(*rows, strict=True)]
    return [
        separator.join(part.rjust(width) for part, width in zip(row, widths, strict=True))
        for row in rows
    ]
