"""Every command of the AiM simulator, in kind, address and cycle; and the corrected preset."""

import pim_golden
import pytest
from pandas.testing import assert_frame_equal

NAMES = list(pim_golden.traces().index)
TRACES = [name for name in NAMES if not name.startswith(pim_golden.MADE)]
RANDOM = [name for name in NAMES if name.startswith("random")]
REFRESHED = [name for name in NAMES if name.startswith("refreshed")]
UNCHECKED = "registers_checked=false"
LARGE = pytest.param("gemv_4096x4096_32ch", marks=pytest.mark.compiled)
SMALL = [name for name in TRACES if name not in LARGE.values]


def test_all_traces_are_there() -> None:
    assert len(TRACES) == 21
    assert len(RANDOM) == 40
    assert len(REFRESHED) == 12
    assert sum(len(pim_golden.log(trace)) for trace in TRACES) == 7713


@pytest.mark.validates(
    "pim.commands=aim", "pim.variant", "pim.organisation", "pim.speed", "pim.channels",
    "pim.activation_first_row", "pim.registers_checked=False", "pim.dispatch_width",
    "pim.pim_entries", "pim.pim_entry=command", "pim.refresh=none",
    by="AiM simulator",
)  # fmt: skip
@pytest.mark.parametrize("trace", [*SMALL, LARGE])
def test_every_command_is_the_simulators(trace: str) -> None:
    theirs = pim_golden.traces().loc[trace]
    done, commands = pim_golden.run(theirs.text, "aim_as_simulated")
    mine = commands[commands["channel"] == theirs.channel]
    assert_frame_equal(pim_golden.named(done, mine), pim_golden.log(trace))
    assert done.cycles == theirs.total_cycles
    assert done.active_cycles(theirs.channel) == theirs.active_cycles


@pytest.mark.validates(
    "pim.read_entries", "pim.write_entries", "pim.drain_above", "pim.drain_below",
    "pim.forwarding=any", "pim.partly_open=activate", "pim.activated_first=False",
    by="AiM simulator",
)  # fmt: skip
@pytest.mark.parametrize("trace", RANDOM)
def test_ordinary_reads_and_writes_between_are_the_simulators(trace: str) -> None:
    theirs = pim_golden.traces().loc[trace]
    done, commands = pim_golden.run(theirs.text, "aim_as_simulated")
    assert_frame_equal(pim_golden.named(done, commands, "channel"), pim_golden.log(trace))
    assert done.cycles == theirs.total_cycles


@pytest.mark.validates("pim.refresh=all_bank", by="AiM simulator, made to refresh")
@pytest.mark.parametrize("trace", REFRESHED)
def test_refreshes_are_those_of_the_simulator_made_to_refresh(trace: str) -> None:
    theirs = pim_golden.traces().loc[trace]
    done, commands = pim_golden.run(theirs.text, "aim_as_simulated", *pim_golden.REFRESHED)
    assert_frame_equal(pim_golden.named(done, commands, "channel"), pim_golden.log(trace))
    assert done.cycles == theirs.total_cycles
    assert done.commands["REFab"] >= 64


@pytest.mark.parametrize("trace", ["gemv_1024x1024_4ch", LARGE])
def test_all_channels_do_the_same(trace: str) -> None:
    theirs = pim_golden.traces().loc[trace]
    done, commands = pim_golden.run(theirs.text, "aim_as_simulated")
    used = sorted(set(commands["channel"]))
    assert len(used) == {"gemv_1024x1024_4ch": 4, "gemv_4096x4096_32ch": 32}[trace]
    assert done.channels_used == set(used)
    for channel in used:
        mine = commands[commands["channel"] == channel]
        assert_frame_equal(pim_golden.named(done, mine), pim_golden.log(trace))


@pytest.mark.parametrize("columns", [1, 2, 4, 8, 16, 32, 63, 64])
def test_columns_of_one_row_take_58_cycles_and_2_each(columns: int) -> None:
    text = f"W CFR 0 0\nAiM MAC_ABK {columns} 1 5\nAiM EOC\n"
    done, _ = pim_golden.run(text, "aim", UNCHECKED)
    assert done.cycles == 58 + 2 * columns


def test_a_tile_of_64_columns_in_a_new_row_takes_226_cycles() -> None:
    cycles = []
    for tiles in range(1, 9):
        macs = "".join(f"AiM MAC_ABK 64 1 {row}\n" for row in range(tiles))
        done, _ = pim_golden.run(f"W CFR 0 0\n{macs}AiM EOC\n", "aim", UNCHECKED)
        cycles.append(done.cycles)
    assert cycles == [186 + 226 * tile for tile in range(8)]


def test_rows_of_activation_functions_lie_in_the_bank() -> None:
    text = "W CFR 2 3\nAiM AF 1\nAiM EOC\n"
    _, theirs = pim_golden.run(text, "aim_as_simulated")
    _, ours = pim_golden.run(text, "aim", UNCHECKED)
    assert set(theirs["row"]) == {2**29 + 3}
    assert set(ours["row"]) == {16384 - 8 + 3}


def test_partly_open_banks_close_before_all_are_activated() -> None:
    text = "AiM MAC_SBK 1 1 3 9\nAiM MAC_ABK 1 1 9\nAiM EOC\n"
    done, theirs = pim_golden.run(text, "aim_as_simulated")
    assert list(pim_golden.named(done, theirs).command) == ["ACT", "MAC", "ACT16", "MAC16"]
    done, ours = pim_golden.run(text, "aim", UNCHECKED)
    assert list(pim_golden.named(done, ours).command) == ["ACT", "MAC", "PREA", "ACT16", "MAC16"]
    assert done.total("hits") == 0
    assert done.total("misses") == done.total("conflicts") == 1


def test_a_group_of_four_banks_opens_and_closes_together() -> None:
    text = "AiM MAC_4BK 2 1 4 9\nAiM MAC_4BK 1 1 8 9\nAiM MAC_4BK 1 1 4 10\nAiM EOC\n"
    done, log = pim_golden.run(text, "aim", UNCHECKED)
    found = pim_golden.named(done, log)
    assert list(found.command) == [
        *("ACT4", "MAC4", "MAC4", "ACT4", "MAC4", "PRE4", "ACT4", "MAC4")
    ]  # fmt: skip
    assert list(found.bank) == [4, 4, 4, 8, 8, 4, 4, 4]
    first = found.cycle[0]
    assert list(found.cycle[:3] - first) == [0, 56, 58]
    # One after the other: nothing of the second is given before the first has all its commands.
    assert found.cycle[3] == found.cycle[2] + 1


def test_activates_of_single_banks_keep_the_four_activate_window() -> None:
    macs = "".join(f"AiM WR_SBK 0 1 {bank} 9\n" for bank in range(8))
    done, log = pim_golden.run(f"{macs}AiM EOC\n", "aim", UNCHECKED)
    found = pim_golden.named(done, log)
    starts = list(found.cycle[found.command == "ACT"])
    assert min(b - a for a, b in zip(starts, starts[4:], strict=False)) == 44
    done, log = pim_golden.run(f"{macs}AiM EOC\n", "aim", UNCHECKED, "timings.nFAW=80")
    found = pim_golden.named(done, log)
    starts = list(found.cycle[found.command == "ACT"])
    assert min(b - a for a, b in zip(starts, starts[4:], strict=False)) == 80
