"""A process that evaluates points: told a study once, then points one after the other."""

import os
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from traceback import format_exc

from sim.study.evaluate import Evaluator, Task
from sim.study.metrics import UnknownMetricError
from sim.study.record import Record
from sim.study.space import Point

Numbered = tuple[int, Point]
Reply = tuple[Record, str | None]
"""What came of a point, and what is wrong with the cache."""

ORPHANED = 1
"""Exit code of a worker whose driver is gone."""


def work(task: Task, pipe: Connection) -> None:
    """Evaluate points from a pipe, until it is closed.

    Sends None once, when ready; then for each point, in order, a ``Reply`` or the exception that
    ends the study.
    """
    # Ctrl-C reaches the whole group; the driver alone decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    threading.Thread(target=_end_with_driver, daemon=True).start()
    evaluator = Evaluator(task)
    try:
        pipe.send(None)
        while True:
            index, point = pipe.recv()
            pipe.send(_reply(evaluator, index, point))
    except (EOFError, OSError):
        # The driver has closed the pipe, or is gone.
        return


def _reply(evaluator: Evaluator, index: int, point: Point) -> Reply | Exception:
    try:
        return evaluator(index, point), evaluator.cache_fault
    except UnknownMetricError as error:
        return error
    except Exception:
        # Its own kind may be one that the driver cannot be told.
        return RuntimeError(f"point {index}:\n{format_exc()}")


def _end_with_driver() -> None:
    """End this process when its driver ends, be it in the middle of a point."""
    driver = parent_process()
    if driver is not None:
        wait([driver.sentinel])
        os._exit(ORPHANED)
