"""What a terminal shows, for tests."""

import io

from rich.console import Console, RenderableType


def lines(shown: RenderableType, width: int = 80) -> list[str]:
    """Lines as a terminal of that width shows them."""
    text = io.StringIO()
    Console(width=width, file=text, color_system=None).print(shown)
    return [line.rstrip() for line in text.getvalue().splitlines()]


def words(shown: RenderableType, begins: str, width: int = 80) -> list[str]:
    """Words of the first line that begins with a word."""
    found = [line.split() for line in lines(shown, width)]
    return next(line for line in found if line and line[0] == begins)
