"""How far a study is, from its journal."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sim.report.text import count
from sim.study import journal, metrics
from sim.study.pareto import front
from sim.study.record import Record
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
    lines = [
        f"{study.spec.name}: {'running' if running else 'not running'}, "
        f"{count(len(records))} points finished of {_planned(study)}",
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
            pick = min if goal == "min" else max
            record = pick(best, key=lambda each, of=name: each.metrics[of])  # type: ignore[misc]
            value = shown(name, record.metrics[name])
            lines.append(f"  best {metrics.title_of(name)} {value}, point {record.index}")
    if not running:
        lines.append(f"  `lockstep study resume {folder}` runs what is left, if anything is")
    return "\n".join(lines)


def _planned(study: Study) -> str:
    """Points of the study, as far as they are known before results are."""
    sampling = study.spec.sampling
    first = study.space.size if sampling.points is None else sampling.points
    text = f"at most {count(first)}"
    if sampling.refine is not None:
        more = sampling.refine.rounds * sampling.refine.points
        text += f" and at most {count(more)} near the front"
    return text
