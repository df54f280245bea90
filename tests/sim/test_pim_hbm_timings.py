"""Each timing of HBM-PIM counts: one cycle more changes what happens in some trace."""

import hbm_golden
import numpy as np
import pytest

from arch.pim.hbm import load_hbm_pim

pytestmark = pytest.mark.compiled

NOT_EXERCISED = {
    "hbm_pim": {
        "nRTRS": "JEDEC's rule has 2 cycles there",
        "nRREFD": "no bank is refreshed alone",
        "nRFCpb": "no bank is refreshed alone",
        "nREFIpb": "no bank is refreshed alone",
    },
    "hbm_pim_as_simulated": {
        "nWTRS": "nWTRL in all bank groups",
        "nFAW": "no such window",
        "nRREFD": "no bank is refreshed alone",
        "nRFCpb": "no bank is refreshed alone",
        "nREFIpb": "no bank is refreshed alone",
    },
}
CASES = ("gemv_64x1024_1ch", "write_64x1024_1ch", "read_64x1024_1ch", "random_2", "random_14",
         "add_16384x1_1ch")  # fmt: skip


@pytest.mark.parametrize("name", NOT_EXERCISED)
def test_one_cycle_more_is_seen(name: str) -> None:
    texts = [hbm_golden.trace_of(case) for case in CASES]
    pim = load_hbm_pim(name, ["channels=4"])
    before = [hbm_golden.run(text, pim)[1] for text in texts]
    unseen = set()
    timings = pim.device().timings
    for timing in set(timings) - {"rate"}:
        longer = load_hbm_pim(name, ["channels=4", f"timings.{timing}={timings[timing] + 1}"])
        if all(
            np.array_equal(hbm_golden.run(text, longer)[1], log)
            for text, log in zip(texts, before, strict=True)
        ):
            unseen.add(timing)
    assert unseen == set(NOT_EXERCISED[name])
