"""How far a study is, on a terminal."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from sim.report.text import count
from sim.study.driver import Status
from sim.study.metrics import title_of
from sim.study.study import Study
from sim.study.table import shown


class StudyProgress:
    """Points done, points a second, time left and the best of the first objective.

    A context manager to be called with each ``Status``; shows itself on a terminal only.
    """

    def __init__(self, console: Console, study: Study) -> None:
        self._objective, self._best_is = next(iter(study.spec.objectives.items()))
        self._best: float | None = None
        self._began: float | None = None
        self._bar = Progress(
            BarColumn(bar_width=16),
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting workers", total=None)

    def __enter__(self) -> "StudyProgress":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def __call__(self, status: Status) -> None:
        values = [
            record.metrics[self._objective]
            for record in status.records
            if record.state == "done" and self._objective in record.metrics
        ]
        if self._best is not None:
            values.append(self._best)
        if values:
            self._best = min(values) if self._best_is == "min" else max(values)
        if self._began is None:
            self._began = time.monotonic()
        self._bar.update(
            self._task,
            completed=status.finished,
            total=status.planned,
            description=describe(
                status, time.monotonic() - self._began, self._objective, self._best
            ),
        )


def describe(status: Status, seconds: float, objective: str, best: float | None) -> str:
    """One line: points, rate, time left, best."""
    text = f"{count(status.finished)}/{count(status.planned)} points"
    if status.fresh and seconds > 0:
        rate = status.fresh / seconds
        left = (status.planned - status.finished) / rate
        text += f"  {rate:.3g}/s  {duration(left)} left"
    if best is not None:
        text += f"  best {title_of(objective)} {shown(objective, best)}"
    return text


def duration(seconds: float) -> str:
    """As in ``1 h 02 min`` or ``45 s``."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02} min"
