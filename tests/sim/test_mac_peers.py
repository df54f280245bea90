"""Number formats against ml_dtypes, NumPy and SoftPosit: no difference that is not explained.

``python -m tests.mac_campaign`` does the same ten million times each.
"""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from mac_oracle import posit_number

from sim.mac import formats
from tests import mac_campaign as peers

pytestmark = pytest.mark.compiled

OPERATIONS = 100_000
RECORD = Path(__file__).parents[2] / "docs" / "validation" / "mac.json"
ALL = {**peers.ML_DTYPES, **peers.NUMPY}


@pytest.mark.parametrize("name", ALL)
def test_numpy_and_ml_dtypes(name: str) -> None:
    found = list(peers.against_numpy(name, ALL[name], OPERATIONS, seed=11))
    assert {each.operation for each in found} >= {"multiply", "add"}
    for each in found:
        assert each.operations == OPERATIONS
        assert each.differences == each.explained, each
        assert not each.explained or name == "e8m0"


@pytest.mark.parametrize("name", peers.POSITS)
def test_softposit(name: str) -> None:
    python = peers.softposit_python()
    if python is None:
        pytest.skip("SoftPosit is on PyPI for Python 3.11 only, and is not installed")
    for each in peers.against_softposit(python, name, OPERATIONS, seed=11):
        assert each.operations == OPERATIONS
        assert each.differences == each.explained <= 1, each


def test_softposit_is_off_by_one_code() -> None:
    """The only one of ten million multiply-and-adds of posit(32, 2)."""
    a, b, c, ours, theirs = 0x81EF3580, 0x01A00780, 0x32A68679, 0xD6FEBF03, 0xD6FEBF04
    assert formats.dot([a], [b], "posit32_2", start=c, mode="chain") == ours
    x, y, z = (posit_number(format(code, "032b"), es=2) for code in (a, b, c))
    assert isinstance(x, Fraction)
    exact = x * y + z
    assert peers.nearer(ours, theirs, exact, "posit32_2")
    assert not peers.nearer(theirs, ours, exact, "posit32_2")


def test_record_is_of_all_and_without_a_difference() -> None:
    record = json.loads(RECORD.read_text())
    assert record["operations_each"] == 10**7
    found = record["found"]
    assert {each["format"] for each in found} == {*ALL, *peers.POSITS}
    assert all(each["operations"] == 10**7 for each in found)
    assert all(each["differences"] == each["explained"] for each in found)
