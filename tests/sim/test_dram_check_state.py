"""What state allows: open rows, two-step activates, data clock, buses, edges, refreshes."""

import pytest
from test_dram_check_oracle import Cmd, as_log

from sim.dram_check.check import check_log, inspect_log


def rules(commands: list[Cmd], standard: str, bin_name: str | None = None) -> list[str]:
    """Names of the rules that a log breaks, in order."""
    return [one.rule for one in check_log([as_log(commands)], standard, bin_name, refresh=False)]


ACT = Cmd(1, "ACT", 1, 2, 7)
OPENED = [Cmd(1, "ACT1", 1, 2, 7), Cmd(2, "ACT2", 1, 2, 7)]


@pytest.mark.parametrize(
    ("second", "broken"),
    [
        (Cmd(100, "RD", 1, 2, 7), []),
        (Cmd(100, "RD", 1, 2), []),
        (Cmd(100, "WR", 1, 2, 8), ["other row"]),
        (Cmd(100, "RDA", 2, 2, 7), ["closed bank"]),
        (Cmd(100, "WRA", 1, 2, 7, rank=1), ["closed bank"]),
        (Cmd(100, "RD", 1, 2, 7, channel=1), ["closed bank"]),
        (Cmd(100, "ACT", 1, 2, 8), ["open bank"]),
        (Cmd(100, "PRE", 3, 3), []),
        (Cmd(100, "REFab"), ["refresh of an open bank"]),
        (Cmd(100, "REFab", rank=1), []),
    ],
)
def test_open_rows(second: Cmd, broken: list[str]) -> None:
    assert rules([ACT, second], "DDR4") == broken


@pytest.mark.parametrize(
    "close", [Cmd(100, "PRE", 1, 2), Cmd(100, "PREab"), Cmd(100, "RDA", 1, 2, 7)]
)
def test_what_closes_a_bank(close: Cmd) -> None:
    assert rules([ACT, close, Cmd(300, "RD", 1, 2, 7)], "DDR4") == ["closed bank"]
    assert rules([ACT, close, Cmd(300, "ACT", 1, 2, 9), Cmd(400, "RD", 1, 2, 9)], "DDR4") == []
    assert rules([ACT, close, Cmd(300, "REFab")], "DDR4") == []


def test_open_banks_are_told_once_a_refresh() -> None:
    two = [ACT, Cmd(50, "ACT", 2, 2, 7)]
    assert rules([*two, Cmd(200, "REFab")], "DDR4") == ["refresh of an open bank"]


def test_a_refresh_of_one_bank_needs_only_that_bank_closed() -> None:
    assert rules([ACT, Cmd(201, "REFpb", 1, 1)], "HBM3") == []
    assert rules([ACT, Cmd(201, "REFpb", 1, 2)], "HBM3") == ["refresh of an open bank"]


def test_a_same_bank_refresh_needs_the_bank_closed_in_each_group() -> None:
    assert rules([ACT, Cmd(201, "REFsb", -1, 1)], "DDR5") == []
    assert rules([ACT, Cmd(201, "REFsb", -1, 2)], "DDR5") == ["refresh of an open bank"]
    shut = [ACT, Cmd(201, "PREsb", -1, 2), Cmd(401, "REFsb", -1, 2)]
    assert rules(shut, "DDR5") == []
    early = [*shut, Cmd(401 + 313 - 2, "ACT", 6, 2, 1)]
    assert rules(early, "DDR5") == ["tRFCsb"]


def test_a_row_opens_in_two_steps() -> None:
    read = [Cmd(99, "CAS_RD", 1, 2, 7), Cmd(100, "RD", 1, 2, 7)]
    assert rules([*OPENED, *read], "LPDDR5") == []
    assert rules([OPENED[0], *read], "LPDDR5") == ["closed bank"]
    assert rules([OPENED[0], Cmd(9, "ACT2", 1, 2, 7), *read], "LPDDR5") == []
    assert rules([OPENED[0], Cmd(10, "ACT2", 1, 2, 7), *read], "LPDDR5") == ["tAAD"]
    assert rules([Cmd(10, "ACT2", 1, 2, 7)], "LPDDR5") == ["ACT-2 without ACT-1"]
    other_bank = [OPENED[0], Cmd(3, "ACT2", 1, 3, 7)]
    assert rules(other_bank, "LPDDR5") == ["ACT-2 without ACT-1"]
    other_row = [OPENED[0], Cmd(3, "ACT2", 1, 2, 8)]
    assert rules(other_row, "LPDDR5") == ["ACT-2 without ACT-1"]
    two = [OPENED[0], Cmd(30, "ACT1", 2, 2, 7)]
    assert rules(two, "LPDDR5") == ["ACT-1 without ACT-2"]
    shut = [OPENED[0], Cmd(80, "PRE", 1, 2)]
    assert rules(shut, "LPDDR5") == ["ACT-1 without ACT-2"]
    assert rules([*shut, Cmd(200, "ACT1", 2, 2, 7)], "LPDDR5") == ["ACT-1 without ACT-2"]
    assert rules([*OPENED, Cmd(80, "ACT1", 1, 2, 7)], "LPDDR5") == ["open bank"]


def test_the_data_clock_runs_on_after_a_read_and_must_then_be_started() -> None:
    start = [*OPENED, Cmd(99, "CAS_RD", 1, 2, 7), Cmd(100, "RD", 1, 2, 7)]
    last = 100 + 17 + 2 + 1
    assert rules([*start, Cmd(last - 1, "RD", 1, 2, 7)], "LPDDR5") == []
    assert rules([*start, Cmd(last, "RD", 1, 2, 7)], "LPDDR5") == ["WCK"]
    shorter = [*start, Cmd(103, "WR", 1, 2, 7), Cmd(last - 1, "RD", 1, 2, 7)]
    assert "WCK" not in rules(shorter, "LPDDR5")
    again = [Cmd(last, "CAS_WR", 1, 2, 7), Cmd(last + 1, "WR", 1, 2, 7)]
    assert rules([*start, *again], "LPDDR5") == []
    last += 1 + 9 + 2 + 1
    assert rules([*start, *again, Cmd(last + 20, "WR", 1, 2, 7)], "LPDDR5") == ["WCK"]


def test_a_cas_goes_right_before_its_own_read_or_write() -> None:
    cas = [*OPENED, Cmd(99, "CAS_RD", 1, 2, 7)]
    assert rules([*cas, Cmd(101, "RD", 1, 2, 7)], "LPDDR5") == ["CAS", "WCK"]
    assert rules([*cas, Cmd(100, "WR", 1, 2, 7)], "LPDDR5") == ["CAS", "WCK"]
    assert rules([*cas, Cmd(100, "ACT1", 2, 2, 7)], "LPDDR5") == ["CAS"]
    assert rules([*OPENED, Cmd(100, "RD", 1, 2, 7)], "LPDDR5") == ["WCK"]


def test_one_command_a_cycle_on_a_bus() -> None:
    both = [ACT, Cmd(101, "RD", 1, 2, 7), Cmd(101, "ACT", 2, 0, 1)]
    assert rules(both, "DDR4") == ["command bus"]
    assert rules(both, "HBM2") == []
    assert rules(both, "HBM3") == []
    assert rules([*both, Cmd(101, "PRE", 3, 0)], "HBM2") == ["command bus"]


def test_channels_have_buses_of_their_own_and_ranks_have_not() -> None:
    assert rules([ACT, Cmd(1, "ACT", 1, 2, 7, channel=1)], "DDR4") == []
    assert rules([ACT, Cmd(1, "ACT", 1, 2, 7, rank=1)], "DDR4") == ["command bus"]


def test_ranks_share_the_data_bus_of_their_own_channel() -> None:
    opened = [Cmd(1 + r, "ACT", 1, 2, 7, rank=r, channel=1) for r in range(2)]
    reads = [Cmd(100 + 5 * r, "RD", 1, 2, 7, rank=r, channel=1) for r in range(2)]
    assert rules([*opened, *reads], "DDR4") == ["rank to rank"]
    elsewhere = Cmd(104, "RD", 1, 2, 7)
    apart = [Cmd(1, "ACT", 1, 2, 7), *opened, reads[0], elsewhere]
    assert rules(sorted(apart, key=lambda one: one.cycle), "DDR4") == []


def test_a_command_to_a_whole_rank_is_told_without_a_bank() -> None:
    (one,) = check_log([as_log([Cmd(5, "PREab"), Cmd(5, "PRE", 1, 2)])], "DDR4")
    assert one.rule == "command bus"
    assert one.earlier is not None
    assert (one.earlier.name, one.earlier.group, one.earlier.bank) == ("PREab", None, None)


@pytest.mark.parametrize(
    ("standard", "first", "least"),
    [("HBM2", ACT, 2), ("DDR5", ACT, 2), ("HBM3", ACT, 3), ("DDR5", Cmd(1, "RD", rank=1), 2)],
)
def test_commands_of_several_cycles_fill_the_bus(standard: str, first: Cmd, least: int) -> None:
    for distance in range(1, 5):
        told = rules([first, Cmd(1 + distance, "PRE", 0, 0)], standard)
        assert ("command bus" in told) == (distance < least)


@pytest.mark.parametrize("name", ["ACT", "RD", "WR", "REFab", "REFpb", "RFMab"])
def test_commands_begin_on_rising_edges(name: str) -> None:
    assert "rising edge" in rules([Cmd(1000, name, 1, 1, 1)], "HBM3")
    assert "rising edge" not in rules([Cmd(1001, name, 1, 1, 1)], "HBM3")


def test_precharges_may_go_on_either_edge() -> None:
    for cycle in (1000, 1001):
        assert rules([Cmd(cycle, "PRE", 1, 1)], "HBM3") == []
        assert rules([Cmd(cycle, "PREab")], "HBM3") == []


@pytest.mark.parametrize(
    ("first", "second", "broken"),
    [
        (Cmd(101, "ACT", 1, 1, 1), Cmd(104, "PRE", 1, 2), []),
        (Cmd(101, "ACT", 1, 1, 1), Cmd(104, "PRE", 1, 1), ["falling edge pairing", "tRAS"]),
        (Cmd(101, "ACT", 1, 1, 1), Cmd(104, "PREab"), ["falling edge pairing", "tRAS"]),
        (Cmd(101, "ACT", 1, 1, 1), Cmd(104, "PREab", rank=1), []),
        (Cmd(101, "ACT", 1, 1, 1), Cmd(106, "PREab", rank=0), ["tRAS"]),
        (Cmd(101, "REFpb", 1, 1), Cmd(102, "PRE", 1, 2), []),
        (Cmd(101, "REFpb", 1, 1), Cmd(102, "PRE", 1, 1), ["falling edge pairing"]),
        (Cmd(101, "REFab"), Cmd(102, "PRE", 1, 2), ["falling edge pairing", "tRFCab"]),
        (Cmd(101, "REFab"), Cmd(102, "PRE", 1, 2, rank=1), []),
    ],
)
def test_what_a_falling_edge_may_pair_with(first: Cmd, second: Cmd, broken: list[str]) -> None:
    assert rules([first, second], "HBM3") == broken


INTERVAL = 9364


def refreshes(cycles: list[int], end: int) -> list[Cmd]:
    """A log from cycle 1 that refreshes at these cycles."""
    return [ACT, Cmd(100, "PRE", 1, 2), *(Cmd(c, "REFab") for c in cycles), Cmd(end, "PRE", 1, 2)]


@pytest.mark.parametrize(
    ("cycles", "end", "broken"),
    [
        ([INTERVAL * i for i in range(1, 30)], 30 * INTERVAL, []),
        ([1 + 9 * INTERVAL - 1], 9 * INTERVAL + 900, []),
        ([1 + 9 * INTERVAL], 9 * INTERVAL + 900, ["postponed refreshes"]),
        ([1 + 9 * INTERVAL + 1], 9 * INTERVAL + 900, ["tREFI"]),
        ([INTERVAL], 10 * INTERVAL, []),
        ([INTERVAL], 10 * INTERVAL + 1, ["tREFI"]),
        ([INTERVAL * i for i in range(2, 60, 2)], 60 * INTERVAL, ["postponed refreshes"]),
    ],
)
def test_refreshes_come_in_time(cycles: list[int], end: int, broken: list[str]) -> None:
    told = [one.rule for one in check_log([as_log(refreshes(cycles, end))], "DDR4")]
    assert sorted(set(told)) == broken


def test_eight_refreshes_at_most_count_ahead() -> None:
    ahead = [200 + 433 * i for i in range(1, 21)]
    later = [INTERVAL * i for i in range(17, 60)]
    assert check_log([as_log(refreshes(ahead, 9 * INTERVAL))], "DDR4") == []
    told = check_log([as_log(refreshes([*ahead, *later], 60 * INTERVAL))], "DDR4")
    assert {one.rule for one in told} == {"tREFI"}


def test_refreshes_beyond_eight_ahead_are_forgotten() -> None:
    ahead = [200 + 433 * i for i in range(1, 21)]
    halved = [2 * INTERVAL * i for i in range(1, 21)]
    told = check_log([as_log(refreshes([*ahead, *halved], 41 * INTERVAL))], "DDR4")
    assert {one.rule for one in told} == {"postponed refreshes"}
    assert told[0].cycle == 34 * INTERVAL


def test_each_bank_is_refreshed_in_time_if_one_at_a_time() -> None:
    banks = [(g, b) for g in range(4) for b in range(4)]
    log, cycle = [Cmd(1, "PRE", 0, 0)], 1
    for _ in range(12):
        for group, bank in banks:
            cycle += 780
            log.append(Cmd(cycle, "REFpb", group, bank))
    assert check_log([as_log(log)], "HBM3") == []
    told = check_log([as_log([one for one in log if (one.group, one.bank) != (2, 3)])], "HBM3")
    assert [(one.rule, one.command.group, one.command.bank) for one in told] == [("tREFI", 2, 3)]


def test_refreshes_are_asked_for_where_there_are_any_or_the_caller_says_so() -> None:
    none = [ACT, Cmd(20 * INTERVAL, "PRE", 1, 2)]
    assert check_log([as_log(none)], "DDR4") == []
    (told,) = check_log([as_log(none)], "DDR4", refresh=True)
    assert (told.rule, told.number, told.minimum) == ("tREFI", None, 9 * INTERVAL)
    late = refreshes([19 * INTERVAL], 20 * INTERVAL)
    assert check_log([as_log(late)], "DDR4", refresh=False) == []
    assert check_log([as_log(late)], "DDR4") != []


def test_a_rank_that_is_forgotten() -> None:
    log = refreshes([INTERVAL * i for i in range(1, 30)], 30 * INTERVAL)
    log.insert(1, Cmd(50, "PRE", 1, 2, rank=1))
    (told,) = check_log([as_log(log)], "DDR4")
    assert (told.rule, told.command.rank, told.number) == ("tREFI", 1, None)


def test_ddr5_may_postpone_four() -> None:
    log = [Cmd(1, "PRE", 0, 0), Cmd(1 + 5 * 9375 - 1, "REFab")]
    assert check_log([as_log(log)], "DDR5") == []
    log[1] = Cmd(1 + 5 * 9375 + 1, "REFab")
    assert [one.rule for one in check_log([as_log(log)], "DDR5")] == ["tREFI"]


def test_a_log_in_chunks_says_the_same() -> None:
    log = as_log(refreshes([INTERVAL * i for i in range(2, 60, 2)], 60 * INTERVAL))
    whole = inspect_log([log], "DDR4")
    assert inspect_log([log[i : i + 1] for i in range(len(log))], "DDR4") == whole
    assert whole.total > 1


def test_more_channels_than_the_first_chunk_has() -> None:
    far = Cmd(5, "RD", 1, 2, 7, channel=700)
    told = check_log([as_log([ACT]), as_log([far]), as_log([Cmd(9, "RD", 1, 2, 7)])], "DDR4")
    assert [(one.rule, one.command.channel) for one in told] == [("closed bank", 700), ("tRCD", 0)]


def test_what_is_not_kept_is_counted() -> None:
    log = [Cmd(10 * i, "RD", 1, 2, 7) for i in range(50)]
    report = inspect_log([as_log(log)], "DDR4", limit=3)
    assert (report.total, len(report.violations)) == (50, 3)
    assert report.by_rule == {"closed bank": 50}
    assert (report.commands, report.cycles) == (50, 491)


def test_how_a_violation_reads() -> None:
    (one,) = check_log([as_log([ACT, Cmd(16, "RD", 1, 2, 7)])], "DDR4")
    assert str(one) == (
        "cycle 16: tRCD: RD to channel 0 rank 0 group 1 bank 2 row 7, 15 cycles after ACT to "
        "channel 0 rank 0 group 1 bank 2 in cycle 1; at least 16 (same bank: tRCD)"
    )
    (other,) = check_log([as_log([ACT, Cmd(100, "RD", 1, 2, 8)])], "DDR4")
    assert str(other) == (
        "cycle 100: other row: RD to channel 0 rank 0 group 1 bank 2 row 8 (row 7 is open)"
    )
    (late,) = check_log([as_log([ACT, Cmd(99999, "PRE", 1, 2)])], "DDR4", refresh=True)
    assert str(late) == (
        "cycle 99999: tREFI: no refresh to channel 0 rank 0 group 0 bank 0; at most 84276 "
        "(99998 cycles since the last refresh, of cycle 1)"
    )
