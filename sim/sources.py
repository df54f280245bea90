"""Hashes of our own sources, for results that must not outlive what made them."""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def hash_of(paths: Iterable[Path]) -> str:
    """Hash of files below our root: names and contents, in hexadecimal."""
    found = sha256()
    for path in sorted(paths):
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


@lru_cache(maxsize=1)
def lowering_hash() -> str:
    """Hash of what turns operators into commands."""
    mapping = (ROOT / "traces" / "mapping").glob("*.py")
    operators = ROOT / "traces" / "operators.py"
    return hash_of([*(ROOT / "arch").rglob("*.py"), operators, *mapping])


@lru_cache(maxsize=1)
def code_hash() -> str:
    """Hash of all that a simulation's numbers come from."""
    return hash_of(
        path for room in ("arch", "traces", "sim") for path in (ROOT / room).rglob("*.py")
    )
