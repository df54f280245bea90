"""Points in processes of this machine: started once, kernels warm, replaced when they die.

Each worker has a pipe of its own, so one that dies takes nothing with it but the point that it was
at. Another executor (a cluster's) takes this place: it is given points and yields what came of
them, in any order.
"""

import multiprocessing
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import Protocol

from arch.errors import InputError
from sim.study.evaluate import Task
from sim.study.record import Record
from sim.study.worker import Numbered, Reply, work

ATTEMPTS = 3
"""Times that a point is given to a worker before it is taken for what kills workers, and that
workers may die, one after the other, before one is ready."""
AHEAD = 8
"""Points that a worker has at a time, where they are short."""
SHORT_SECONDS = 0.05
"""A point of this length is worth more than the wait for the next."""
LOOK_SECONDS = 0.5
"""How often an executor without news says so."""
GRACE_SECONDS = 2.0
"""For idle workers, to end by themselves."""


class Executor(Protocol):
    """Evaluates points somewhere."""

    def run(self, points: Sequence[Numbered]) -> Iterator[Record | None]:
        """What came of points, in any order; None now and then where nothing is finished."""
        ...


class LocalPool:
    """Processes of this machine, until ``close``."""

    def __init__(self, task: Task, workers: int) -> None:
        self._task, self._count = task, workers
        self._workers: list[_Worker] = []
        self._dead_at_start = 0
        self._attempts: Counter[int] = Counter()
        self.cache_fault: str | None = None
        """What is wrong with the cache, as the last worker to say so has it."""

    def run(self, points: Sequence[Numbered]) -> Iterator[Record | None]:
        """See ``Executor``. Raises what a point's evaluation raises, and InputError where workers
        die before they are ready."""
        waiting = deque(points)
        while waiting or any(worker.given for worker in self._workers):
            for _ in range(min(self._count, len(waiting)) - len(self._workers)):
                with _uninterrupted():
                    self._workers.append(_Worker(self._task))
            for worker in self._workers:
                worker.hand_out(waiting)
            ready = set(wait([each for worker in self._workers for each in worker.signs],
                             LOOK_SECONDS))  # fmt: skip
            if not ready:
                yield None
            for worker in [each for each in self._workers if ready.intersection(each.signs)]:
                for record, fault in worker.replies():
                    self.cache_fault = fault or self.cache_fault
                    yield record
                if worker.was_ready:
                    self._dead_at_start = 0
                if not worker.lives:
                    yield from self._bury(worker, waiting)

    def _bury(self, worker: "_Worker", waiting: deque[Numbered]) -> Iterator[Record]:
        """Take back the points of a worker that is dead; the first was what it was at."""
        self._workers.remove(worker)
        how = worker.death()
        if not worker.was_ready:
            self._dead_at_start += 1
            if self._dead_at_start >= ATTEMPTS * self._count:
                raise InputError(
                    f"workers die as they start ({how}), {self._dead_at_start} times in a row; a "
                    "script must begin its study under `if __name__ == '__main__':`, and the "
                    "memory must hold one process a worker"
                )
            return
        if worker.given:
            index, point = worker.given[0]
            self._attempts[index] += 1
            if self._attempts[index] >= ATTEMPTS:
                worker.given.popleft()
                reason = (
                    f"its worker died {ATTEMPTS} times ({how}); it may need more memory than "
                    "there is"
                )
                yield Record(index, point, "failed", {}, reason)
        waiting.extendleft(reversed(worker.given))

    def close(self) -> None:
        """Stop the workers, whatever they do."""
        until = time.monotonic() + GRACE_SECONDS
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            worker.end(until)
        self._workers.clear()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C: from this process for a while, from those that it starts until they take
    off the mask, so that none is left half started or tells of it."""
    held: list[int] = []
    in_main = threading.current_thread() is threading.main_thread()
    # What spawn starts beside them on first use opens the mask again.
    resource_tracker.ensure_running()
    # The mask is of this thread alone; the handler holds back what others get.
    handler = signal.getsignal(signal.SIGINT)
    if in_main:
        signal.signal(signal.SIGINT, lambda number, frame: held.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if in_main:
            signal.signal(signal.SIGINT, handler)
    if held:
        signal.raise_signal(signal.SIGINT)


class _Worker:
    """A process, and the points that it has."""

    def __init__(self, task: Task) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(task, theirs), name="lockstep worker")
        self._process.start()
        theirs.close()
        self.given: deque[Numbered] = deque()
        """In order; it is at the first."""
        self.was_ready = False
        self.lives = True
        self._room = 0
        self._since = 0.0
        self.signs = (self._pipe, self._process.sentinel)
        """What there is to wait for."""

    def hand_out(self, waiting: deque[Numbered]) -> None:
        """Give it points, as many as it may have."""
        while waiting and len(self.given) < self._room:
            if not self.given:
                self._since = time.monotonic()
            # One that is dead is found out by its signs.
            with suppress(OSError):
                self._pipe.send(waiting[0])
            self.given.append(waiting.popleft())

    def replies(self) -> Iterator[Reply]:
        """All that it has sent. Raises what a point's evaluation raised."""
        # In this order: what it sent before it ended is still read.
        self.lives = self._process.is_alive()
        for found in self._messages():
            if isinstance(found, Exception):
                raise found
            if found is None:
                self.was_ready, self._room = True, 1
                continue
            now = time.monotonic()
            self._room = AHEAD if now - self._since < SHORT_SECONDS else 1
            self._since = now
            self.given.popleft()
            yield found

    def _messages(self) -> Iterator[Reply | Exception | None]:
        try:
            while self._pipe.poll():
                yield self._pipe.recv()
        except (EOFError, OSError):
            # It ended, perhaps within a message.
            self.lives = False

    def death(self) -> str:
        """How it died."""
        self._process.join(GRACE_SECONDS)
        self.end(0)
        code = self._process.exitcode
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    def stop(self) -> None:
        """Let it end: by itself if it has nothing to do."""
        self._pipe.close()
        if self.given or not self.was_ready:
            self._process.kill()

    def end(self, until: float) -> None:
        """See that it is gone, at the latest at a time of the monotonic clock."""
        self._process.join(max(0.0, until - time.monotonic()))
        self._process.kill()
        self._process.join()
        self._pipe.close()
