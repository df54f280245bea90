"""Lines below tables."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from sim.report.text import printable


def named(name: str, text: str) -> RenderableType:
    """A line with what it is about in front; its continuation is indented."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=6)
    grid.add_column()
    grid.add_row(Text(name, "bold"), Text(printable(text)))
    return grid


def footnotes(notes: Sequence[str]) -> Iterator[RenderableType]:
    """Notes, each with a hanging indent."""
    for note in notes:
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_row(Text("*", "yellow"), Text(printable(note), "dim"))
        yield grid
