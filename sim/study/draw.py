"""Figures of a study: its Pareto front, what each parameter does, and curves over load."""

from collections.abc import Sequence
from pathlib import Path

from arch.errors import InputError
from sim.figures.curves import curves
from sim.figures.effects import effects
from sim.figures.pareto import Axis, Panel, pareto
from sim.figures.run import SUFFIXES
from sim.figures.style import render
from sim.report.writing import write_folder
from sim.study import metrics
from sim.study.mesh_curves import RULE, series
from sim.study.pareto import front
from sim.study.record import Record
from sim.study.space import Space
from sim.study.study import Study
from sim.study.table import short_names, value_text

GROUPS_MAX = 7
"""Values of a parameter that a figure tells apart by marks."""


def draw(study: Study, records: Sequence[Record], folder: Path) -> list[Path]:
    """Write ``figures`` as SVG and PNG into a folder, which is made if it is not there; return what
    was written. Raises InputError as ``figures`` and where the folder cannot be written."""
    files = figures(study, records, SUFFIXES)
    write_folder(folder, files)
    return [folder / name for name in files]


def figures(study: Study, records: Sequence[Record], suffixes: Sequence[str]) -> dict[str, bytes]:
    """Files by name: ``curves`` (of meshes whose load varies), ``front`` (of two objectives or
    more) and ``effects``.

    Raises InputError where no point is done or matplotlib is missing.
    """
    done = [record for record in records if record.state == "done"]
    if not done:
        raise InputError(f"{study.spec.name}: has no point yet that keeps all constraints to draw")
    axes = {name: _axis(name, best) for name, best in study.spec.objectives.items()}
    names = short_names(study.space.names)
    values = [study.space.values(record.point) for record in done]
    parameters = {short: [_drawn(row[name]) for row in values] for name, short in names.items()}
    objectives = {name: [record.metrics[name] for record in done] for name in axes}
    found = {"effects": effects(parameters, objectives, axes)}
    if len(axes) > 1:
        x, y = list(axes.values())[:2]
        found = {"front": pareto(panels(study, done), x, y), **found}
    if lines := series(study, done):
        found = {"curves": curves([each.curve() for each in lines], RULE), **found}
    return {
        name + suffix: render(figure, suffix)
        for name, figure in found.items()
        for suffix in suffixes
    }


def panels(study: Study, done: Sequence[Record]) -> list[Panel]:
    """The first two objectives of all workloads together, and of each where they have them."""
    names = list(study.spec.objectives)[:2]
    together = "all workloads" if len(study.spec.workloads) > 1 else study.spec.name
    found = [_panel(together, study, done, names)]
    if len(study.spec.workloads) > 1 and all(name in metrics.RUN for name in names):
        found += [
            _panel(workload, study, done, [f"{workload}.{name}" for name in names])
            for workload in study.spec.workloads
        ]
    return found


def _panel(title: str, study: Study, done: Sequence[Record], names: Sequence[str]) -> Panel:
    wanted = dict(zip(names, study.spec.objectives.values(), strict=False))
    best = {record.index for record in front(done, wanted)}
    x, y = names
    return Panel(
        title,
        [record.metrics[x] for record in done],
        [record.metrics[y] for record in done],
        [record.index in best for record in done],
        _groups(study.space, done),
    )


def _groups(space: Space, done: Sequence[Record]) -> list[str]:
    """The value of the first parameter that is no number, as far as it has few."""
    for name, levels in zip(space.names, space.levels, strict=True):
        texts = any(not isinstance(value, int | float) for value in levels)
        if texts and 1 < len(levels) <= GROUPS_MAX:
            return [value_text(space.values(record.point)[name]) for record in done]
    return [""] * len(done)


def _axis(name: str, best: str) -> Axis:
    return Axis(metrics.title_of(name), metrics.unit_of(name), "min" if best == "min" else "max")


def _drawn(value: object) -> object:
    """A value as figures take it: numbers, texts and None as they are."""
    return value if value is None or isinstance(value, int | float | str) else value_text(value)
