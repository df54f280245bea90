"""Every event of PIMSimulator, in kind, place, tag and cycle; and totals."""

import hbm_golden
import numpy as np
import pytest
from pandas.testing import assert_frame_equal

CASES = hbm_golden.cases()
LOGGED = list(CASES.index[CASES.channels < 64])
LARGE = list(CASES.index[CASES.channels == 64])
RANDOM = [case for case in LOGGED if case.startswith("random")]
AS_SIMULATED = "hbm_pim_as_simulated"
BARRIER_64 = "".join(f"R * 0 0 {i} 0{' bar' * (i == 63)}\n" for i in range(64)) + "R * 1 0 0 0\n"
"""A barrier behind the transaction that fills the front queue."""
OPTIONS = (
    "hbm_pim.commands=hbm_pim", "hbm_pim.variant", "hbm_pim.speed", "hbm_pim.channels",
    "hbm_pim.ranks", "hbm_pim.order_checked=False", "hbm_pim.jump_counters=one",
    "hbm_pim.queue_entries", "hbm_pim.front_entries", "hbm_pim.refresh=all_bank",
    "hbm_pim.activates_wait=False", "hbm_pim.late_refresh=dropped", "hbm_pim.barriers_kept=False",
    "hbm_pim.barriers_hold_rows=True", "hbm_pim.banks_together=False",
)  # fmt: skip
"""With which it runs."""
NESTED = (
    "".join(f"W * {g} {b} 0x17ff 0x1f{end}\n"
            for g, b, end in ((0, 0, ""), (0, 1, ""), (2, 0, ""), (2, 1, " bar")))
    + "W * 0 1 0x3fff 4 crf=NOP,1;JUMP,2,2;NOP,1;JUMP,1,4;EXIT bar\n"
    + "W * 0 0 0x3fff 0 mode=HAB_PIM bar\nR * 0 0 0 0 x20\n"
)  # fmt: skip

pytestmark = pytest.mark.compiled


def test_all_cases_are_there() -> None:
    assert len(LOGGED) == 45
    assert len(RANDOM) == 24
    assert len(LARGE) == 7
    assert CASES.events[LOGGED].sum() == 99_985


@pytest.mark.validates(*OPTIONS, by="PIMSimulator")
@pytest.mark.parametrize("case", LOGGED)
def test_every_event_is_the_simulators(case: str) -> None:
    one = CASES.loc[case]
    done, log, tags = hbm_golden.run(
        hbm_golden.trace_of(case), AS_SIMULATED, f"channels={one.channels}"
    )
    events = hbm_golden.told(done, log, tags)
    assert (len(events), done.cycles) == (one.events, one.total)
    assert hbm_golden.digest(events) == one.sha256


@pytest.mark.skipif(not hbm_golden.SHARED.is_dir(), reason="data of ../shared not there")
@pytest.mark.parametrize("case", LOGGED[:9])
def test_every_event_is_that_of_the_logs(case: str) -> None:
    done, log, tags = hbm_golden.run(hbm_golden.trace_of(case), AS_SIMULATED, "channels=1")
    mine = hbm_golden.as_shared(hbm_golden.told(done, log, tags))
    assert_frame_equal(mine, hbm_golden.shared_log(case))


@pytest.mark.parametrize("case", LARGE)
def test_totals_of_64_channels_are_the_simulators(case: str) -> None:
    one = CASES.loc[case]
    done, _, _ = hbm_golden.run(hbm_golden.trace_of(case), AS_SIMULATED)
    assert done.cycles == one.total
    assert done.channels_used == set(range(64))


FAULTS = {
    "variant=jedec": "gemv_64x256_1ch",
    "controller.banks_together=true": "gemv_64x256_1ch",
    "controller.activates_wait=true": "relu_16384x1_1ch",
    "controller.late_refresh=kept": "write_64x1024_1ch",
    "controller.barriers_kept=true": BARRIER_64,
    "controller.barriers_hold_rows=false": "random_16",
    "jump_counters=each": NESTED,
    "ranks=1": "gemv_64x1024_1ch",
}


@pytest.mark.parametrize("change", FAULTS)
def test_each_fault_can_be_set_alone(change: str) -> None:
    where = FAULTS[change]
    text = hbm_golden.trace_of(where) if where in CASES.index else where
    _, log, _ = hbm_golden.run(text, AS_SIMULATED, "channels=4")
    _, other, _ = hbm_golden.run(text, AS_SIMULATED, "channels=4", change)
    assert not np.array_equal(log, other)
