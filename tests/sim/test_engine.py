"""Whole machines keep the contract, and the tests of the contract find planted bugs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from contract import Case, UnitContract
from scenarios import scenario

HERE = Path(__file__).parent
BUGS = ("lost_wake", "late_next", "unregistered_credit", "cause_of_now")


class TestMachines(UnitContract):
    def scenario(self, seed: int) -> Case:
        machine, _, steps = scenario(seed)
        return machine, [step.trace for step in steps]


def planted(bug: str) -> subprocess.CompletedProcess[str]:
    """Run the contract's tests, not compiled, on an engine with a bug in it."""
    return subprocess.run(
        [sys.executable, str(HERE / "planted.py"), bug],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(HERE.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.compiled
@pytest.mark.parametrize("bug", BUGS)
def test_contract_finds(bug: str) -> None:
    found = planted(bug)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "found" in found.stdout


@pytest.mark.compiled
def test_contract_passes_without_a_bug() -> None:
    found = planted("none")
    assert found.returncode == 0, found.stdout + found.stderr
