"""Tables that show what fits: extra columns on a wide terminal, shorter names on a narrow one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import StyleType
from rich.table import Table
from rich.text import Text

from sim.report.text import printable, shorten

HARD_LEAST = 6
"""Width to which the first column is shortened where nothing else gives way."""


@dataclass(frozen=True)
class Column:
    """A column of a fitted table."""

    title: str
    """Lines, shortest last."""
    cells: Sequence[str]
    justify: Literal["left", "right"] = "right"
    footer: str = ""
    least: int | None = None
    """Width to which cells may be shortened; None: never."""
    comfort: int | None = None
    """Width below which extra columns go before these cells are shortened."""
    rank: int = 0
    """0: always there. Of the others the highest goes first."""
    shortened: Callable[[str, int], str] = shorten

    @property
    def natural(self) -> int:
        """Width at which nothing is shortened."""
        return max([self.title_width, len(self.footer), *map(len, self.cells)])

    @property
    def title_width(self) -> int:
        return max(len(line) for line in self.title.split("\n"))

    def narrowest(self) -> int:
        """Width that it needs at least."""
        if self.least is None:
            return self.natural
        return min(self.natural, max(self.least, self.title_width))

    def comfortable(self) -> int:
        """Width that it needs before extra columns are shown."""
        if self.least is None:
            return self.natural
        return min(self.natural, max(self.comfort or self.least, self.narrowest()))


@dataclass(frozen=True)
class Fitted:
    """A table that chooses its columns by the width at which it is rendered."""

    columns: Sequence[Column]
    styles: Sequence[StyleType] = ()
    """Of each row; empty: plain."""
    sections: frozenset[int] = field(default_factory=frozenset)
    """Rows after which a gap is left."""

    def choose(self, width: int) -> tuple[list[tuple[Column, int]], int]:
        """Columns with their widths, and the gap between two of them."""
        for rank in range(max(column.rank for column in self.columns), 0, -1):
            shown = [column for column in self.columns if column.rank <= rank]
            if sum(column.comfortable() for column in shown) + 2 * (len(shown) - 1) <= width:
                least = [column.comfortable() for column in shown]
                return _shrunk(shown, least, width - 2 * (len(shown) - 1)), 2
        shown = [column for column in self.columns if column.rank == 0]
        gaps = len(shown) - 1
        gap = 2 if sum(column.comfortable() for column in shown) + 2 * gaps <= width else 1
        least = [column.narrowest() for column in shown]
        return _shrunk(shown, least, width - gap * gaps), gap

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        chosen, gap = self.choose(options.max_width)
        footer = any(column.footer for column, _ in chosen)
        table = Table(
            box=box.SIMPLE_HEAD if not footer else box.SIMPLE,
            show_edge=False,
            pad_edge=False,
            padding=(0, gap - 1, 0, 0),
            show_footer=footer,
            header_style="bold",
            footer_style="bold",
        )
        for column, width in chosen:
            table.add_column(
                Text(column.title),
                Text(column.footer),
                justify=column.justify,
                width=width,
                no_wrap=True,
                vertical="bottom",
            )
        for row in range(len(chosen[0][0].cells)):
            cells = [
                Text(column.shortened(printable(column.cells[row]), width))
                for column, width in chosen
            ]
            style = self.styles[row] if self.styles else None
            table.add_row(*cells, style=style, end_section=row in self.sections)
        yield table


def _shrunk(columns: Sequence[Column], least: Sequence[int], room: int) -> list[tuple[Column, int]]:
    """Widths that fit into ``room``, the column farthest above its least giving way first."""
    widths = [column.natural for column in columns]
    while sum(widths) > room:
        able = [at for at in range(len(columns)) if widths[at] > least[at]]
        if not able and widths[0] > HARD_LEAST:
            able = [0]
        if not able:
            break
        widths[max(able, key=lambda at: widths[at] / least[at])] -= 1
    return list(zip(columns, widths, strict=True))
