"""Running studies: the same points whatever happens on the way."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import studies
from calling import call

from arch.errors import InputError
from sim.simulate import run as simulate
from sim.study import Outcome, Settings, load_study, run
from sim.study.evaluate import Task
from sim.study.journal import NAME, read
from sim.study.pool import LocalPool

ROWS = {"array.rows": {"first": 1, "last": 12}, "array.cols": [1, 2]}


@pytest.mark.compiled
def test_workers_and_cache_do_not_matter(tmp_path: Path) -> None:
    study = load_study(str(studies.tiny(tmp_path)))
    cache = tmp_path / "cache"
    expected = studies.exported(Outcome(study, studies.alone(study)), tmp_path)
    ways = {
        "cold": Settings(2, True, cache),
        "warm": Settings(1, True, cache),
        "none": Settings(2, False),
    }
    for name, settings in ways.items():
        outcome = run(study, tmp_path / name, settings)
        assert outcome.cache_fault is None
        assert studies.exported(outcome, tmp_path / name) == expected, name
        assert studies.exported(
            Outcome(study, list(read(tmp_path / name / NAME).records)), tmp_path
        ) == (expected)
    assert len(studies.alone(study)) == 18


@pytest.mark.compiled
def test_metrics_are_those_of_a_run(tmp_path: Path) -> None:
    text = studies.STUDY.replace("{tiny: tiny.yaml}", "{tiny: tiny.yaml, again: tiny.yaml}")
    study = load_study(str(studies.tiny(tmp_path, text)))
    for record in studies.alone(study)[::5]:
        machine = study.space.machine(record.point)
        result = simulate(machine, study.workloads["tiny"]).result
        pes = machine.array.rows * machine.array.cols
        kib = sum(pad.capacity_kib for pad in machine.buffer.scratchpads.values())
        pads = [name for name in result.energy.by_component_pj if name.startswith("scratchpad_")]
        energy = sum(
            result.energy.by_component_pj.get(name, 0)
            for name in ["array", "accumulators", *pads, "memory"]
        )
        moved = sum(
            each.events["memory_read_bytes"] + each.events["memory_write_bytes"]
            for each in result.operators
        )
        stalls = sum(each.stall_cycles for each in result.operators)
        expected: dict[str, float] = {
            "pes": pes,
            "sram_kib": kib + machine.array.cols * 1024 * 4 / 1024,
            "peak_macs_per_s": pes * 1e9,
            "bandwidth_bytes_per_s": 32e9,
            "cycles": 2 * result.cycles,
            "seconds": 2 * result.seconds,
            "traffic_bytes": 2 * moved,
            "macs": 2 * (12 * 20 * 9 + 12 * 9 * 5),
            "stall_cycles": 2 * stalls,
            "energy_pj": 2 * energy,
            "utilisation": 2 * (12 * 20 * 9 + 12 * 9 * 5) / (2 * result.cycles * pes),
            "edp_pj_s": 2 * energy * 2 * result.seconds,
        }
        for name in ("tiny", "again"):
            expected |= {
                f"{name}.cycles": result.cycles,
                f"{name}.seconds": result.seconds,
                f"{name}.traffic_bytes": moved,
                f"{name}.macs": result.macs,
                f"{name}.stall_cycles": stalls,
                f"{name}.energy_pj": energy,
                f"{name}.utilisation": result.macs / (result.cycles * pes),
                f"{name}.edp_pj_s": energy * result.seconds,
            }
        assert record.state == "done"
        assert record.metrics == pytest.approx(expected)


@pytest.mark.compiled
def test_a_point_that_is_no_machine_or_cannot_run_fails_alone(tmp_path: Path) -> None:
    text = studies.STUDY.replace("[4, 8, 16]", "[4, 0]").replace(
        "  memory.latency_cycles: {first: 10, last: 30, step: 10}",
        "  buffer.scratchpads.filter.capacity_kib: [128, 0.03125]",
    )
    outcome = run(load_study(str(studies.tiny(tmp_path, text))), tmp_path / "s", Settings(2, False))
    states = [(record.point, record.state) for record in outcome.records]
    assert {point: state for point, state in states if point[0] == 1} == {
        (1, a, b): "failed" for a in (0, 1) for b in (0, 1)
    }
    assert {point: state for point, state in states if point[2] == 0 and point[0] == 0} == {
        (0, a, 0): "done" for a in (0, 1)
    }
    assert all(state == "failed" for point, state in states if point[2] == 1)
    for record in outcome.records:
        if record.state == "failed":
            named = "array.rows" if record.point[0] == 1 else "filter"
            assert named in record.reason
            assert "Traceback" not in record.reason
    assert [each.state for each in outcome.front] == ["done"] * len(outcome.front) != []


@pytest.mark.parametrize(
    ("evaluate", "how", "workers"), [("deadly", "signal 9", 2), ("leaving", "exit code 7", 1)]
)
def test_a_point_that_kills_its_worker_fails_alone(
    evaluate: str, how: str, workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(studies.MARKS, str(tmp_path / "marks"))
    study = studies.own(getattr(studies, evaluate), ROWS)
    outcome = run(study, tmp_path / "study", Settings(workers))
    assert [record.index for record in outcome.records] == list(range(24))
    for record in outcome.records:
        if study.space.values(record.point)["array.rows"] == 5:
            assert record.state == "failed"
            assert f"its worker died 3 times ({how})" in record.reason
        else:
            assert record.state == "done"
    asked = Counter((tmp_path / "marks").read_text().split())
    assert [asked["5x1"], asked["5x2"]] == [3, 3], "not blamed for others, nor others for it"
    assert len(asked) == 24


def test_nonsense_of_an_own_function_is_told(tmp_path: Path) -> None:
    study = studies.own(studies.nonsense, {"array.rows": {"first": 1, "last": 9}})
    reasons = [record.reason for record in run(study, tmp_path / "study", Settings(1)).records]
    assert reasons[:7] == [
        "evaluate() must return numbers by name, not None",
        "evaluate() must return numbers by name, not 'text'",
        "evaluate() must return a finite number for 'cost', not nan",
        "evaluate() must return a finite number for 'cost', not inf",
        "evaluate() must return a number for 'cost', not 'much'",
        "evaluate() must return a number for 'cost', not None",
        "evaluate() must return numbers by name, not [('cost', 1)]",
    ]
    assert "evaluate() raised ZeroDivisionError: " in reasons[7]
    assert "studies.py:" in reasons[7]
    assert reasons[8] == ""


def test_an_objective_that_an_own_function_does_not_return(tmp_path: Path) -> None:
    study = studies.own(studies.silent, ROWS)
    with pytest.raises(InputError, match=r"objectives\.cost: .* reports no cost, only .*other"):
        run(study, tmp_path / "study", Settings(1))


SCRIPT = """
import sys
from pathlib import Path
import studies
from sim.study import Settings, run

def evaluate(machine):
    return {"cost": machine.array.rows}

def main():
    study = studies.own(evaluate, {"array.rows": [3, 1, 2]})
    outcome = run(study, Path(sys.argv[1]), Settings(1))
    print([record.metrics["cost"] for record in outcome.records])

GUARD
    main()
"""


def script(folder: Path, guard: str, study: Path) -> "subprocess.CompletedProcess[str]":
    """A user's script, run."""
    path = folder / "script.py"
    path.write_text(SCRIPT.replace("GUARD", guard))
    return subprocess.run(
        [sys.executable, str(path), str(study)],
        env={**os.environ, "PYTHONPATH": studies.PYTHONPATH},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_script_with_a_function_of_its_own(tmp_path: Path) -> None:
    guard, folder = 'if __name__ == "__main__":', tmp_path / "study"
    for _ in range(2):
        done = script(tmp_path, guard, folder)
        assert (done.stderr, done.stdout) == ("", "[3, 1, 2]\n")
    shown = call("study", "resume", folder)
    assert shown.exit_code == 2
    assert "run the script that began the study again: it goes on" in shown.stderr


def test_a_script_that_does_not_ask_whether_it_is_main(tmp_path: Path) -> None:
    done = script(tmp_path, "if True:", tmp_path / "study")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "workers die as they start (exit code 1), 3 times in a row; a script must begin" in last
    assert "if __name__ == '__main__':" in last
    done = script(tmp_path, 'if __name__ == "__main__":', tmp_path / "study")
    assert done.stdout == "[3, 1, 2]\n"


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers(workers: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"workers: given {workers}; must be 1 or more"):
        run(studies.own(studies.rows_and_cols, ROWS), tmp_path / "study", Settings(workers))


def test_a_function_that_others_cannot_import_is_refused(tmp_path: Path) -> None:
    def inner(machine: Any) -> dict[str, float]:
        return {"cost": 1}

    with pytest.raises(InputError, match="must be a function of a module"):
        run(studies.own(inner, ROWS), tmp_path / "study", Settings(1))
    assert not (tmp_path / "study").exists()


def test_a_pool_serves_batch_after_batch() -> None:
    study = studies.own(studies.rows_and_cols, ROWS)
    task = Task(study.spec, study.space, {}, study.evaluate, None, False, 0)
    pool = LocalPool(task, 2)
    try:
        for begin in (0, 5, 5):
            points = [(at, study.space.combination(at)) for at in range(begin, begin + 5)]
            found = [each for each in pool.run(points) if each is not None]
            assert sorted(each.index for each in found) == [index for index, _ in points]
    finally:
        pool.close()
