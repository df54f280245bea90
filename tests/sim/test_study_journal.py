"""The journal of a study: whole points or none, for one writer and one study."""

import errno
import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
import studies
from hypothesis import given
from hypothesis import strategies as st
from small_disk import FULL, small_disk

from arch.errors import InputError
from sim.study import Settings, driver, run
from sim.study import journal as module
from sim.study.journal import NAME, Journal, is_written, read
from sim.study.record import Record

HEADER = {"study_sha256": "a" * 64, "code_hash": "k", "versions": {"lockstep": "0.1.0"}}


def record(index: int) -> Record:
    state = ("done", "rejected", "failed")[index % 3]
    metrics = {"cycles": index * 7, "share": 1 / (index + 3)}
    return Record(index, (index, -1), state, metrics, "" if state == "done" else "why: ü\n")


def written(folder: Path, count: int, batch: int = 3) -> Path:
    path = folder / NAME
    with Journal(path, HEADER) as journal:
        for begin in range(0, count, batch):
            journal.append([record(at) for at in range(begin, min(count, begin + batch))])
    return path


def expected(count: int) -> tuple[Record, ...]:
    return tuple(record(at) for at in range(count))


def reopened(path: Path) -> tuple[Record, ...]:
    with Journal(path, HEADER) as journal:
        return journal.records


metric = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
records = st.builds(
    Record,
    st.integers(0, 10**7),
    st.lists(st.integers(-1, 10**6), max_size=5).map(tuple),
    st.sampled_from(["done", "rejected", "failed"]),
    st.dictionaries(st.text(max_size=5), metric, max_size=4),
    st.text(),
)


@given(st.lists(records, max_size=12, unique_by=lambda each: each.index))
def test_points_come_back(tmp_path_factory: pytest.TempPathFactory, given: list[Record]) -> None:
    path = tmp_path_factory.mktemp("journal") / NAME
    with Journal(path, HEADER) as journal:
        for begin in range(0, len(given), 5):
            journal.append(given[begin : begin + 5])
    ordered = tuple(sorted(given, key=lambda each: each.index))
    assert read(path).records == reopened(path) == ordered
    assert len(read(path).times) == len(given)


def test_a_torn_tail_is_cut_off_at_every_length(tmp_path: Path) -> None:
    path = written(tmp_path, 5)
    data = path.read_bytes()
    begin = data.rindex(b"\n", 0, len(data) - 1) + 1
    for length in range(begin, len(data)):
        path.write_bytes(data[:length])
        assert read(path).records == expected(4)
        with Journal(path, HEADER) as journal:
            assert journal.records == expected(4)
            journal.append([record(4)])
        kept = path.read_bytes()
        assert kept[:begin] == data[:begin]
        assert read(path).records == expected(5), "nothing of the torn line is in the way"


def test_a_tail_of_zeros_is_cut_off(tmp_path: Path) -> None:
    path = written(tmp_path, 3)
    with path.open("ab") as file:
        file.write(bytes(5000))
    assert reopened(path) == expected(3)


def test_a_torn_first_line_is_begun_again(tmp_path: Path) -> None:
    data = written(tmp_path, 0).read_bytes()
    for length in range(len(data)):
        path = tmp_path / NAME
        path.write_bytes(data[:length])
        assert read(path).records == ()
        with Journal(path, HEADER) as journal:
            journal.append([record(0)])
        assert reopened(path) == expected(1)


def test_flipped_bytes_are_refused_with_the_line(tmp_path: Path) -> None:
    path = written(tmp_path, 6)
    data = path.read_bytes()
    ends = [at for at, byte in enumerate(data) if byte == ord("\n")]
    for at in range(ends[0] + 1, ends[-2], 7):
        if at in ends:
            continue
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        path.write_bytes(damaged)
        line = 2 + sum(end < at for end in ends[1:])
        with pytest.raises(InputError, match=rf"{NAME}:{line}: is damaged .*remove the line"):
            Journal(path, HEADER)
        assert path.read_bytes() == damaged, "a refused journal stays as it is"
    lines = data.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3] + lines[4:]))
    assert [each.index for each in reopened(path)] == [0, 1, 3, 4, 5], "what the message says"


@pytest.mark.parametrize("text", ["", "hello", "a,b\n1,2\n", "x" * 5000, "{}\n"])
def test_a_file_that_is_no_journal_is_left_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_text(text)
    if text:
        with pytest.raises(InputError, match=r"is no journal of a study.*in another folder"):
            Journal(path, HEADER)
        assert path.read_text() == text
    else:
        assert reopened(path) == ()


def test_a_point_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, 2)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, lines[1]]))
    with pytest.raises(InputError, match=f"{NAME}:4: has point 0 a second time; remove it"):
        read(path)


HOLDER = """
import sys
from pathlib import Path
from sim.study.journal import Journal
journal = Journal(Path(sys.argv[1]), {})
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / NAME
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        cwd=studies.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_written(path)
        before = path.read_bytes()
        with pytest.raises(InputError, match=r"another process runs this study.*study status"):
            Journal(path, HEADER)
        assert path.read_bytes() == before
    finally:
        holder.kill()
        holder.communicate()
    assert not is_written(path)
    assert reopened(path) == ()


def test_a_look_does_not_keep_a_writer_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``status`` asks for the lock for a moment."""
    path = written(tmp_path, 1)
    flock, refused = module.fcntl.flock, []

    def busy_at_first(file: Any, how: int) -> None:
        if len(refused) < 3:
            refused.append(how)
            raise OSError(errno.EWOULDBLOCK, "held")
        flock(file, how)

    monkeypatch.setattr(module.fcntl, "flock", busy_at_first)
    assert reopened(path) == expected(1)
    assert len(refused) == 3


@pytest.mark.parametrize(
    ("key", "value"),
    [("study_sha256", "b" * 64), ("code_hash", "l"), ("versions", {"lockstep": "0.2.0"})],
)
def test_another_study_or_code_is_refused(key: str, value: Any, tmp_path: Path) -> None:
    path = written(tmp_path, 4)
    before = path.read_bytes()
    with pytest.raises(InputError, match=rf"begun with {key} .*run the study in another folder"):
        Journal(path, {**HEADER, key: value})
    assert path.read_bytes() == before
    assert reopened(path) == expected(4)


def test_a_journal_without_points_may_become_that_of_another_study(tmp_path: Path) -> None:
    path = written(tmp_path, 0)
    with Journal(path, {**HEADER, "code_hash": "l"}) as journal:
        journal.append([record(0)])
    assert read(path).header["code_hash"] == "l"


@pytest.mark.parametrize("versions", [{"lockstep": "9.0"}, None])
def test_another_layout_is_refused(versions: Any, tmp_path: Path) -> None:
    path = written(tmp_path, 2)
    text = json.dumps({"version": 2, "versions": versions}).encode()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([b"%08x %s\n" % (zlib.crc32(text), text), *lines[1:]]))
    named = "lockstep 9.0" if versions else "lockstep of then"
    with pytest.raises(InputError, match=f"has layout 2, this lockstep reads 1; use {named}"):
        Journal(path, HEADER)


PARAMETERS = {"array.rows": {"first": 1, "last": 40}, "array.cols": {"first": 1, "last": 20}}


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "BATCH_POINTS", 20)
    study = studies.own(studies.rows_and_cols, PARAMETERS)
    undisturbed = run(study, tmp_path / "plain", Settings(workers=1)).records
    told: list[Record] = []
    with small_disk(tmp_path / "small", 48) as disk:
        folder = disk.folder / "study"
        with pytest.raises(InputError) as raised:
            run(study, folder, Settings(workers=1), lambda status: told.extend(status.records))
        message = str(raised.value)
        assert re.search(f"journal.jsonl: cannot be written: {FULL}; what is in it", message)
        assert f"make room, then `lockstep study resume {folder}`" in message
        kept = read(folder / NAME)
        assert list(kept.records) == sorted(told, key=lambda each: each.index)
        assert 0 < len(told) < len(undisturbed)
        assert kept.whole_bytes == (folder / NAME).stat().st_size, "nothing of a batch is left"
        with pytest.raises(InputError, match=FULL):
            run(study, folder, Settings(workers=1))
        disk.make_room()
        assert run(study, folder, Settings(workers=1)).records == undisturbed
        again = {each.index: each for each in undisturbed}
        assert all(again[each.index] == each for each in told)


def test_a_disk_that_is_full_from_the_start(tmp_path: Path) -> None:
    study = studies.own(studies.rows_and_cols, {"array.rows": [1, 2, 3]})
    with small_disk(tmp_path / "small", 64) as disk:
        disk.fill()
        with pytest.raises(InputError, match=f"cannot be (written|made): {FULL}"):
            run(study, disk.folder / "study", Settings(workers=1))
        disk.make_room()
        assert len(run(study, disk.folder / "study", Settings(workers=1)).records) == 3


def test_what_is_written_is_synced_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes of the file at each sync."""
    path = tmp_path / NAME
    sizes: list[int] = []
    sync = os.fsync

    def counted(handle: int) -> None:
        sizes.append(path.stat().st_size)
        sync(handle)

    monkeypatch.setattr(os, "fsync", counted)
    with Journal(path, HEADER) as journal:
        for at in range(3):
            journal.append([record(at)])
            assert sizes[-1] == path.stat().st_size
    assert len(set(sizes)) == 4
