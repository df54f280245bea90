"""Number formats against ml_dtypes, NumPy and SoftPosit: no difference that is not explained.

``python -m tests.mac_campaign`` does the same ten million times each.
"""

import json
from pathlib import Path

import pytest

from tests import mac_campaign as peers

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
        assert each.differences == 0, each


def test_record_is_of_all_and_without_a_difference() -> None:
    record = json.loads(RECORD.read_text())
    assert record["operations_each"] == 10**7
    found = record["found"]
    assert {each["format"] for each in found} == {*ALL, *peers.POSITS}
    assert all(each["operations"] == 10**7 for each in found)
    assert all(each["differences"] == each["explained"] for each in found)
