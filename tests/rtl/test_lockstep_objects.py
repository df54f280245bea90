"""Objects that are kept between builds: those of Verilator's own sources, and equal ones only."""

from pathlib import Path

import pytest

from rtl.lockstep import objects

COMPILER = """#!/bin/sh
[ "$1" = --version ] && cat version && exit
echo "$@" >> calls
for source; do :; done
grep -q wrong "$source" && exit 3
while [ "$1" != -o ]; do shift; done
cat "$source" > "$2"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiler that counts its calls, and a Verilator with one source."""
    monkeypatch.chdir(tmp_path)
    Path("include").mkdir()
    for path, text in {
        "compiler": COMPILER, "version": "1", "include/verilated_config.h": "5.0",
        "include/verilated.cpp": "own", "include/verilated_bad.cpp": "wrong", "design.cpp": "built",
    }.items():  # fmt: skip
        Path(path).write_text(text)
    Path("compiler").chmod(0o755)
    monkeypatch.setenv("VERILATOR_ROOT", str(tmp_path))
    monkeypatch.setenv("LOCKSTEP_OBJECTS", str(tmp_path / "kept"))
    return tmp_path


def compiles(monkeypatch: pytest.MonkeyPatch, source: Path, *flags: str) -> tuple[int, bool]:
    """Exit status, and whether the compiler was called."""
    before, calls = len(lines()), ["objects.py", "./compiler", *flags, "-c", "-o", "made.o"]
    monkeypatch.setattr("sys.argv", [*calls, str(source)])
    Path("made.o").unlink(missing_ok=True)
    status = objects.main()
    if status == 0:
        assert Path("made.o").read_text() == source.read_text()
    return status, len(lines()) > before


def lines() -> list[str]:
    return Path("calls").read_text().splitlines() if Path("calls").exists() else []


def test_an_equal_command_compiles_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folder / "include" / "verilated.cpp"
    assert compiles(monkeypatch, source) == (0, True)
    assert compiles(monkeypatch, source) == (0, False)
    assert compiles(monkeypatch, source, "-O1") == (0, True)
    Path("version").write_text("2")
    assert compiles(monkeypatch, source) == (0, True)
    (folder / "include" / "verilated_config.h").write_text("5.1")
    assert compiles(monkeypatch, source) == (0, True)
    assert compiles(monkeypatch, source) == (0, False)
    assert len([*Path("kept").iterdir()]) == 4


def test_a_design_is_always_compiled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        assert compiles(monkeypatch, folder / "design.cpp") == (0, True)
    assert not Path("kept").exists()


def test_what_fails_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        assert compiles(monkeypatch, folder / "include" / "verilated_bad.cpp") == (3, True)
    assert not Path("kept").exists()
