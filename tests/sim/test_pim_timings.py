"""Each timing counts: one cycle more changes what happens in some trace."""

import numpy as np
import pim_golden
import pytest

from arch.pim.system import load_pim

pytestmark = pytest.mark.compiled

NOT_EXERCISED = {
    "aim": {
        "nFAW": "four activates are 44 cycles apart anyway, by nRRDS",
        "nRFCpb": "no bank is refreshed alone",
        "nRREFD": "no bank is refreshed alone",
    },
    "aim_as_simulated": {
        "nFAW": "no such window",
        "nPPD": "precharges of two banks may follow each other",
        "nREFI": "no refresh",
        "nRFCab": "no refresh",
        "nRFCpb": "no refresh",
        "nRREFD": "no refresh",
    },
}


@pytest.mark.parametrize("name", NOT_EXERCISED)
def test_one_cycle_more_is_seen(name: str) -> None:
    texts = list(pim_golden.traces().text)
    pim = load_pim(name, ["registers_checked=false"])
    before = [pim_golden.run(text, pim)[1] for text in texts]
    unseen = set()
    timings = pim.device().device.timings
    for timing in set(timings) - {"rate"}:
        longer = load_pim(
            name, ["registers_checked=false", f"timings.{timing}={timings[timing] + 1}"]
        )
        if all(
            np.array_equal(pim_golden.run(text, longer)[1], log)
            for text, log in zip(texts, before, strict=True)
        ):
            unseen.add(timing)
    assert unseen == set(NOT_EXERCISED[name])
