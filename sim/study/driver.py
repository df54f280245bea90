"""Running a study: points from its sampler to its executor, what came of them to its journal."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from arch.errors import InputError
from sim.study.journal import Journal
from sim.study.pool import Executor
from sim.study.record import Record
from sim.study.sampling import Sampler
from sim.study.worker import Numbered

BATCH_SECONDS = 0.5
"""Finished points wait at most so long for their batch to be written."""
BATCH_POINTS = 500


@dataclass(frozen=True)
class Status:
    """How far a study is."""

    finished: int
    planned: int
    """Points named so far, finished or not."""
    fresh: int
    """Finished by this run of the driver."""
    records: Sequence[Record]
    """Newly on the disk."""


Tell = Callable[[Status], None]


def drive(journal: Journal, sampler: Sampler, executor: Executor, tell: Tell) -> list[Record]:
    """Evaluate all points that a sampler names and that are not in the journal.

    Points are told after they are on the disk. Returns all points by index. Raises InputError
    where the journal cannot be written or belongs to other points; what it has then stays.
    """
    writer = _Writer(journal, tell)
    while True:
        told = writer.by_index()
        points = sampler.ask(told)
        if not points:
            return told
        numbered = list(enumerate(points, len(told)))
        writer.planned = len(told) + len(points)
        todo = writer.start(numbered)
        try:
            for record in executor.run(todo):
                writer.take(record)
        finally:
            writer.write()


class _Writer:
    """Collects finished points and writes them in batches."""

    def __init__(self, journal: Journal, tell: Tell) -> None:
        self._journal, self._tell = journal, tell
        self._earlier = {record.index: record for record in journal.records}
        self._records: dict[int, Record] = {}
        self._batch: list[Record] = []
        self._since = time.monotonic()
        self._fresh = 0
        self.planned = 0

    def by_index(self) -> list[Record]:
        """All points of the batches so far."""
        return [self._records[index] for index in sorted(self._records)]

    def start(self, numbered: Iterable[Numbered]) -> list[Numbered]:
        """Take what the journal knows of a batch; return the others."""
        todo = []
        for index, point in numbered:
            known = self._earlier.get(index)
            if known is None:
                todo.append((index, point))
            elif known.point != point:
                raise InputError(
                    f"{self._journal.path}: has point {index} as {known.point}, the study as "
                    f"{point}; run it in another folder"
                )
            else:
                self._records[index] = known
        self._tell(Status(len(self._records), self.planned, 0, list(self._records.values())))
        return todo

    def take(self, record: Record | None) -> None:
        """A finished point, or None to look at the clock."""
        if record is not None:
            self._batch.append(record)
        waited = time.monotonic() - self._since
        if self._batch and (waited >= BATCH_SECONDS or len(self._batch) >= BATCH_POINTS):
            self.write()

    def write(self) -> None:
        """Put the batch on the disk, then tell."""
        batch, self._batch = self._batch, []
        self._since = time.monotonic()
        if not batch:
            return
        self._journal.append(batch)
        self._records.update((record.index, record) for record in batch)
        self._fresh += len(batch)
        self._tell(Status(len(self._records), self.planned, self._fresh, batch))


def default_workers() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))
