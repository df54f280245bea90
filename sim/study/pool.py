"""Points in processes of this machine: started once, kernels warm, replaced when they die.

Another executor (a cluster's) takes this place: it is given points and yields what came of them, in
any order.
"""

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Protocol

from pebble import ProcessExpired, ProcessPool

from sim.study.evaluate import Evaluator, Task
from sim.study.record import Record
from sim.study.space import Point

ATTEMPTS = 3
"""Times that a point is given to a worker before it is taken for what kills workers."""
AHEAD = 4
"""Points a worker that are handed out in advance."""

Numbered = tuple[int, Point]


class Executor(Protocol):
    """Evaluates points somewhere."""

    def run(self, points: Sequence[Numbered]) -> Iterator[Record | None]:
        """What came of points, in any order; None now and then where nothing is finished."""
        ...


_evaluator: Evaluator | None = None
"""Of this worker; a process that evaluates points has one study for life."""


def _begin(task: Task) -> None:
    """Make a worker ready."""
    # Ctrl-C reaches the whole group; the driver alone decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    global _evaluator
    _evaluator = Evaluator(task)


def _evaluate(index: int, point: Point) -> tuple[Record, str | None]:
    """In a worker: what came of a point, and what is wrong with the cache."""
    assert _evaluator is not None
    return _evaluator(index, point), _evaluator.cache_fault


class LocalPool:
    """Processes of this machine, until ``close``."""

    def __init__(self, task: Task, workers: int) -> None:
        self._workers = workers
        self.cache_fault: str | None = None
        """What is wrong with the cache, as the last worker to say so has it."""
        self._pool = ProcessPool(
            max_workers=workers,
            initializer=_begin,
            initargs=[task],
            context=multiprocessing.get_context("spawn"),
        )

    def run(self, points: Sequence[Numbered]) -> Iterator[Record | None]:
        """See ``Executor``. Raises what a point's evaluation raises."""
        waiting = list(reversed(points))
        attempts: dict[int, int] = {}
        running: dict[Future[tuple[Record, str | None]], Numbered] = {}
        while waiting or running:
            while waiting and len(running) < self._workers * AHEAD:
                numbered = waiting.pop()
                running[self._pool.schedule(_evaluate, args=list(numbered))] = numbered
            done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            if not done:
                yield None
            for future in done:
                index, point = running.pop(future)
                try:
                    record, fault = future.result()
                except ProcessExpired as death:
                    attempts[index] = attempts.get(index, 0) + 1
                    if attempts[index] < ATTEMPTS:
                        waiting.append((index, point))
                        continue
                    record, fault = Record(index, point, "failed", {}, _told(death)), None
                self.cache_fault = fault or self.cache_fault
                yield record

    def close(self) -> None:
        """Stop the workers, whatever they do."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


def _told(death: ProcessExpired) -> str:
    code = death.exitcode
    how = f"signal {-code}" if code and code < 0 else f"exit code {code}"
    return f"its worker died {ATTEMPTS} times ({how}); it may need more memory than there is"
