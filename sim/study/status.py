"""How far a study is, from its journal."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sim.report.text import count
from sim.study import journal, metrics
from sim.study.pareto import front
from sim.study.record import Record
from sim.study.sampling import Enumeration
from sim.study.study import Study
from sim.study.table import shown

RECENT_SECONDS = 30.0
"""Over which the rate of a running study is taken."""


def status_text(study: Study, folder: Path, records: Sequence[Record]) -> str:
    """Lines for the terminal; also while another process runs the study."""
    path = folder / journal.NAME
    running = journal.is_written(path)
    times = journal.read(path).times
    states = Counter(record.state for record in records)
    missing = left(study, records)
    rest = f"{count(missing)} left" if missing else "complete"
    lines = [
        f"{study.spec.name}: {'running' if running else 'not running'}, "
        f"{count(len(records))} points finished, {rest}",
        f"  {count(states['done'])} done, {count(states['rejected'])} rejected, "
        f"{count(states['failed'])} failed",
    ]
    if running and times:
        recent = [each for each in times if each >= times[-1] - RECENT_SECONDS]
        spent = max(times[-1] - recent[0], 1.0)
        lines.append(f"  {len(recent) / spent:.3g} points a second lately")
    best = front(records, study.spec.objectives)
    for name, goal in study.spec.objectives.items():
        if best:
            values = [record.metrics[name] for record in best]
            value = min(values) if goal == "min" else max(values)
            index = best[values.index(value)].index
            lines.append(f"  best {metrics.title_of(name)} {shown(name, value)}, point {index}")
    if missing and not running:
        lines.append(f"  `lockstep study resume {folder}` goes on")
    return "\n".join(lines)


def left(study: Study, records: Sequence[Record]) -> int:
    """Points named so far that are not finished; 0 once nothing more is to be named."""
    sampler = Enumeration(study.spec, study.space)
    known = {record.index: record for record in records}
    told: list[Record] = []
    while points := sampler.ask(told):
        batch = range(len(told), len(told) + len(points))
        missing = sum(index not in known for index in batch)
        if missing:
            return missing
        told += [known[index] for index in batch]
    return 0
