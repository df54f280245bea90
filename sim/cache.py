"""The one cache of results, on disk: content-addressed, bounded, shared by many processes.

A key is a digest of everything that a result depends on, so an entry never goes stale; a value is
bytes. Entries are rows of one SQLite file in write-ahead mode, each with a check sum over key and
value. What is damaged is never returned: a row with a wrong sum is a miss, and a file that SQLite
cannot read is replaced by an empty one. A cache that cannot be written only makes a run slower.
"""

import hashlib
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from sim.jit import cache_root

T = TypeVar("T")

FILE_NAME = "results-1.sqlite"
"""The number is that of the table's layout."""
LIMIT_BYTES = 2**30
BUSY_SECONDS = 60.0
"""How long a writer waits for others."""
PENDING_MAX = 256
"""Entries that are kept back to be written together."""
KEPT_SHARE = 0.9
"""Part of the limit that is left when old entries are removed."""
TOUCH_SECONDS = 3600
"""An entry that is used is marked as young at most this often."""
CHECK_BYTES = 16
UNUSABLE = (
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY,
)  # fmt: skip
"""Codes of errors that are of the disk and not of what the file holds."""
TABLE = """
CREATE TABLE IF NOT EXISTS results (
    key BLOB PRIMARY KEY,
    value BLOB NOT NULL,
    checksum BLOB NOT NULL,
    used INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_use ON results (used);
"""


def digest(*parts: bytes | str) -> bytes:
    """A key: the hash of some parts, none of which can run into the next."""
    found = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        found.update(len(data).to_bytes(8, "little"))
        found.update(data)
    return found.digest()


class Cache:
    """The cache in a folder, for one process; ``close`` writes what is kept back."""

    def __init__(self, folder: Path | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = cache_root() / "results" if folder is None else folder
        self.path = self.folder / FILE_NAME
        self.fault: str | None = None
        """Why nothing can be read or written any more."""
        self.damaged = 0
        """Entries found damaged, and files."""
        self._limit_bytes = limit_bytes
        self._pending: dict[bytes, bytes] = {}
        self._used: set[bytes] = set()
        self._inode = 0
        self._database: sqlite3.Connection | None = None
        self._safely(lambda: None)

    def __enter__(self) -> "Cache":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def get(self, key: bytes) -> bytes | None:
        """The value of a key; None if there is none that is whole."""
        if (kept := self._pending.get(key)) is not None:
            return kept
        row = self._safely(lambda: self._row(key))
        if row is None:
            return None
        value, checksum, used = row
        if not isinstance(value, bytes) or checksum != _checksum(key, value):
            self.damaged += 1
            return None
        if used < time.time() - TOUCH_SECONDS:
            self._used.add(key)
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a value; it is written with others, at the latest by ``flush``."""
        self._pending[key] = value
        if len(self._pending) >= PENDING_MAX:
            self.flush()

    def flush(self) -> None:
        """Write what was kept back."""
        if self._pending or self._used:
            self._safely(self._write)
        self._pending.clear()
        self._used.clear()

    def close(self) -> None:
        """Flush and let go of the file."""
        self.flush()
        self._disconnect()

    def _row(self, key: bytes) -> tuple[object, object, float] | None:
        assert self._database is not None
        found = self._database.execute(
            "SELECT value, checksum, used FROM results WHERE key = ?", (key,)
        ).fetchone()
        return None if found is None else (found[0], found[1], found[2])

    def _write(self) -> None:
        assert self._database is not None
        now = int(time.time())
        rows = [(key, value, _checksum(key, value), now) for key, value in self._pending.items()]
        with self._database as database:
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)", rows)
            database.executemany(
                "UPDATE results SET used = ? WHERE key = ?", [(now, key) for key in self._used]
            )
        self._shrink()

    def _shrink(self) -> None:
        """Remove the entries that were not used for longest where the limit is passed."""
        assert self._database is not None
        size = self._size_bytes()
        if size <= self._limit_bytes:
            return
        with self._database as database:
            database.execute("BEGIN IMMEDIATE")
            while (size := self._size_bytes()) > self._limit_bytes * KEPT_SHARE:
                (count,) = database.execute("SELECT COUNT(*) FROM results").fetchone()
                if count == 0:
                    break
                share = 1 - self._limit_bytes * KEPT_SHARE / size
                database.execute(
                    "DELETE FROM results WHERE key IN "
                    "(SELECT key FROM results ORDER BY used, key LIMIT ?)",
                    (max(1, int(count * share)),),
                )
        self._database.execute("PRAGMA incremental_vacuum").fetchall()

    def _size_bytes(self) -> int:
        """Of the pages that hold something."""
        assert self._database is not None
        pages, free, size = (
            self._database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _safely(self, action: Callable[[], T]) -> T | None:
        """Do something with the file; with a new one if SQLite finds it damaged."""
        if self.fault is not None:
            return None
        for _ in range(2):
            try:
                self._connect()
                return action()
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in UNUSABLE:
                    self._give_up(str(error))
                    return None
                self.damaged += 1
                self._replace()
            except OSError as error:
                self._give_up(error.strerror or str(error))
                return None
        self._give_up("the file is damaged and cannot be replaced")
        return None

    def _connect(self) -> None:
        if self._database is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        # Damage may turn bytes into text, even into none that can be decoded.
        self._database.text_factory = bytes
        self._database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(TABLE)
        self._inode = self.path.stat().st_ino

    def _replace(self) -> None:
        """Remove a damaged file, unless another process has done so."""
        self._disconnect()
        with suppress(OSError):
            if self._inode in (0, self.path.stat().st_ino):
                for suffix in ("", "-wal", "-shm"):
                    Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        self._inode = 0

    def _give_up(self, reason: str) -> None:
        self.fault = f"{self.path}: {reason}"
        self._disconnect()

    def _disconnect(self) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None


def _checksum(key: bytes, value: bytes) -> bytes:
    return hashlib.blake2b(key + value, digest_size=CHECK_BYTES).digest()
