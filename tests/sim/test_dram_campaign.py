"""A million commands of random traffic under random policies, each judged."""

import pytest

from tests.dram_campaign import JUDGES, run


@pytest.mark.compiled
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", sorted(JUDGES))
def test_every_command_is_legal(name: str, seed: int) -> None:
    found = run(name, seed, count=45_000)
    assert found["violations"] == 0, found
    assert found["commands"] > 60_000
