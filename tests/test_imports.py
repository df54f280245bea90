"""Imports run one way: traces -> arch; sim -> arch, traces; rtl -> arch."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "arch": {"arch"},
    "traces": {"arch", "traces"},
    "sim": {"arch", "traces", "sim"},
    "rtl": {"arch", "rtl"},
}
EXCEPTIONS = {("rtl/lockstep/", "sim"), ("rtl/lockstep/", "traces"), ("sim/cli", "rtl")}
"""The co-simulation harness runs the simulator, with its work; the command line reaches the
hardware."""


def imported(path: Path) -> set[str]:
    """Top-level names of the modules that a file imports, at any depth."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert node.module is not None
            found.add(node.module.split(".")[0])
    return found


ROOMS = [room for room in ALLOWED if (ROOT / room).is_dir()]


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_one_way(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        for other in imported(path) & set(ALLOWED):
            excepted = any(name.startswith(p) and other == o for p, o in EXCEPTIONS)
            assert other in ALLOWED[room] or excepted, f"{name} imports {other}"


def test_nothing_imports_the_command_line() -> None:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if not path.relative_to(ROOT).as_posix().startswith("sim/cli"):
                assert "sim.cli" not in path.read_text(), path


def test_kernels_take_njit_from_one_place() -> None:
    for room in ("arch", "traces", "sim"):
        for path in (ROOT / room).rglob("*.py"):
            if path.relative_to(ROOT).as_posix() != "traces/jit.py":
                assert "numba" not in imported(path), path
