"""Where compiled kernels are kept, and that a change in any of them moves that place."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sim import jit as door
from traces import jit


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sources of kernels, to change."""
    for room in ("arch", "traces", "sim", "rtl"):
        shutil.copytree(jit.ROOT / room, tmp_path / room)
    monkeypatch.setattr(jit, "ROOT", tmp_path)
    return tmp_path


def test_equal_sources_have_an_equal_hash(copied: Path) -> None:
    assert jit.source_hash() == jit.KERNEL_HASH


@pytest.mark.parametrize(
    "name",
    [
        "sim/buffer/ports.py",
        "sim/contract.py",
        "arch/commands.py",
        "rtl/lockstep/packing.py",
        "traces/jit.py",
        "traces/mapping/tiling.py",
    ],
)
def test_a_change_in_a_kernel_or_its_constants_changes_the_hash(copied: Path, name: str) -> None:
    path = copied / name
    path.write_text(path.read_text() + "\n")
    assert jit.source_hash() != jit.KERNEL_HASH


@pytest.mark.parametrize("name", ["sim/report/table.py", "traces/operators.py"])
def test_a_change_elsewhere_does_not(copied: Path, name: str) -> None:
    path = copied / name
    path.write_text(path.read_text() + "\n")
    assert jit.source_hash() == jit.KERNEL_HASH


def test_the_cache_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOCKSTEP_CACHE", str(tmp_path))
    assert jit.cache_root() == tmp_path
    monkeypatch.delenv("LOCKSTEP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert jit.cache_root() == tmp_path / "lockstep"


def test_workloads_are_read_without_the_compiler() -> None:
    code = "import sys, traces.workload; assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=jit.ROOT, check=True)


def test_the_other_door_opens_on_the_same() -> None:
    for name in door.__all__:
        assert getattr(door, name) is getattr(jit, name)
