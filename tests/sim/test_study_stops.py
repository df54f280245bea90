"""Studies that stop, are interrupted or have company, and go on with the same points."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import studies
from calling import call

from arch.errors import InputError
from sim.cache import Cache
from sim.study import Outcome, Settings, load_study, pool, run
from sim.study.driver import Status, drive
from sim.study.evaluate import Task
from sim.study.journal import NAME, Journal, read
from sim.study.record import Record
from sim.study.sampling import Enumeration
from sim.study.study import DOCUMENT

ROWS = {"array.rows": {"first": 1, "last": 12}, "array.cols": [1, 2]}


class Scripted:
    """An executor that hands back points in another order, and stops."""

    def __init__(self, stop_after: int, order: Callable[[Sequence[Any]], Sequence[Any]]) -> None:
        self._left, self._order = stop_after, order
        self.asked: list[int] = []

    def run(self, points: Sequence[Any]) -> Any:
        yield None
        for index, point in self._order(list(points)):
            if self._left == 0:
                raise KeyboardInterrupt
            self._left -= 1
            self.asked.append(index)
            yield Record(index, point, "done", {"cost": point[0], "gain": 2 * point[0] + point[1]})


REFINED = {
    "sampling": {
        "method": "random", "points": 6, "refine": {"rounds": 3, "points": 4},
    },
    "objectives": {"cost": "min", "gain": "max"},
}  # fmt: skip


@pytest.mark.parametrize("stop_after", range(18))
def test_a_study_that_stops_anywhere_goes_on_with_the_same_points(
    stop_after: int, tmp_path: Path
) -> None:
    """Also within the rounds of its refinement, points in any order."""
    study = studies.own(studies.rows_and_cols, ROWS, **REFINED)

    def part(name: str, stop_after: int, order: Any) -> tuple[list[Record], list[int]]:
        executor = Scripted(stop_after, order)
        with Journal(tmp_path / name, {}) as journal:
            told: set[int] = set()

            def tell(status: Status) -> None:
                told.update(each.index for each in status.records)
                assert told <= {each.index for each in read(journal.path).records}

            try:
                found = drive(journal, Enumeration(study.spec, study.space), executor, tell)
            except KeyboardInterrupt:
                found = []
            assert told == {each.index for each in read(journal.path).records}
        return found, executor.asked

    expected, every = part("plain", -1, lambda points: points)
    _, before = part("stopped", stop_after, lambda points: points[::-1])
    found, after = part("stopped", -1, lambda points: points[::-1])
    assert found == expected
    assert len(expected) == 18
    assert sorted(before + after) == sorted(every), "none twice"


def test_a_journal_of_other_points_is_refused(tmp_path: Path) -> None:
    """Should a sampler ever name others for the same study."""
    study = studies.own(studies.rows_and_cols, ROWS)
    with Journal(tmp_path / NAME, {}) as journal:
        journal.append([Record(0, (1, 1), "done", {"cost": 1})])
    with (
        Journal(tmp_path / NAME, {}) as journal,
        pytest.raises(InputError, match=r"has point 0 as \(1, 1\), the study as \(0, 0\); run it"),
    ):
        drive(journal, Enumeration(study.spec, study.space), Scripted(-1, list), lambda _: None)
    assert len(read(tmp_path / NAME).records) == 1


SLOW = {"array.rows": {"first": 1, "last": 1000}}


@pytest.fixture
def slow_study(tmp_path: Path) -> Path:
    """A folder of a study that takes some time, begun and stopped at once."""
    folder = tmp_path / "slow"
    study = studies.own(studies.slow, SLOW)
    with pytest.raises(KeyboardInterrupt):
        run(study, folder, Settings(1), stop_at_once)
    return folder


def stop_at_once(status: Status) -> None:
    if status.finished:
        raise KeyboardInterrupt


def test_a_stopped_study_has_what_it_told(slow_study: Path) -> None:
    assert 0 < studies.finished(slow_study) < 1000
    assert (slow_study / DOCUMENT).exists()


def test_ctrl_c_status_and_resume(
    slow_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C reaches the group: driver and workers."""
    begun = studies.finished(slow_study)
    driver = studies.start("resume", slow_study, "-j", 2, group=True)
    try:
        studies.until(lambda: studies.finished(slow_study) > begun)
        workers = studies.children(driver.pid)
        shown = call("study", "status", slow_study).stdout
        assert "running" in shown
        assert "not running" not in shown
        assert "points a second" in shown
        second = studies.start("resume", slow_study, "-j", 1)
        _, refusal = second.communicate(timeout=60)
        assert (second.returncode, refusal.count("\n")) == (2, 1)
        assert "another process runs this study" in refusal
        told = {each.index: each for each in read(slow_study / NAME).records}
        os.killpg(driver.pid, signal.SIGINT)
        _, stderr = driver.communicate(timeout=60)
    finally:
        driver.kill()
    assert driver.returncode == 130
    assert studies.said(stderr) == [f"stopped; `lockstep study resume {slow_study}` goes on"]
    assert len(workers) == 2
    assert not any(map(studies.lives, workers))
    now = {each.index: each for each in read(slow_study / NAME).records}
    assert len(now) < 1000
    assert told.items() <= now.items()
    shown = call("study", "status", slow_study).stdout
    assert f"tests: not running, {len(now)} points finished" in shown
    assert f"{len(now)} done, 0 rejected, 0 failed" in shown
    monkeypatch.setenv(studies.PAUSE, "0")
    study = studies.own(studies.slow, SLOW)
    outcome = run(study, slow_study, Settings(2))
    assert studies.exported(outcome, tmp_path) == studies.exported(
        Outcome(study, studies.alone(study)), tmp_path
    )


@pytest.mark.compiled
def test_ctrl_c_while_workers_start(tmp_path: Path) -> None:
    """No worker tells of it."""
    folder = tmp_path / "out"
    driver = studies.start("run", studies.tiny(tmp_path), "--out", folder, "--no-cache", group=True)
    studies.until(lambda: len(studies.children(driver.pid)) >= 1)
    os.killpg(driver.pid, signal.SIGINT)
    _, stderr = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert studies.said(stderr) == [f"stopped; `lockstep study resume {folder}` goes on"]
    resumed = studies.start("resume", folder, "--no-cache", "-q")
    assert resumed.communicate(timeout=120) == ("", "")
    assert resumed.returncode == 0
    assert studies.finished(folder) == 18


def test_ctrl_c_waits_for_a_worker_to_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is left behind that the pool does not know, whichever thread the signal goes to."""
    end = threading.Event()
    other = threading.Thread(target=end.wait)
    other.start()
    assert other.ident is not None
    idle = other.ident

    class Interrupted(pool._Worker):
        def __init__(self, task: Task) -> None:
            signal.pthread_kill(idle, signal.SIGINT)
            time.sleep(0.05)
            super().__init__(task)
            self._process.join(0.01)

    monkeypatch.setattr(pool, "_Worker", Interrupted)
    study = studies.own(studies.slow, SLOW)
    task = Task(study.spec, study.space, {}, study.evaluate, None, False, 0)
    workers = pool.LocalPool(task, 1)
    before = set(studies.children(os.getpid()))
    try:
        with pytest.raises(KeyboardInterrupt):
            list(workers.run([(0, (0,))]))
    finally:
        end.set()
    assert len(set(studies.children(os.getpid())) - before) == 1
    workers.close()
    assert set(studies.children(os.getpid())) == before


def test_ctrl_c_does_not_reach_workers_that_start(slow_study: Path) -> None:
    """Interrupted alone, again and again, from the first moment on."""
    begun = studies.finished(slow_study)
    driver = studies.start("resume", slow_study, "-j", 1, "-q")
    try:
        studies.until(lambda: len(studies.children(driver.pid)) == 1)
        (worker,) = studies.children(driver.pid)
        while studies.finished(slow_study) == begun:
            os.kill(worker, signal.SIGINT)
            time.sleep(0.01)
        assert studies.children(driver.pid) == [worker]
    finally:
        driver.kill()
        _, stderr = driver.communicate()
    assert stderr == ""


@pytest.mark.compiled
def test_two_drivers_on_one_cache(tmp_path: Path) -> None:
    path, cache = studies.tiny(tmp_path), tmp_path / "cache"
    drivers = [
        studies.start("run", path, "--out", tmp_path / name, "--cache", cache, "-j", 2, "-q")
        for name in ("one", "two")
    ]
    assert [driver.communicate(timeout=120)[1] for driver in drivers] == ["", ""]
    assert [driver.returncode for driver in drivers] == [0, 0]
    study = load_study(str(path))
    expected = studies.exported(Outcome(study, studies.alone(study)), tmp_path)
    for name in ("one", "two"):
        records = list(read(tmp_path / name / NAME).records)
        assert studies.exported(Outcome(study, records), tmp_path) == expected
    with Cache(cache) as found:
        assert (found.fault, found.damaged) == (None, 0)


def test_a_worker_ends_with_its_driver_in_the_middle_of_a_point(tmp_path: Path) -> None:
    """Long before its point would be done."""
    code = (
        "import sys, studies\n"
        "from pathlib import Path\n"
        "from sim.study import Settings, run\n"
        "if __name__ == '__main__':\n"
        " study = studies.own(studies.endless, {'array.rows': [1, 2]})\n"
        " run(study, Path(sys.argv[1]), Settings(2))\n"
    )
    path = tmp_path / "script.py"
    path.write_text(code)
    marks = tmp_path / "marks"
    driver = subprocess.Popen(
        [sys.executable, str(path), str(tmp_path / "study")],
        env={**os.environ, "PYTHONPATH": studies.PYTHONPATH, studies.MARKS: str(marks)},
    )
    studies.until(lambda: marks.exists() and len(marks.read_text().split()) == 2)
    workers = studies.children(driver.pid)
    assert len(workers) == 2
    driver.kill()
    driver.wait()
    studies.until(lambda: not any(map(studies.lives, workers)), 5)
