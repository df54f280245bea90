"""A study as tables for the terminal."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from sim.report.columns import Column, Fitted
from sim.report.lines import footnotes
from sim.report.text import NOTHING, count, printable, si
from sim.study import metrics
from sim.study.pareto import front
from sim.study.record import Record
from sim.study.study import Study
from traces.mesh.traffic import MeshWithTraffic

HEADING_WIDTH = 11
ROWS_MAX = 40
"""Rows of a front that are shown."""
SCALES = {"pJ": (1e-12, "J"), "mm2": (1, "mm2"), "KiB": (1, "KiB"), "pJ s": (1e-12, "J s")}
"""Unit that a quantity is shown in, and how many of it its own unit is."""
PLAIN = ("mm2", "KiB", "", "cycles", "flits/node/cycle")
"""Units that take no prefix."""


def shown(metric: str, value: float) -> str:
    """A metric with its unit."""
    unit = metrics.unit_of(metric)
    scale, unit = SCALES.get(unit, (1, unit))
    value = value * scale
    if unit not in PLAIN:
        return si(value, unit)
    if isinstance(value, int) or (float(value).is_integer() and abs(value) >= 1000):
        return f"{count(int(value))} {unit}".rstrip()
    return f"{value:.4g} {unit}".rstrip()


def value_text(value: Any) -> str:
    """A parameter's value; steps of a range are not told to the last bit."""
    if value is None:
        return NOTHING
    if isinstance(value, float):
        return json.dumps(float(f"{value:.10g}"))
    return value if isinstance(value, str) else json.dumps(value)


def short_names(names: Sequence[str]) -> dict[str, str]:
    """The last part of each path, or as many as tell it from the others."""
    found = {}
    for name in names:
        parts = name.split(".")
        for size in range(1, len(parts) + 1):
            end = parts[-size:]
            if sum(other.split(".")[-size:] == end for other in names) == 1:
                break
        found[name] = ".".join(end)
    return found


def heading(name: str) -> str:
    """A name in short lines."""
    lines = [""]
    for word in re.split(r"[._]", name):
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) > HEADING_WIDTH and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = joined
    return "\n".join(lines)


def report(study: Study, records: Sequence[Record]) -> RenderableType:
    """What came of a study: how many points, and its Pareto front."""
    best = front(records, study.spec.objectives)
    parts: list[RenderableType] = [_title(study, records)]
    if best:
        parts += [Text(), front_table(study, best)]
    notes = list(_notes(study, records, best))
    if notes:
        parts += [Text(), *footnotes(notes)]
    return Group(*parts)


def _title(study: Study, records: Sequence[Record]) -> Text:
    title = Text(printable(f"{study.spec.name}, around {study.base.name}"), "bold")
    states = Counter(record.state for record in records)
    text = f"  {count(len(records))} points"
    for state in ("rejected", "failed"):
        if states[state]:
            text += f", {count(states[state])} {state}"
    wanted = ", ".join(
        f"{best} {metrics.title_of(name)}" for name, best in study.spec.objectives.items()
    )
    title.append(f"{text}; {wanted}", "not bold")
    return title


def front_table(study: Study, best: Sequence[Record]) -> Fitted:
    """The Pareto front by its first objective; parameters that are alike on all of it are left to
    the notes."""
    first = next(iter(study.spec.objectives))
    rows = sorted(best, key=lambda record: (record.metrics[first], record.index))[:ROWS_MAX]
    values = [study.space.values(record.point) for record in rows]
    names = short_names(study.space.names)
    columns = [Column("Point", [str(record.index) for record in rows])]
    columns += [
        Column(metrics.title_of(name), [shown(name, record.metrics[name]) for record in rows])
        for name in study.spec.objectives
    ]
    columns += [
        Column(
            heading(names[name]),
            [value_text(row[name]) for row in values],
            "left",
            least=6,
            comfort=12,
        )
        for name in varying(study, best)
    ]
    return Fitted(columns)


def varying(study: Study, records: Sequence[Record]) -> list[str]:
    """Parameters that differ among points."""
    return [
        name
        for at, name in enumerate(study.space.names)
        if len({record.point[at] for record in records}) > 1
    ]


def _notes(study: Study, records: Sequence[Record], best: Sequence[Record]) -> Iterator[str]:
    if len(best) > ROWS_MAX:
        yield f"{ROWS_MAX} of {len(best)} points of the front; `lockstep study export` has all"
    if best:
        values = study.space.values(best[0].point)
        alike = [
            f"{name} {value_text(value)}"
            for name, value in values.items()
            if name not in varying(study, best)
        ]
        if alike:
            yield "on the whole front: " + ", ".join(alike)
    for section in ("area", "energy"):
        counted = getattr(study.spec.counted, section)
        if counted is not None:
            yield f"{section} counts {', '.join(counted)} and nothing else"
    failed = [record for record in records if record.state == "failed"]
    if failed:
        yield f"point {failed[0].index} failed: {failed[0].reason.splitlines()[0]}"
    rejected = [record for record in records if record.state == "rejected"]
    if rejected:
        yield f"point {rejected[0].index} rejected: {rejected[0].reason}"


def point_report(study: Study, record: Record) -> RenderableType:
    """One point: its values, all its metrics, and the commands that show it in full."""
    lines = [Text(f"point {record.index} of {study.spec.name}: {record.state}", "bold")]
    if record.reason:
        lines.append(Text(printable(record.reason), "yellow"))
    values = study.space.values(record.point)
    lines += [Text(f"  {name}: {value_text(value)}") for name, value in values.items()]
    lines.append(Text())
    lines += [Text(f"  {name}: {shown(name, value)}") for name, value in record.metrics.items()]
    lines.append(Text())
    lines += [Text(command.rstrip()) for command in _commands(study, record)]
    return Group(*lines)


def _commands(study: Study, record: Record) -> Iterator[str]:
    """What runs a point alone."""
    settings = list(study.spec.set)
    for path, value in study.space.settings(record.point):
        if not path.startswith("traffic."):
            settings.append(f"{path}={value_text(value)}")
    quoted = " ".join(f"--set '{each}'" for each in settings)
    for workload in study.spec.workloads.values():
        yield f"lockstep run {study.spec.machine} --workload {workload} {quoted}"
    if study.spec.traffic is None or record.state == "failed":
        return
    mesh = study.space.machine(record.point)
    assert isinstance(mesh, MeshWithTraffic)
    fields = mesh.traffic.model_dump(exclude_none=True)
    given = ", ".join(
        f"{name}=" + (json.dumps(value) if isinstance(value, str) else repr(value))
        for name, value in fields.items()
        if value != ()
    )
    made = f"Traffic({given}).packets({mesh.width}, {mesh.height}, {mesh.packet_flits})"
    yield (
        "python -c 'from pathlib import Path; from traces.mesh import Traffic, write_packets; "
        f'write_packets({made}, Path("packets.csv"))' + "'"
    )
    yield f"lockstep run {study.spec.machine} --packets packets.csv {quoted}"
