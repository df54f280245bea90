"""Studies that ship: they are whole, have their pages, and their points are machines."""

from pathlib import Path

import pytest

from sim.cli.study import names
from sim.study import load_study
from sim.study.evaluate import Evaluator, Task
from sim.study.metrics import static_metrics
from sim.study.study import study_names

DOCS = Path(__file__).resolve().parents[2] / "docs"
NAMES = ("array_shape", "decode_memory")


def test_names() -> None:
    assert study_names() == NAMES


def test_they_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    names()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(NAMES)
    assert all(30 < len(line) <= 80 for line in lines)


@pytest.mark.parametrize("name", NAMES)
def test_page_and_figures(name: str) -> None:
    page = (DOCS / f"study_{name}.md").read_text()
    assert page.startswith(f"# {name}\n")
    for parameter in load_study(name).spec.parameters:
        assert f"| {parameter} |" in page
    for figure in ("front", "effects"):
        assert f"(study_{name}_{figure}.svg)" in page
        assert (DOCS / f"study_{name}_{figure}.svg").stat().st_size > 1000


@pytest.mark.parametrize("name", NAMES)
def test_points_are_machines(name: str) -> None:
    study = load_study(name)
    step = max(1, study.space.size // 200)
    for index in range(0, study.space.size, step):
        machine = study.space.machine(study.space.combination(index))
        found = static_metrics(machine, study.spec.counted)
        assert set(study.spec.constraints) <= set(found)


@pytest.mark.compiled
def test_a_point_of_decode_memory_is_on_its_page(tmp_path: Path) -> None:
    """GDDR6, one channel, side 256: bandwidth of 28 GB/s on the pins, and the page's time."""
    study = load_study("decode_memory")
    task = Task(study.spec, study.space, dict(study.workloads), None, tmp_path, False, 0)
    record = Evaluator(task)(63, study.space.combination(63))
    assert record.state == "done"
    row = next(
        line
        for line in (DOCS / "study_decode_memory.md").read_text().splitlines()
        if line.startswith("| 63 |")
    )
    assert f"| {record.metrics['seconds'] * 1e3:.3f} ms | 28 GB/s | GDDR6 | 1 | 256 |" in row
