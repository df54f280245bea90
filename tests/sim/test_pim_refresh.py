"""Refresh under PIM traffic."""

import numpy as np
import pim_golden
import pytest
from pim_judge import judged

from arch.errors import InputError

pytestmark = pytest.mark.compiled

UNCHECKED = "registers_checked=false"
MACS = "".join(f"AiM MAC_ABK 64 1 {row}\n" for row in range(40))
TEXT = f"W CFR 0 0\n{MACS}AiM EOC\n"
INTERVAL = 3800


def test_an_interrupted_instruction_goes_on() -> None:
    done, commands = pim_golden.run(TEXT, "aim", UNCHECKED)
    found = pim_golden.named(done, commands[commands["channel"] == 31])
    macs = found[found.command == "MAC16"]
    wanted = [(row, column) for row in range(40) for column in range(64)]
    assert list(zip(macs.row, macs.column, strict=True)) == wanted
    names = list(found.command)
    first = names.index("REFab")
    assert names[first - 1 : first + 3] == ["PREA", "REFab", "ACT16", "MAC16"]
    cycles = list(found.cycle[first - 1 : first + 3])
    assert list(np.diff(cycles)) == [32, 240, 56]
    # The row that was open is open again.
    assert found.row[first - 2] == found.row[first + 1]
    assert found.column[first + 2] == found.column[first - 2] + 1


def test_refreshes_come_when_they_are_due() -> None:
    done, commands = pim_golden.run(TEXT, "aim", UNCHECKED)
    found = pim_golden.named(done, commands[commands["channel"] == 31])
    starts = found.cycle[found.command == "REFab"].to_numpy()
    due = INTERVAL * np.arange(1, len(starts) + 1)
    # MAC16 to precharge and precharge to refresh, or an activate that must stay for tRAS.
    assert len(starts) == done.cycles // INTERVAL
    assert ((starts - due >= 0) & (starts - due <= 54 + 32)).all()
    assert judged(done, commands).violations == []


def test_idle_channels_are_refreshed_too() -> None:
    _, commands = pim_golden.run(TEXT, "aim", UNCHECKED)
    done, _ = pim_golden.run(TEXT, "aim", UNCHECKED)
    refresh = done.tables.names.index("REFab")
    idle = commands[(commands["channel"] == 0) & (commands["command"] == refresh)]
    assert list(idle["cycle"]) == [INTERVAL * (i + 1) for i in range(len(idle))]
    assert len(idle) == done.cycles // INTERVAL


def test_a_refresh_leaves_register_mode_and_comes_back() -> None:
    buffers = "AiM WR_GB 64 0 1\n" * 40
    done, commands = pim_golden.run(f"{buffers}AiM EOC\n", "aim", UNCHECKED)
    found = pim_golden.named(done, commands[commands["channel"] == 31])
    names = list(found.command)
    first = names.index("REFab")
    assert names[first - 2 : first + 3] == ["WRGB", "TMOD", "REFab", "TMOD", "WRGB"]
    assert found.column[first + 2] == (found.column[first - 2] + 1) % 64
    assert list(np.diff(found.cycle[first - 1 : first + 3])) == [32, 240, 32]


def test_refreshes_that_leave_no_time_are_refused() -> None:
    told = r"timings\.nREFI: given 595; must be 596 at least, or nothing is done between refreshes"
    with pytest.raises(InputError, match=told):
        pim_golden.run(TEXT, "aim", UNCHECKED, "timings.nREFI=595")
    done, _ = pim_golden.run(TEXT, "aim", UNCHECKED, "timings.nREFI=596")
    assert done.commands["MAC16"] == 40 * 64


def test_what_refresh_costs_a_gemv() -> None:
    text = pim_golden.traces().loc["gemv_4096x4096_32ch"].text
    done, _ = pim_golden.run(text, "aim", UNCHECKED)
    without, _ = pim_golden.run(text, "aim", UNCHECKED, "controller.refresh=none")
    assert without.cycles == 13057
    assert done.cycles == 13939
    assert done.commands["REFab"] == 3 * 32
