"""Folders that are not, or not any more, those of the study: what is wrong, and nothing lost."""

import json
import zlib
from pathlib import Path

import pytest
import studies
from calling import call

from sim.study.journal import NAME
from sim.study.study import DOCUMENT

GOAL = "objectives: {cycles: min, energy_pj: min}"


def finished(folder: Path) -> Path:
    """The folder of a study of which no point runs."""
    text = studies.STUDY.replace(GOAL, f"constraints: {{pes: {{at_most: 100}}}}\n{GOAL}")
    path = studies.tiny(folder, text)
    shown = call("study", "run", path, "--out", folder / "out", "-j", 1, "--no-cache", "--quiet")
    assert "none of 18 points can be used" in shown.stderr
    return folder / "out"


def told(*arguments: object) -> str:
    shown = call("study", *arguments)
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert shown.stderr.startswith("error: ")
    return shown.stderr


def test_a_folder_that_holds_a_study_is_not_begun_again(tmp_path: Path) -> None:
    out = finished(tmp_path)
    before = (out / NAME).read_bytes()
    text = told("run", tmp_path / "study.yaml", "--out", out)
    assert f"{out}: holds a study already; `lockstep study resume {out}` goes on" in text
    assert "--out DIR takes another folder" in text
    assert (out / NAME).read_bytes() == before


@pytest.mark.parametrize("command", ["resume", "status", "show"])
def test_folders_without_a_study(command: str, tmp_path: Path) -> None:
    assert "is no folder of a study; `lockstep study run` makes" in told(command, tmp_path / "no")
    assert f"holds no study ({DOCUMENT} is missing)" in told(command, tmp_path)


def test_a_document_of_another_version(tmp_path: Path) -> None:
    out = finished(tmp_path)
    good = json.loads((out / DOCUMENT).read_text())
    changed = [
        {**good, "spec": {**good["spec"], "novelty": 1}},
        {**good, "machine": {**good["machine"], "novelty": 1}},
        {key: value for key, value in good.items() if key != "workloads"},
        {key: value for key, value in good.items() if key != "spec"},
        [],
        7,
    ]
    texts = [json.dumps(each) for each in changed] + ["", "{", "\0\1"]
    for text in texts:
        (out / DOCUMENT).write_text(text)
        assert "is not as this lockstep writes it" in told("resume", out)
        assert "use the version that began the study, or run it in another folder" in told(
            "resume", out
        )


def test_a_journal_of_another_version(tmp_path: Path) -> None:
    out = finished(tmp_path)
    lines = (out / NAME).read_bytes().splitlines(keepends=True)
    text = json.dumps({"version": 2, "versions": {"lockstep": "9.0"}}).encode()
    (out / NAME).write_bytes(b"".join([b"%08x %s\n" % (zlib.crc32(text), text), *lines[1:]]))
    before = (out / NAME).read_bytes()
    for command in ("resume", "status"):
        assert "has layout 2, this lockstep reads 1; use lockstep 9.0" in told(command, out)
    assert "has layout 2" in told("run", tmp_path / "study.yaml", "--out", out)
    assert (out / NAME).read_bytes() == before


@pytest.mark.parametrize(
    ("key", "value"), [("code_hash", "other"), ("versions", {"lockstep": "9.0"})]
)
def test_a_journal_of_other_code(key: str, value: object, tmp_path: Path) -> None:
    out = finished(tmp_path)
    lines = (out / NAME).read_bytes().splitlines(keepends=True)
    header = {**json.loads(lines[0].partition(b" ")[2]), key: value}
    text = json.dumps(header).encode()
    (out / NAME).write_bytes(b"".join([b"%08x %s\n" % (zlib.crc32(text), text), *lines[1:]]))
    assert f"was begun with {key} " in told("resume", out)
    assert "run the study in another folder" in told("resume", out)
    assert call("study", "status", out).exit_code == 0, "it can still be looked at"


def test_a_folder_that_holds_something_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / NAME).write_text("mine\nand mine\n")
    path = studies.tiny(tmp_path)
    for command in (("run", path, "--out", out), ("run", path, "--out", out)):
        assert "is no journal of a study, or its first line is damaged" in told(*command)
    assert (out / NAME).read_text() == "mine\nand mine\n"


def test_a_workload_that_has_changed(tmp_path: Path) -> None:
    out = finished(tmp_path)
    workload = tmp_path / "tiny.yaml"
    workload.write_text(studies.WORKLOAD.replace("k: 20", "k: 21"))
    text = told("resume", out)
    assert f"workload tiny ({workload}) has changed since the study began" in text
    assert call("study", "status", out).exit_code == 0
    workload.unlink()
    assert "tiny.yaml" in told("resume", out)


@pytest.mark.parametrize("name", ["file", "file/below", "x" * 300])
def test_a_folder_that_cannot_be_made(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    text = told("run", studies.tiny(tmp_path), "--out", tmp_path / name)
    assert "cannot be made: " in text
    assert "give another folder" in text
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Where not even root may make a file."""
    text = told("run", studies.tiny(tmp_path), "--out", "/proc/self")
    assert "/proc/self/journal.jsonl: cannot be written: " in text


def test_exports_that_cannot_be_written(tmp_path: Path) -> None:
    out = finished(tmp_path)
    assert "points are written as .csv, .parquet, .json" in told("export", out, "points.txt")
    assert "cannot be written" in told("export", out, tmp_path / "none" / "points.csv")


def test_options_that_exclude_each_other(tmp_path: Path) -> None:
    path = studies.tiny(tmp_path)
    text = told("run", path, "--out", tmp_path / "out", "--no-cache", "--cache", tmp_path)
    assert "--no-cache and --cache DIR exclude each other; give one" in text
    assert not (tmp_path / "out").exists()


def test_a_point_that_is_not_there(tmp_path: Path) -> None:
    text = told("show", finished(tmp_path), "--point", 99)
    assert "99" in text
