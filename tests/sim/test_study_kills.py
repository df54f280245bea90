"""A study that is killed again and again ends as one that is not."""

import json
import os
import signal
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sim.study.journal import NAME
from tests import study_kills
from tests.study_kills import Found, KilledStudy, campaign, seconds_until_gone

pytestmark = pytest.mark.compiled

KILLS = 8
RECORD = Path(__file__).parents[2] / "docs" / "validation" / "study_kills.json"


def test_a_few_kills(tmp_path: Path) -> None:
    record = campaign(KILLS, seed=5, folder=tmp_path)
    assert record["faults"] == []
    assert sum(record["kills"].values()) == KILLS
    assert set(record["kills"]) == {"driver", "group", "worker"}
    assert record["studies"] >= 1
    assert record["points"] % record["studies"] == 0
    assert record["slowest_orphan_seconds"] < 5


def test_the_record_is_of_two_hundred_kills_without_a_fault() -> None:
    record = json.loads(RECORD.read_text())
    assert sum(record["kills"].values()) >= 200
    assert min(record["kills"].values()) >= 20
    assert record["faults"] == []
    assert record["points"] == 432 * record["studies"]


class Ended:
    """A driver that is done."""

    pid, returncode = 0, 0

    def wait(self, timeout: float) -> int:
        return 0

    def communicate(self, timeout: float = 0) -> tuple[str, None]:
        return "", None


def test_a_lost_point_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge itself: a journal whose last point goes missing."""
    import studies

    from sim.study import Settings, run

    folder = tmp_path / "study"
    run(studies.own(studies.rows_and_cols, {"array.rows": [1, 2, 3]}), folder, Settings(1))
    monkeypatch.setattr(study_kills, "lockstep", lambda *_: Ended())
    found = Found()
    killed: Any = KilledStudy(tmp_path / "none.yaml", folder, Random(1), found)
    killed.run(rounds=0)
    assert found.faults == []
    path = folder / NAME
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    killed.run(rounds=0)
    assert [fault.partition(": ")[2] for fault in found.faults] == [
        "points [2] were told and are lost or others now"
    ]


def test_who_lives_on_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_kills, "ORPHAN_SECONDS", 0.2)
    assert seconds_until_gone([os.getpid()]) >= 0.2
    child = os.posix_spawn("/bin/sleep", ["sleep", "9"], dict(os.environ))
    begin = time.monotonic()
    os.kill(child, signal.SIGKILL)
    assert seconds_until_gone([child]) < 0.2, "dead, if not buried"
    os.waitpid(child, 0)
    assert time.monotonic() - begin < 5
