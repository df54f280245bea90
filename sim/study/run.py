"""``run``: a study from its beginning, or from where it was left, to its end."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from arch import __version__
from arch.errors import InputError
from sim.cache import LIMIT_BYTES
from sim.sources import code_hash
from sim.study.driver import Status, default_workers, drive
from sim.study.evaluate import Task
from sim.study.journal import NAME, Journal
from sim.study.pareto import front
from sim.study.record import Record
from sim.study.sampling import Enumeration
from sim.study.study import DOCUMENT, Study, write_document

if TYPE_CHECKING:
    import pandas
    from rich.console import RenderableType


@dataclass(frozen=True)
class Settings:
    """How a study runs; what it finds does not depend on it."""

    workers: int | None = None
    """Processes; by default one a processor."""
    use_cache: bool = True
    """Whether steps that were simulated before are taken from the cache."""
    cache_folder: Path | None = None
    """Of the cache; by default the user's."""
    cache_bytes: int = LIMIT_BYTES


@dataclass(frozen=True)
class Outcome:
    """A study that is done."""

    study: Study
    records: list[Record]
    """All points, by index."""
    cache_fault: str | None = None
    """Why there was no cache after all."""

    def frame(self) -> "pandas.DataFrame":
        """All points as a table, columns as ``lockstep study export`` writes them."""
        import pandas as pd

        from sim.study.export import columns

        return pd.DataFrame(columns(self.study, self.records))

    def report(self) -> "RenderableType":
        """The front as ``lockstep study show`` prints it, for rich's console."""
        from sim.study.table import report

        return report(self.study, self.records)

    def draw(self, folder: Path) -> list[Path]:
        """Write the figures into a folder; return what was written."""
        from sim.study.draw import draw

        return draw(self.study, self.records, folder)

    @property
    def front(self) -> list[Record]:
        """Points that no other beats, by index."""
        return front(self.records, self.study.spec.objectives)


def run(
    study: Study,
    folder: Path,
    settings: Settings = Settings(),
    tell: Callable[[Status], None] = lambda status: None,
) -> Outcome:
    """Run a study in its folder, which is made; one that is there is gone on with.

    Raises InputError where the study or the folder is wrong; finished points stay in its journal.
    """
    from sim.study.pool import LocalPool

    study.check()
    workers = default_workers() if settings.workers is None else settings.workers
    if workers < 1:
        raise InputError(f"workers: given {workers}; must be 1 or more")
    header = {
        "study_sha256": study.sha256,
        "code_hash": code_hash(),
        "versions": {"lockstep": __version__},
    }
    task = Task(
        study.spec, study.space, dict(study.workloads), study.evaluate, settings.cache_folder,
        settings.use_cache, settings.cache_bytes,
    )  # fmt: skip
    _make(folder)
    with Journal(folder / NAME, header) as journal:
        if not (folder / DOCUMENT).exists() or not journal.records:
            write_document(study, folder)
        pool = LocalPool(task, workers)
        try:
            records = drive(journal, Enumeration(study.spec, study.space), pool, tell)
        finally:
            pool.close()
    return Outcome(study, records, pool.cache_fault)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be made: {error.strerror}; give another folder"
        ) from None


def check_some_point(outcome: Outcome) -> None:
    """Raise InputError, with the nearest misses, where a study has no point that counts."""
    records = outcome.records
    if any(record.state == "done" for record in records):
        return
    failed = [record for record in records if record.state == "failed"]
    rejected = len(records) - len(failed)
    lines = [
        f"none of {len(records)} points can be used: {rejected} rejected, {len(failed)} failed"
    ]
    for name, bounds in outcome.study.spec.constraints.items():
        values = [record.metrics[name] for record in records if name in record.metrics]
        if values and not any(bounds.keeps(value) for value in values):
            lines.append(
                f"constraints.{name}: must be {bounds.text()}; the points have {min(values):.6g} "
                f"to {max(values):.6g}"
            )
    if failed:
        lines.append(f"point {failed[0].index}: {failed[0].reason}")
    raise InputError("\n".join(lines))
