"""Studies that ship: they are whole, have their pages, and their points are machines."""

from pathlib import Path

import pandas as pd
import pytest

from arch.machine import Machine
from arch.mesh.load import load_mesh
from sim.cli.study import names
from sim.study import load_study
from sim.study.evaluate import Evaluator, Task
from sim.study.metrics import static_metrics
from sim.study.study import study_names

DOCS = Path(__file__).resolve().parents[2] / "docs"
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "mesh_booksim_sweeps.csv"
NAMES = ("array_shape", "decode_memory", "mesh_curves")
FIGURES = {"mesh_curves": ("curves",)}
PATTERNS = {"uniform": "uniform", "transpose": "transpose", "bitcomp": "bit_complement"}


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
    for figure in FIGURES.get(name, ("front", "effects")):
        assert f"(study_{name}_{figure}.svg)" in page
        assert (DOCS / f"study_{name}_{figure}.svg").stat().st_size > 1000


@pytest.mark.parametrize("name", NAMES)
def test_points_are_machines(name: str) -> None:
    study = load_study(name)
    step = max(1, study.space.size // 200)
    for index in range(0, study.space.size, step):
        machine = study.space.machine(study.space.combination(index))
        if not isinstance(machine, Machine):
            router = study.space.values(study.space.combination(index))["router"]
            assert machine.router == load_mesh(f"mesh_{router}").router
            continue
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


def saturation(path: Path, columns: int) -> dict[tuple[str, str], list[str]]:
    """Rows of a page's table of saturation, by traffic and mesh."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in path.read_text().splitlines()
        if line.startswith("| ") and line.count("|") == columns + 1
    ]
    return {(row[0], row[1]): row[2:] for row in rows if row[1] in ("W1", "V4")}


def test_meshes_saturate_where_booksim_does() -> None:
    """Of each pattern and router that it swept: no load below saturation here is overloaded there,
    and none that is saturated here is below one that is not so there."""
    found = saturation(DOCS / "study_mesh_curves.md", 6)
    beside = saturation(DOCS / "mesh.md", 6)
    assert len(found) == 8
    sweeps = pd.read_csv(GOLDEN)
    sweeps = sweeps[(sweeps["k"] == 8) & (sweeps["packet_size"] == 1)]
    compared = set()
    for (router, traffic), rows in sweeps.groupby(["router", "traffic"]):
        key = PATTERNS.get(str(traffic), ""), str(router)
        if key not in found:
            continue
        _, below, above, _ = found[key]
        fine = rows[rows["overloaded"] == 0]["rate_flits"].max()
        over = rows[rows["overloaded"] == 1]["rate_flits"].min()
        assert not float(below) >= over
        assert float(above) > fine
        assert beside[key] == [f"{fine:g}", "" if over != over else f"{over:g}", below, above]
        compared.add(key)
    assert compared == set(beside)
    assert len(compared) == 6


@pytest.mark.compiled
def test_points_of_mesh_curves_are_on_its_page(tmp_path: Path) -> None:
    """W1 under transpose: the last load below saturation, and the first above."""
    study = load_study("mesh_curves")
    task = Task(study.spec, study.space, {}, None, tmp_path, False, 0)
    (levels,) = study.space.levels[2:]
    points = [(0, 1, levels.index(rate)) for rate in (0.0625, 0.075)]
    below, above = (Evaluator(task)(at, point).metrics for at, point in enumerate(points))
    row = saturation(DOCS / "study_mesh_curves.md", 6)["transpose", "W1"]
    assert (below["saturated"], above["saturated"]) == (0, 1)
    offered = [f"{each['offered_flits_per_node_cycle']:.4f}" for each in (below, above)]
    assert row[1:3] == offered
