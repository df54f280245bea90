"""A study as a page of documentation: its question, its front, and what each parameter does; of
meshes whose load varies, its curves and where they saturate."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from sim.report.text import count
from sim.report.writing import open_whole
from sim.study import metrics
from sim.study.draw import figures
from sim.study.mesh_curves import RULE, Series, saturation, series
from sim.study.pareto import front
from sim.study.record import Record
from sim.study.spec import Parameter
from sim.study.study import Study
from sim.study.table import short_names, shown, value_text, varying

CURVES = "curves.svg"
ROWS_MAX = 24
"""Rows of the page's front."""


def write_page(study: Study, records: Sequence[Record], path: Path) -> list[Path]:
    """Write a page in Markdown and, beside it, its figures as SVG; return what was written.

    Raises InputError where no point is done or a file cannot be written.
    """
    drawn = figures(study, records, (".svg",))
    if CURVES in drawn:
        # A front of all loads and patterns at once says nothing more.
        drawn = {CURVES: drawn[CURVES]}
    written = []
    for name, data in drawn.items():
        figure = path.with_name(f"{path.stem}_{name}")
        with open_whole(figure) as file:
            file.write(data)
        written.append(figure)
    text = "\n".join(_page(study, records, path.name, [each.name for each in written]))
    with open_whole(path) as file:
        file.write((text + "\n").encode())
    return [path, *written]


def _page(
    study: Study, records: Sequence[Record], page: str, drawn: Sequence[str]
) -> Iterator[str]:
    spec = study.spec
    run = f"lockstep study run {spec.name}"
    yield f"# {spec.name}"
    yield ""
    yield f"{spec.source}."
    yield ""
    yield f"Written by `lockstep study show {spec.name} --page {page}`, after `{run}`."
    yield ""
    yield from _question(study, records)
    for name in drawn:
        yield f"![{name.rpartition('_')[2].removesuffix('.svg')}]({name})"
        yield ""
    if lines := series(study, records):
        yield from _saturation(lines)
        return
    yield "## The front"
    yield ""
    yield from _front(study, records)
    yield ""
    yield "## What each parameter does"
    yield ""
    yield from _effects(study, records)


def _question(study: Study, records: Sequence[Record]) -> Iterator[str]:
    spec = study.spec
    done = sum(record.state == "done" for record in records)
    failed = sum(record.state == "failed" for record in records)
    yield (
        f"Around `{study.base.name}`{_set(study)}: {count(len(records))} points, of which "
        f"{count(done)} keep all constraints" + (f"; {failed} failed" if failed else "") + "."
    )
    yield ""
    yield "| | |"
    yield "| --- | --- |"
    for label, given in spec.workloads.items():
        yield f"| workload {label} | `{given}` |"
    if spec.traffic is not None:
        yield f"| traffic | {_traffic(study)} |"
    for name, parameter in spec.parameters.items():
        yield f"| {name} | {_levels(parameter)} |"
    for name, bounds in spec.constraints.items():
        yield f"| {metrics.title_of(name)} | {bounds.text()} {metrics.unit_of(name)} |"
    for section in ("area", "energy"):
        counted = getattr(spec.counted, section)
        if counted is not None:
            yield f"| {section} counts | {', '.join(counted)} |"
    for name, best in spec.objectives.items():
        yield f"| objective | {best} {metrics.title_of(name)} |"
    yield ""


def _saturation(lines: Sequence[Series]) -> Iterator[str]:
    """Where each curve ends."""
    yield "## Saturation"
    yield ""
    yield (
        f"Saturated is a {RULE}. Loads are flits per node and cycle, latencies cycles; the largest "
        "load below saturation and the smallest above are those of the study."
    )
    yield ""
    yield "| traffic | mesh | zero-load latency | below | saturated from | accepted at most |"
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    for row in saturation(lines):
        yield "| " + " | ".join(row) + " |"


def _traffic(study: Study) -> str:
    """Fields that all points have alike."""
    assert study.spec.traffic is not None
    varied = {field for name in study.space.names for field in study.space.fields(name)}
    fixed = study.spec.traffic.model_dump(mode="json", exclude_none=True)
    return ", ".join(
        f"{name} {value_text(value)}"
        for name, value in fixed.items()
        if f"traffic.{name}" not in varied and value != []
    )


def _set(study: Study) -> str:
    return " with " + ", ".join(f"`{each}`" for each in study.spec.set) if study.spec.set else ""


def _levels(parameter: Parameter) -> str:
    levels = [value_text(value) for value in parameter.levels()]
    text = ", ".join(levels if len(levels) <= 12 else [*levels[:3], "...", levels[-1]])
    where = "; ".join(
        f"{other} {' or '.join(map(value_text, wanted))}"
        for other, wanted in parameter.when.items()
    )
    fields = f" ({', '.join(parameter.fields)})" if parameter.fields else ""
    return text + fields + (f", where {where}" if where else "")


def _front(study: Study, records: Sequence[Record]) -> Iterator[str]:
    objectives = study.spec.objectives
    first = next(iter(objectives))
    best = front(records, objectives)
    best.sort(key=lambda record: (record.metrics[first], record.index))
    names = varying(study, best)
    short = short_names(study.space.names)
    titles = ["point", *(metrics.title_of(name) for name in objectives)]
    titles += [short[name] for name in names]
    yield "| " + " | ".join(titles) + " |"
    yield "|" + " ---: |" * (1 + len(objectives)) + " --- |" * len(names)
    for record in _thinned(best):
        values = study.space.values(record.point)
        cells = [str(record.index), *(shown(name, record.metrics[name]) for name in objectives)]
        cells += [value_text(values[name]) for name in names]
        yield "| " + " | ".join(cells) + " |"
    if len(best) > ROWS_MAX:
        yield ""
        yield f"{ROWS_MAX} of {len(best)} points, evenly along the front."


def _thinned(best: Sequence[Record]) -> list[Record]:
    if len(best) <= ROWS_MAX:
        return list(best)
    return [best[round(at * (len(best) - 1) / (ROWS_MAX - 1))] for at in range(ROWS_MAX)]


def _effects(study: Study, records: Sequence[Record]) -> Iterator[str]:
    """The best of each objective by each parameter's value, of all workloads and of each."""
    done = [record for record in records if record.state == "done"]
    objectives = {
        f"{workload}.{name}" if workload else name: best
        for name, best in study.spec.objectives.items()
        for workload in ("", *study.spec.workloads)
        if not workload or (name in metrics.RUN and len(study.spec.workloads) > 1)
    }
    values = [study.space.values(record.point) for record in done]
    short = short_names(study.space.names)
    yield "Best found with each value:"
    yield ""
    yield "| parameter | value | points | " + " | ".join(map(metrics.title_of, objectives)) + " |"
    yield "| --- | --- | ---: |" + " ---: |" * len(objectives)
    for name in varying(study, done):
        for level in (*study.space.parameters[name].levels(), None):
            chosen = [r for r, row in zip(done, values, strict=True) if row[name] == level]
            if not chosen:
                continue
            cells = [short[name], value_text(level), count(len(chosen))]
            for metric, best in objectives.items():
                pick = min if best == "min" else max
                cells.append(shown(metric, pick(record.metrics[metric] for record in chosen)))
            yield "| " + " | ".join(cells) + " |"
