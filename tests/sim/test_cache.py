"""The cache of results: whole values or none."""

import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from random import Random

import pytest

from sim.cache import FILE_NAME, Cache, digest


def filled(folder: Path, count: int = 100) -> dict[bytes, bytes]:
    random = Random(1)
    entries = {digest(str(at)): random.randbytes(400) for at in range(count)}
    with Cache(folder) as cache:
        for key, value in entries.items():
            cache.put(key, value)
    return entries


def test_values_come_back(tmp_path: Path) -> None:
    entries = filled(tmp_path)
    with Cache(tmp_path) as cache:
        assert {key: cache.get(key) for key in entries} == entries
        assert cache.get(digest("other")) is None
        assert (cache.fault, cache.damaged) == (None, 0)


def test_a_value_is_seen_before_it_is_written(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        cache.put(b"key", b"value")
        assert cache.get(b"key") == b"value"


def test_digests_of_parts_differ() -> None:
    assert digest("ab", "c") != digest("a", "bc") != digest("abc")
    assert digest("a") == digest(b"a")


@pytest.mark.parametrize("seed", range(40))
def test_damage_is_never_returned(seed: int, tmp_path: Path) -> None:
    """Bytes of the file changed, cut off or cleared: each value is whole or missing, and nearly all
    can be kept again (a changed key puts some neighbours out of order)."""
    entries = filled(tmp_path)
    path, random = tmp_path / FILE_NAME, Random(seed)
    data = bytearray(path.read_bytes())
    match seed % 4:
        case 0:
            data = data[: random.randrange(len(data))]
        case 1:
            for _ in range(20):
                data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        case 2:
            begin = random.randrange(len(data))
            data[begin : begin + 5000] = bytes(len(data[begin : begin + 5000]))
        case 3:
            begin = random.randrange(len(data))
            data[begin : begin + 3000] = random.randbytes(3000)
    path.write_bytes(data)
    with Cache(tmp_path) as cache:
        for key, value in entries.items():
            assert cache.get(key) in (value, None)
        for key, value in entries.items():
            cache.put(key, value)
        assert cache.fault is None
    with Cache(tmp_path) as cache:
        again = {key: cache.get(key) for key in entries}
    assert all(again[key] in (value, None) for key, value in entries.items())
    assert sum(value is None for value in again.values()) < 10


def test_a_changed_value_is_found_out(tmp_path: Path) -> None:
    filled(tmp_path)
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("UPDATE results SET value = CAST(x'00' || substr(value, 2) AS BLOB)")
    with Cache(tmp_path) as cache:
        assert cache.get(digest("7")) is None
        assert cache.damaged == 1


def test_a_file_that_is_none_of_ours_is_replaced(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("not a database, but long enough to be taken for one" * 9)
    with Cache(tmp_path) as cache:
        cache.put(b"key", b"value")
        cache.flush()
        assert (cache.get(b"key"), cache.damaged) == (b"value", 1)


def test_it_stays_within_its_limit(tmp_path: Path) -> None:
    random, limit, count = Random(2), 2_000_000, 8000
    with Cache(tmp_path, limit) as cache:
        for at in range(count):
            cache.put(digest(str(at)), random.randbytes(500))
    size = (tmp_path / FILE_NAME).stat().st_size
    assert limit / 2 < size < limit * 1.2
    with Cache(tmp_path, limit) as cache:
        kept = [at for at in range(count) if cache.get(digest(str(at))) is not None]
    assert limit / 2 < 500 * len(kept) < limit


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Cache(tmp_path / "file" / "cache") as cache:
        cache.put(b"key", b"value")
        assert cache.get(b"other") is None
        cache.flush()
        assert cache.fault is not None
        assert "file" in cache.fault


WRITER = """
import sys
from pathlib import Path
from sim.cache import Cache, digest
with Cache(Path(sys.argv[1])) as cache:
    for at in range(int(sys.argv[2]), int(sys.argv[2]) + 600):
        cache.put(digest(str(at)), str(at).encode() * 50)
        if at % 7 == 0:
            cache.flush()
    assert cache.fault is None, cache.fault
"""


def test_many_writers(tmp_path: Path) -> None:
    script = textwrap.dedent(WRITER)
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), str(begin)], cwd=root, env=environment
        )
        for begin in (0, 300, 600)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    with Cache(tmp_path) as cache:
        for at in range(1200):
            assert cache.get(digest(str(at))) == str(at).encode() * 50
