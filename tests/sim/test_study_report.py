"""What a person sees of a study: tables, a point, progress, pages, figures."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console
from studies import spec

from arch.errors import InputError
from arch.load import load_machine
from sim.cli.study_progress import StudyProgress, describe, duration
from sim.study.draw import draw, panels
from sim.study.driver import Status
from sim.study.metrics import ALL
from sim.study.page import write_page
from sim.study.record import Record
from sim.study.sampling import Enumeration
from sim.study.spec import Refinement
from sim.study.status import left
from sim.study.study import Study
from sim.study.table import heading, point_report, report, short_names, shown, value_text

PARAMETERS = {
    "array.dataflow": ["ws", "os"],
    "buffer.scratchpads.ifmap.capacity_kib": [32, 64],
    "buffer.scratchpads.filter.capacity_kib": [32],
}


def study() -> Study:
    """Two workloads, time against energy."""
    given = spec(
        PARAMETERS,
        workloads={"a": "gpt2", "b": "bert_base"},
        objectives={"seconds": "min", "energy_pj": "min"},
        counted={"energy": ("array",)},
    )
    return Study(given, load_machine("systolic_32"))


def record(index: int, seconds: float, energy_pj: float) -> Record:
    """A point that is done; `b` is where `a` is not."""
    found = study()
    metrics = {"seconds": seconds, "energy_pj": energy_pj}
    for workload, share in (("a", 0.25), ("b", 0.75)):
        metrics |= {
            f"{workload}.{name}": share * metrics[name] for name in ("seconds", "energy_pj")
        }
    return Record(index, found.space.combination(index), "done", metrics)


RECORDS = [
    record(0, 2e-3, 1e9),
    record(1, 1e-3, 3e9),
    record(2, 3e-3, 2e9),
    Record(3, (1, 1, 0), "failed", {}, "no tile fits\nsecond line"),
]


def printed(what: object, width: int = 80) -> str:
    text = io.StringIO()
    Console(file=text, width=width, highlight=False).print(what)
    return text.getvalue()


def test_front_as_a_table() -> None:
    lines = printed(report(study(), RECORDS)).splitlines()
    title = "tests, around systolic_32  4 points, 1 failed; min time, min energy"
    assert lines[0].rstrip() == title
    rows = [line.split() for line in lines if re.match(r" *\d+ +\S+ ms", line)]
    # By the first objective; the point that both others beat is not there.
    assert rows == [
        ["1", "1", "ms", "3", "mJ", "64"],
        ["0", "2", "ms", "1", "mJ", "32"],
    ]
    text = " ".join(" ".join(lines).split())
    assert "on the whole front: array.dataflow ws" in text
    assert "energy counts array and nothing else" in text
    assert "point 3 failed: no tile fits" in text
    assert "second line" not in text
    assert max(map(len, lines)) <= 80


def test_no_front_no_table() -> None:
    text = printed(report(study(), RECORDS[3:]))
    assert "Point" not in text
    assert "point 3 failed" in text


def test_metrics_are_documented() -> None:
    """The table of docs/studies.md has each metric with its unit and meaning, and no other."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "studies.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|(.*?)\|(.*)\|$", page, re.MULTILINE)
    found = {name: (unit.strip(), meaning.strip().replace("`", "")) for name, unit, meaning in rows}
    assert found == {name: (each.unit, each.meaning) for name, each in ALL.items()}


def test_a_point_comes_with_its_commands() -> None:
    lines = printed(point_report(study(), RECORDS[1]), 300).splitlines()
    assert "  seconds: 1 ms" in lines
    settings = (
        "--set 'array.dataflow=ws' --set 'buffer.scratchpads.ifmap.capacity_kib=64' "
        "--set 'buffer.scratchpads.filter.capacity_kib=32'"
    )
    assert f"lockstep run systolic_32 --workload gpt2 {settings}" in lines
    assert f"lockstep run systolic_32 --workload bert_base {settings}" in lines


def test_names() -> None:
    names = ["a.rows", "b.ifmap.kib", "b.filter.kib", "cols"]
    assert list(short_names(names).values()) == ["rows", "ifmap.kib", "filter.kib", "cols"]
    assert heading("accumulator_rows") == "accumulator\nrows"
    assert heading("ifmap.capacity_kib") == "ifmap\ncapacity\nkib"
    assert heading("rows") == "rows"


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("seconds", 0.0012345, "1.234 ms"),
        ("energy_pj", 2.5e9, "2.5 mJ"),
        ("a.energy_pj", 2.5e6, "2.5 uJ"),
        ("area_mm2", 19.8765, "19.88 mm2"),
        ("cycles", 1234567, "1,234,567 cycles"),
        ("utilisation", 0.51239, "0.5124"),
        ("bandwidth_bytes_per_s", 256e9, "256 GB/s"),
        ("my_own", 3.14159, "3.142"),
    ],
)
def test_metrics_have_units(metric: str, value: float, text: str) -> None:
    assert shown(metric, value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.025 + 2 * 0.025, "0.075"), (0.1, "0.1"), (2.0, "2.0"), (1e-7, "1e-07"), (3, "3"),
        (True, "true"), (None, "-"), ("ws", "ws"), ([27, 28], "[27, 28]"),
    ],
)  # fmt: skip
def test_values_of_parameters(value: object, text: str) -> None:
    assert value_text(value) == text


def test_what_is_left() -> None:
    """A grid of 4 points, then neighbours of its front, of which there are none that are new."""
    whole = [record(index, 1e-3, 1e9) for index in range(4)]
    assert [left(study(), whole[:count]) for count in range(5)] == [4, 3, 2, 1, 0]
    refined = study()
    given = {"refine": Refinement(rounds=2, points=5)}
    sampling = refined.spec.sampling.model_copy(update=given)
    spec = refined.spec.model_copy(update={"sampling": sampling})
    assert left(Study(spec, refined.base), whole) == 0
    one = sampling.model_copy(update={"method": "random", "points": 1})
    spec = spec.model_copy(update={"sampling": one})
    (point,) = Enumeration(spec, refined.space).ask([])
    done = Record(0, point, "done", whole[0].metrics)
    assert left(Study(spec, refined.base), [done]) == 2


def test_progress_line() -> None:
    status = Status(30, 100, 20, RECORDS)
    line = describe(status, 10.0, "seconds", 1e-3)
    assert line == "30/100 points  2/s  35 s left  best time 1 ms"
    assert describe(Status(0, 100, 0, []), 0.0, "seconds", None) == "0/100 points"
    assert [duration(each) for each in (45, 119, 121, 7000, 7300)] == [
        "45 s", "119 s", "2 min", "117 min", "2 h 02 min",
    ]  # fmt: skip


def test_progress_is_quiet_without_a_terminal() -> None:
    text = io.StringIO()
    with StudyProgress(Console(file=text), study()) as progress:
        progress(Status(3, 4, 3, RECORDS[:3]))
    assert text.getvalue() == ""


def test_progress_keeps_the_best() -> None:
    text = io.StringIO()
    with StudyProgress(Console(file=text, force_terminal=True, width=100), study()) as progress:
        progress(Status(2, 4, 2, RECORDS[1:2]))
        progress(Status(3, 4, 3, RECORDS[2:3]))
    assert "best time 1 ms" in text.getvalue()
    assert "best time 3 ms" not in text.getvalue()


def test_panels_of_all_and_of_each_workload() -> None:
    found = panels(study(), RECORDS[:3])
    assert [panel.title for panel in found] == ["all workloads", "a", "b"]
    assert list(found[0].x) == [2e-3, 1e-3, 3e-3]
    assert list(found[2].y) == [0.75e9, 2.25e9, 1.5e9]
    assert [list(panel.on_front) for panel in found] == [[True, True, False]] * 3
    assert set(found[0].groups) == {"ws", "os"}


def test_figures_and_page(tmp_path: Path) -> None:
    written = draw(study(), RECORDS, tmp_path / "figures")
    assert sorted(path.name for path in written) == [
        "effects.png", "effects.svg", "front.png", "front.svg",
    ]  # fmt: skip
    assert all(path.stat().st_size > 1000 for path in written)
    page, *figures = write_page(study(), RECORDS, tmp_path / "page.md")
    text = page.read_text()
    assert {path.name for path in figures} == {"page_front.svg", "page_effects.svg"}
    assert all(f"({path.name})" in text for path in figures)
    assert "4 points, of which 3 keep all constraints; 1 failed." in text
    assert "| 1 | 1 ms | 3 mJ | 64 |" in text
    assert "| dataflow | ws | 2 | 1 ms | 250 us | 750 us | 1 mJ | 250 uJ | 750 uJ |" in text
    again = write_page(study(), RECORDS, tmp_path / "again.md")
    assert [path.read_bytes() for path in again[1:]] == [path.read_bytes() for path in figures]


def test_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no point yet that keeps all constraints"):
        draw(study(), RECORDS[3:], tmp_path / "figures")
    assert not (tmp_path / "figures").exists()
