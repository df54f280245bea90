"""The progress bar."""

import io

import pytest
from rich.console import Console

from sim.cli.progress import ProgressBar


class Clock:
    """Seconds as told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def shown(terminal: bool, seconds: list[float]) -> str:
    """What a terminal of 80 columns gets when a bar is called at these seconds."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=80, color_system=None)
    clock = Clock()
    with ProgressBar(console, clock) as progress:
        for done, second in enumerate(seconds):
            clock.now = 100.0 + second
            progress(done, 7, "a_long_name_of_an_operator", 3_000_000 * done)
    return text.getvalue()


def test_it_tells_operators_rate_and_seconds() -> None:
    text = shown(True, [0.0, 1.0, 2.5])
    assert "2/7 a_long_na…n_operator" in text
    assert "2.4 Mcycles/s    2 s" in text
    assert max(len(line) for line in text.splitlines()) <= 80 + len("\x1b[?25l")


@pytest.mark.parametrize(
    ("terminal", "seconds"), [(False, [0.0, 5.0, 9.0]), (True, [0.0, 1.0, 1.9])]
)
def test_it_is_silent_where_nobody_waits(terminal: bool, seconds: list[float]) -> None:
    assert shown(terminal, seconds) == ""


def test_it_leaves_the_terminal_as_it_was() -> None:
    text = shown(True, [0.0, 3.0])
    assert text.index("\x1b[?25h") > text.index("\x1b[?25l")
    assert text.endswith(("\x1b[2K", "\x1b[1A\x1b[2K"))
