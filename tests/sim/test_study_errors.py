"""Bad studies: what is wrong and where, exit code 2, and nothing in the way of the next run."""

from pathlib import Path

import pytest
import studies
from calling import call
from pydantic import ValidationError

from sim.study.journal import NAME, read
from sim.study.spec import Bounds

ROWS = "array.rows: [4, 8, 16]"
GOAL = "objectives: {cycles: min, energy_pj: min}"
RANGE = "memory.latency_cycles: {first: 10, last: 30, step: 10}"


def refused(folder: Path, text: str, *arguments: object) -> str:
    """What ``run`` says of a study that it refuses, without file and ``error:``."""
    path = studies.tiny(folder, text)
    shown = call("study", "run", path, "--out", folder / "out", "-j", 1, *arguments)
    assert (shown.exit_code, shown.stdout) == (2, ""), shown.output
    assert shown.stderr.startswith("error: ")
    assert "Traceback" not in shown.stderr
    return shown.stderr.removeprefix("error: ").replace(str(folder), "F").rstrip("\n")


BAD = {
    "unknown parameter": (
        (ROWS, "array.row: [4]"),
        "F/study.yaml: parameters.array.row: array.row is no field of a machine; did you mean "
        "array.rows? `lockstep show --yaml systolic_32` prints all",
    ),
    "unknown parameter of a scratchpad": (
        (ROWS, "buffer.scratchpads.weights.banks: [4]"),
        "F/study.yaml: parameters.buffer.scratchpads.weights.banks: "
        "buffer.scratchpads.weights.banks is no field of a machine",
    ),
    "unknown field": (
        (ROWS, "size: {values: [4], fields: [array.rows, array.columns]}"),
        "F/study.yaml: parameters.size: array.columns is no field of a machine; did you mean "
        "array.cols? ",
    ),
    "unknown field of a choice": (
        (ROWS, "size: {choices: {small: {array.rows: 4, array.colls: 4}}}"),
        "F/study.yaml: parameters.size.choices.small: array.colls is no field of a machine; did "
        "you mean array.cols? ",
    ),
    "unknown workload": (
        ("tiny: tiny.yaml", "tiny: resnet51"),
        "F/study.yaml: workloads.tiny: 'resnet51' is no workload; did you mean resnet50",
    ),
    "missing workload": (
        ("workloads: {tiny: tiny.yaml}", ""),
        "F/study.yaml: workloads: is missing; name what shall run",
    ),
    "unknown machine": (
        ("systolic_32", "systolic_33"),
        "F/study.yaml: machine: 'systolic_33' is no machine and no file. Did you mean systolic_32",
    ),
    "empty list": (
        (ROWS, "array.rows: []"),
        'F/study.yaml:7: parameters["array.rows"].values: given []; must be a list, 1 to ',
    ),
    "missing range": (
        (RANGE, "array.cols: {step: 4}"),
        "must have values, first and last, or choices, not none of them",
    ),
    "half a range": ((RANGE, "array.cols: {first: 4}"), "last: is missing; a range has first and"),
    "reversed range": (
        (RANGE, "array.cols: {first: 9, last: 4}"),
        "last: given 4, less than first, 9: an empty range; exchange them",
    ),
    "fractions without a step": (
        (RANGE, "array.cols: {first: 0.5, last: 4}"),
        "count: is missing; a range of fractions needs step, factor or count",
    ),
    "no step": ((RANGE, "array.cols: {first: 1, last: 4, step: 0}"), "step: given 0; must be more"),
    "endless range": (
        (RANGE, "array.cols: {first: 1, last: .inf, step: 1}"),
        "last: given .inf; must be a finite number",
    ),
    "endless factor": ((RANGE, "array.cols: {first: 1, last: 8, factor: 1}"), "factor: given 1"),
    "many values": (
        (RANGE, "array.cols: {first: 1, last: 1_000_000_000}"),
        "last: given 1000000000; must be 1000000 values at most",
    ),
    "a grid without end": (
        (ROWS, "array.rows: {first: 1, last: 1_000_000}\n  array.cols: {first: 1, last: 1000}"),
        "F/study.yaml: sampling: a grid of 6000000000 points; must be 10000000 at most: give the ",
    ),
    "duplicate values": ((ROWS, "array.rows: [4, 8, 4]"), "values: 4 is given twice; remove one"),
    "values and a range": (
        (ROWS, "array.rows: {values: [4], first: 1, last: 2}"),
        "must have values, first and last, or choices, not values and first and last",
    ),
    "unknown objective": (
        ("cycles: min", "cycle: min"),
        "F/study.yaml: objectives.cycle: is no metric; did you mean cycles? Metrics are area_mm2, "
        "pes, ",
    ),
    "unknown goal": (("cycles: min", "cycles: least"), "F/study.yaml:10: objectives.cycles"),
    "no objectives": ((GOAL, "objectives: {}"), "F/study.yaml:10: objectives"),
    "objectives missing": ((GOAL, ""), "F/study.yaml:1: objectives: is missing"),
    "no parameters": (
        (f"{ROWS}\n  array.dataflow: [ws, os]\n  {RANGE}", "{}"),
        "F/study.yaml:6: parameters",
    ),
    "unknown constraint": (
        (GOAL, f"constraints: {{area: {{at_most: 4}}}}\n{GOAL}"),
        "F/study.yaml: constraints.area: is no metric; did you mean area_mm2? ",
    ),
    "empty constraint": (
        (GOAL, f"constraints: {{cycles: {{}}}}\n{GOAL}"),
        "at_most: is missing; give at_least, at_most or both",
    ),
    "impossible constraint": (
        (GOAL, f"constraints: {{cycles: {{at_least: 9, at_most: 4}}}}\n{GOAL}"),
        "at_most: given 4, less than at_least, 9: nothing keeps both",
    ),
    "constraint that is no number": (
        (GOAL, f"constraints: {{cycles: {{at_most: .nan}}}}\n{GOAL}"),
        "constraints.cycles.at_most: given .nan; must be a finite number",
    ),
    "condition on a later parameter": (
        (ROWS, "array.rows: {values: [4, 8], when: {array.dataflow: [ws]}}"),
        "F/study.yaml: parameters.array.rows.when.array.dataflow: must be a parameter above it: "
        "none",
    ),
    "condition on an unknown parameter": (
        (RANGE, "array.cols: {values: [4, 8], when: {dataflow: [ws]}}"),
        "parameters.array.cols.when.dataflow: must be a parameter above it: array.rows, "
        "array.dataflow",
    ),
    "condition that is never met": (
        (RANGE, "array.cols: {values: [4, 8], when: {array.rows: [4, 5]}}"),
        "parameters.array.cols.when.array.rows: given 5, which array.rows never has",
    ),
    "points of a grid": (
        (GOAL, f"{GOAL}\nsampling: {{points: 4}}"),
        "points: must not be given with the method grid",
    ),
    "random without points": (
        (GOAL, f"{GOAL}\nsampling: {{method: random}}"),
        "points: is missing for the method random",
    ),
    "unknown key": ((GOAL, f"{GOAL}\nobjektive: {{}}"), "F/study.yaml:11: objektive"),
    "no yaml": (("name: tiny", "name: [tiny"), "F/study.yaml:"),
    "a list": ((studies.STUDY, "- a\n- b\n"), "F/study.yaml:1: must be the keys of a study"),
    "nothing": ((studies.STUDY, ""), "F/study.yaml:1: must be the keys of a study"),
    "name of a folder": (("name: tiny", "name: ../tiny"), "F/study.yaml:2: name"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_before_anything_runs(name: str, tmp_path: Path) -> None:
    (old, new), expected = BAD[name]
    assert old in studies.STUDY
    assert expected in refused(tmp_path, studies.STUDY.replace(old, new))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["at_least", "at_most"])
def test_a_bound_that_is_no_number(name: str) -> None:
    """From Python; a file says so by itself."""
    with pytest.raises(ValidationError, match=f"{name}: must be a number, not nan"):
        Bounds.model_validate({name: float("nan")})


def test_a_study_that_is_not_there(tmp_path: Path) -> None:
    shown = call("study", "run", tmp_path / "array_shap")
    assert shown.exit_code == 2
    assert "is no study and no file; did you mean array_shape? known by name are" in shown.stderr


def simulated(folder: Path, *changes: tuple[str, str]) -> str:
    """What is found out by a point."""
    text = studies.STUDY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return refused(folder, text, "--no-cache")


def after_mending(folder: Path) -> None:
    """The study, mended, runs in the same folder."""
    path = studies.tiny(folder)
    shown = call("study", "run", path, "--out", folder / "out", "--no-cache", "-j", 1, "-q")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert len(read(folder / "out" / NAME).records) == 18


COUNTED = "counted: {energy: [array, accumulators, scratchpads, memory]}"


@pytest.mark.compiled
def test_energy_without_a_technology_is_no_objective(tmp_path: Path) -> None:
    told = simulated(tmp_path, (COUNTED, "set: [technology=unknown]"))
    assert told.startswith(
        "objectives.energy_pj: energy_pj of systolic_32 is a lower bound, since technology "
        "'unknown' has no sourced figure for "
    )
    assert "array" in told
    assert told.endswith("list the components that shall count under counted.energy")
    after_mending(tmp_path)


@pytest.mark.compiled
def test_energy_of_a_vector_unit_without_a_figure_is_no_objective(tmp_path: Path) -> None:
    more = "- {kind: Elementwise, name: act, op: act, inputs: [two], elements: 60}\n"
    studies.tiny(tmp_path)
    (tmp_path / "with_act.yaml").write_text(studies.WORKLOAD + more)
    told = simulated(tmp_path, (COUNTED, ""), ("tiny.yaml", "with_act.yaml"))
    assert "objectives.energy_pj: energy_pj of systolic_32 is a lower bound, since " in told
    assert "technology '45nm' has no sourced figure for vector_act; list the components" in told


def test_an_area_that_is_a_lower_bound_is_no_constraint(tmp_path: Path) -> None:
    told = simulated(tmp_path, (GOAL, f"constraints: {{area_mm2: {{at_most: 4}}}}\n{GOAL}"))
    assert told.startswith(
        "constraints.area_mm2: area_mm2 of systolic_32 is a lower bound, since technology '45nm' "
        "has no sourced figure for "
    )
    assert "dma" in told
    assert told.endswith("list the components that shall count under counted.area")


@pytest.mark.compiled
def test_an_area_that_is_a_lower_bound_is_no_objective(tmp_path: Path) -> None:
    told = simulated(tmp_path, ("cycles: min", "area_mm2: min"))
    assert told.startswith("objectives.area_mm2: area_mm2 of systolic_32 is a lower bound")


def test_counted_components_that_there_are_not(tmp_path: Path) -> None:
    told = simulated(tmp_path, (COUNTED, "counted: {area: [array, scratchpad]}"))
    assert told.startswith("counted.area: component of area 'scratchpad': must be one of array, ")


@pytest.mark.compiled
def test_counted_components_of_energy_that_there_are_not(tmp_path: Path) -> None:
    told = simulated(tmp_path, (COUNTED, "counted: {energy: [aray]}"))
    assert told.startswith("counted.energy: component of energy 'aray': must be one of array, ")


def test_counted_components_without_a_figure(tmp_path: Path) -> None:
    told = simulated(tmp_path, (COUNTED, "counted: {area: [array, dma]}"))
    assert told.startswith("counted.area: area of dma: no source gives it in this technology")


def none_usable(folder: Path, *changes: tuple[str, str]) -> list[str]:
    """Lines of a study whose points are all rejected or failed; its tables are shown."""
    text = studies.STUDY
    for old, new in changes:
        text = text.replace(old, new)
    path = studies.tiny(folder, text)
    shown = call("study", "run", path, "--out", folder / "out", "-j", 1, "--no-cache", "--quiet")
    assert shown.exit_code == 2
    assert shown.stdout == ""
    return shown.stderr.splitlines()


def test_a_constraint_that_rejects_every_point_before_it_runs(tmp_path: Path) -> None:
    lines = none_usable(tmp_path, (GOAL, f"constraints: {{pes: {{at_most: 100}}}}\n{GOAL}"))
    assert lines == [
        "error: none of 18 points can be used: 18 rejected, 0 failed",
        "constraints.pes: must be at_most 100; the points have 128 to 512",
    ]
    records = read(tmp_path / "out" / NAME).records
    assert all("cycles" not in each.metrics for each in records), "nothing was simulated"
    assert records[0].reason == "pes is 128, must be at_most 100"
    shown = call("study", "show", tmp_path / "out", "--no-figures")
    assert shown.exit_code == 0
    assert "18 rejected" in shown.stdout
    drawn = call("study", "show", tmp_path / "out")
    assert drawn.exit_code == 2
    assert "has no point yet that keeps all constraints to draw" in drawn.stderr


@pytest.mark.compiled
def test_a_constraint_that_rejects_every_point_after_it_ran(tmp_path: Path) -> None:
    lines = none_usable(tmp_path, (GOAL, f"constraints: {{cycles: {{at_most: 3}}}}\n{GOAL}"))
    assert lines[0] == "error: none of 18 points can be used: 18 rejected, 0 failed"
    assert lines[1].startswith("constraints.cycles: must be at_most 3; the points have ")


def test_values_that_the_field_refuses_for_every_point(tmp_path: Path) -> None:
    lines = none_usable(tmp_path, (ROWS, "array.rows: [0, -1]"))
    assert lines[0] == "error: none of 12 points can be used: 0 rejected, 12 failed"
    assert lines[1].startswith("point 0: ")
    assert "array.rows" in lines[1]
    assert "given 0" in lines[1]
