"""Every difference between our stalls and SCALE-Sim's has a cause, and the page shows it."""

import pytest
from scalesim_stalls import PAGE, compare, page
from test_scalesim import rows_of

pytestmark = pytest.mark.compiled


def test_every_difference_has_a_cause() -> None:
    compared = [compare(row) for row in rows_of("scalesim_stalls.csv")]
    assert len(compared) == 126
    for found in compared:
        assert bool(found.causes()) == (found.stalls != found.their_stalls), found


def test_the_page_is_what_the_command_writes() -> None:
    assert PAGE.read_text() == page()
