"""The column that tells shapes."""

from collections.abc import Sequence

from sim.report.columns import Column
from sim.report.text import aligned, count, shorten

Product = tuple[int, int, int, int]
"""M, N, K and the number of groups."""

FUSED = "in "
"""What the text of an operator fused into another begins with."""


def shape_column(rows: Sequence[Product | str]) -> Column:
    """Products as ``M x N x K (xgroups)`` below one another, and what others have instead."""
    texts = shapes(rows)
    own = [text for text in texts if not text.startswith(FUSED)]
    whole = max(map(len, own), default=0)
    # Names of hosts give way first, then the blanks that align the digits, digits never.
    return Column(
        "M x N x K",
        [text.ljust(whole) for text in texts],
        "left",
        least=max([10, *(len(_closer(text, 0)) for text in own)]),
        comfort=max(36, whole),
        shortened=_closer,
    )


def shapes(rows: Sequence[Product | str]) -> list[str]:
    """The text of each row."""
    products = [row for row in rows if not isinstance(row, str)]
    lines = iter(aligned([(count(m), count(n), count(k)) for m, n, k, _ in products], " x "))
    return [row if isinstance(row, str) else next(lines) + _times(row[3]) for row in rows]


def _times(groups: int) -> str:
    return f" (x{count(groups)})" if groups > 1 else ""


def _closer(text: str, width: int) -> str:
    """A shape without the blanks that align it, or a shortened name."""
    if len(text) <= width:
        return text
    closer = " ".join(text.split())
    return shorten(closer, width) if closer.startswith(FUSED) else closer
