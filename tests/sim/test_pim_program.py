"""Programs of a PIM and the chip beside it: what waits, what overlaps, what is taken together."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pim_judge import judged
from pim_programs import pim, program, random_program, run, state

from arch.errors import InputError
from arch.vector import VECTOR_OPS
from traces.pim.dtype import CODES, OPS, PimTrace

CLOCKS = ["asic.clock_khz=1000000", "asic.clock_khz=800000", "asic.clock_khz=1300000"]
LENGTH = 100


def traces(seed: int, channels: int = 2) -> list[PimTrace]:
    return [random_program(seed, LENGTH, channels), random_program(seed + 1000, 5, channels)]


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("width", [1, 8])
@pytest.mark.parametrize("channels", [2, 5])
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.compiled) for seed in range(1, 8))]
)
def test_taking_columns_and_channels_together_and_skipping_change_nothing(
    seed: int, channels: int, width: int, clock: str
) -> None:
    changes = (clock, f"controller.dispatch_width={width}", "controller.pim_entries=2")
    given, programs = pim(*changes, channels=channels), traces(seed, channels)
    together, progress, _ = run(given, programs)
    each, each_progress, log = run(given, programs, logged=True)
    every, every_progress, every_log = run(given, programs, every=True, logged=True)
    assert_array_equal(log, every_log)
    for other, its in ((each, each_progress), (every, every_progress)):
        assert other.cycles == together.cycles
        mine, theirs = state(together), state(other)
        for name in mine:
            assert_array_equal(mine[name], theirs[name], name)
        for one, its_one in zip(progress, its, strict=True):
            assert_array_equal(one, its_one)
    assert together.commands["REFab"] > 0
    assert log is not None
    assert len(log) == sum(together.commands.values())


def test_channels_that_have_read_or_written_last_are_not_alike() -> None:
    """Writes and a read that come in one cycle go in another order in each."""
    place = {"bank": 0, "row": 1}
    lines = [{"op": "WR_SBK", "channels": 1, **place}, {"op": "RD_SBK", "channels": 2, **place}]
    lines.append({"op": "SYNC", "channels": 3})
    writes = [{"op": "WR_SBK", "channels": 3, "column": at, **place} for at in range(1, 8)]
    lines += [*writes, {"op": "RD_SBK", "channels": 3, "column": 9, **place}]
    given = pim("controller.dispatch_width=8")
    together, (progress,), _ = run(given, [program(lines)])
    each, (other,), log = run(given, [program(lines)], logged=True)
    assert log is not None
    first, second = (log[log["channel"] == channel]["command"].tolist() for channel in (0, 1))
    assert first[-8:] != second[-8:]
    assert_array_equal(progress, other)
    assert_array_equal(together.state.issued, each.state.issued)


@pytest.mark.parametrize("clock_khz", [1_000_000, 800_000, 1_300_000])
@pytest.mark.parametrize("seed", range(8))
def test_nothing_begins_before_what_it_waits_for_is_seen(seed: int, clock_khz: int) -> None:
    """Both queues, worked out again from when instructions are done."""
    given = pim(f"asic.clock_khz={clock_khz}")
    trace = random_program(seed, LENGTH)
    done, (progress,), _ = run(given, [trace])
    tick = np.lcm(1_000_000, clock_khz)
    memory, chip = int(tick // 1_000_000), int(tick // clock_khz)
    free, sent = memory, memory  # the first cycle is cycle 1
    waited = 0
    for i, line in enumerate(trace.instructions):
        vector = OPS[line["op"]] == "VECTOR"
        period = chip if vector else memory
        seen = 0
        for other in trace.after[line["after_begin"] : line["after_end"]]:
            at = int(progress["done"][other])
            sender = chip if OPS[trace.instructions["op"][other]] == "VECTOR" else memory
            if sender == period:
                seen = max(seen, at + period)
            else:
                seen = max(seen, -(-(at + 1) // period) * period + 2 * period)
        start = int(progress["start"][i])
        assert start % period == 0
        assert start >= seen
        if vector:
            waited += seen > free
            assert start == -(-max(seen, free) // period) * period
            op = VECTOR_OPS[line["vector_op"]]
            timing = given.asic.vector().timing(op)  # type: ignore[union-attr]
            groups = -(-int(line["elements"]) // 256)
            cycles = (groups - 1) * timing.interval_cycles + timing.latency_cycles
            free = start + cycles * period
            assert progress["done"][i] == free
        else:
            assert start >= sent
            sent = start
    assert waited > 0
    assert done.cycles == -(-int(progress["done"].max()) // memory)


@pytest.mark.parametrize("seed", range(4))
def test_the_judge_finds_nothing(seed: int) -> None:
    done, _, log = run(pim(), traces(seed), logged=True)
    assert log is not None
    assert judged(done, log).total == 0


def test_a_product_and_an_operation_overlap() -> None:
    mac = {"op": "MAC_ABK", "channels": 3, "count": 64, "row": 0}
    vector = {"op": "VECTOR", "elements": 256 * 100, "vector_op": VECTOR_OPS.index("add")}
    alone, _, _ = run(pim(), [program([mac])])
    other, _, _ = run(pim(), [program([vector])])
    both, _, _ = run(pim(), [program([mac, vector])])
    after, _, _ = run(pim(), [program([mac, {**vector, "after": [0]}])])
    assert both.cycles == max(alone.cycles, other.cycles)
    assert after.cycles == alone.cycles + other.cycles


def test_a_column_is_written_each_cycle() -> None:
    """WR_SBK of 8 columns goes out as 8 writes, one a cycle."""
    done, _, log = run(
        pim(), [program([{"op": "WR_SBK", "channels": 1, "count": 8, "bank": 3, "row": 1,
                          "column": 5}])], logged=True,
    )  # fmt: skip
    assert log is not None
    names = list(done.tables.names)
    writes = log[log["command"] == names.index("WR")]
    assert list(writes["column"]) == list(range(5, 13))
    assert (np.diff(writes["cycle"]) == 1).all()
    assert done.commands == {"ACT": 1, "WR": 8}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"row": 32768}, "instruction 2, MAC_ABK of layer0.second: has a row beyond 32767"),
        ({"column": 1, "count": 64}, "has columns beyond 63"),
        ({"channels": 4}, "has a channel beyond 1"),
        ({"count": 0}, "has no column"),
        ({"after": [1]}, "has something to wait for that comes after it"),
        ({"op": "WR_BIAS"}, "has an operation that it does not have"),
        ({"op": "WR_SBK", "bank": 16}, "has a bank beyond 15"),
    ],
)
def test_wrong_instructions_are_named(change: dict[str, object], what: str) -> None:
    first = {"op": "WR_GB", "channels": 1, "count": 64}
    second = {"op": "MAC_ABK", "channels": 1, "count": 4, "row": 0, "operator": 1, **change}
    with pytest.raises(InputError, match=what):
        run(pim(), [program([first, second])])


def test_a_pim_without_a_chip_has_no_vector_unit() -> None:
    trace = program([{"op": "VECTOR", "elements": 1}])
    with pytest.raises(InputError, match=r"VECTOR of layer0\.first: has an operation"):
        run(pim("asic=null"), [trace])
    assert CODES["VECTOR"] == len(OPS) - 1
