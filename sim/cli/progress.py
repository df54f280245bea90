"""A progress bar for what takes long."""

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from sim.report.text import count, printable, shorten, si

DELAY_SECONDS = 2.0
INTERVAL_SECONDS = 0.1
BAR_WIDTH = 16
NAME_WIDTH = 20


class ProgressBar:
    """Operators done, the one that runs, and simulated cycles a second.

    A context manager to be called as ``sim.simulate.ProgressCallback``. It shows itself on a
    terminal only, after two seconds, and is gone at the end. ``clock`` tells seconds.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._started = self._told = clock()
        self._first: tuple[int, float] | None = None
        self._bar: Progress | None = None

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int, name: str, cycle: int) -> None:
        now = self._clock()
        if self._first is None:
            self._first = cycle, now
        if now - self._started < DELAY_SECONDS or not self._console.is_terminal:
            return
        shown = self._describe(done, total, name, cycle, now)
        if self._bar is None:
            self._bar = Progress(
                BarColumn(bar_width=BAR_WIDTH),
                TextColumn("{task.description}", markup=False),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task(shown, total=total, completed=done)
            self._bar.start()
        elif now - self._told >= INTERVAL_SECONDS:
            self._told = now
            self._bar.update(self._task, completed=done, description=shown)

    def _describe(self, done: int, total: int, name: str, cycle: int, now: float) -> str:
        assert self._first is not None
        first_cycle, first_time = self._first
        seconds = now - first_time
        rate = (cycle - first_cycle) / seconds if seconds else 0.0
        return (
            f"{done:>{len(str(total))}}/{total} "
            f"{shorten(printable(name), NAME_WIDTH):<{NAME_WIDTH}} "
            f"{si(rate, 'cycles/s'):>14} {count(round(now - self._started)):>4} s"
        )
