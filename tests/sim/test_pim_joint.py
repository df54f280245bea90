"""Memory and PIM commands in one channel, against NeuPIMs' simulator."""

from pathlib import Path
from typing import Any

import joint_cases
import numpy as np
import pytest
from joint_cases import SHAPE, golden_logs, golden_traces, judged, load, mixed, run, stage_rows
from queue_cases import assert_kept

from sim.dram.state import CLOSED, COLUMNS, ROWS
from sim.dram.tables import NEVER
from sim.pim.joint import kernel
from sim.pim.joint import run as running
from sim.pim.joint.device import run_trace
from sim.pim.joint.run import new_channel
from sim.pim.joint.state import OPS
from traces.mapping.joint_attention import Request, attention_stage
from traces.pim.joint import LINE, joint_in

PIMS = {"dual": "neupims", "single": "neupims_single", "single-wide": "neupims_single_wide"}
END_CYCLES = 4
"""Of a whole NeuPIMs: three before the first instruction arrives, and one more than ours until the
last answer is there."""
LAST_CYCLES = 36
"""Of its end, when no PIM instruction waits any more and the stage is not over."""


@pytest.mark.validates(
    *("joint_pim.commands=neupims", "joint_pim.variant", "joint_pim.organisation"),
    *("joint_pim.speed", "joint_pim.mapping", "joint_pim.priority=pim_first"),
    *("joint_pim.row_buffers=single", "joint_pim.row_buffers=dual"),
    *("joint_pim.composite=False", "joint_pim.composite=True"),
    *("joint_pim.mode=blocked", "joint_pim.mode=concurrent"),
    *("joint_pim.pim_transactions_in=own", "joint_pim.pim_transactions_in=reads"),
    *("joint_pim.pim_transactions", "joint_pim.pim_commands", "joint_pim.bank_entries"),
    *("joint_pim.read_entries", "joint_pim.write_entries", "joint_pim.slack_checked=True"),
    *("joint_pim.refresh=all_bank", "joint_pim.tile_ends_first=False"),
    *("joint_pim.group_ready=one_bank", "joint_pim.row_reserved=tile"),
    *("joint_pim.row_reserved=next_tile", "joint_pim.deadline=lenient"),
    "joint_pim.open_tile=waits",
    by="NeuPIMs",
)
@pytest.mark.compiled
@pytest.mark.parametrize("case", golden_traces().index)
def test_each_command_is_that_of_the_simulator_in_its_cycle(case: str) -> None:
    expected = golden_traces().loc[case]
    pim = load(expected.pim)
    wanted = golden_logs().loc[lambda table: table.case == case]
    for every in (False, True) if "traffic" in case else (False,):
        found = []
        done = run_trace(
            pim,
            joint_in(expected.text.encode(), pim),
            every=every,
            log=lambda _, log, found=found: found.append(log),
        )
        log = found[0]
        # When all is answered writes still wait, with which ours goes on.
        log = log[log["cycle"] <= wanted.cycle.max()]
        if expected.stage:
            assert done.cycles == expected.cycles - 1
        assert log["cycle"].tolist() == wanted.cycle.tolist()
        names = np.array(done.names)[log["command"]]
        assert names.tolist() == wanted.command.astype(str).tolist()
        assert log["bank"].tolist() == wanted.bank.tolist()
        assert done.total("busy_cycles") == expected.busy_cycles


def _requests(row: object) -> list[Request]:
    if str(row.seq_len).startswith("mixed"):
        return [Request(channel, length) for channel in range(32) for length in (256, 512)]
    return [Request(i % row.channels, int(row.seq_len)) for i in range(row.requests)]


def _between(row: object) -> int:
    """Cycles of a whole NeuPIMs between the two parts, softmax and stores, which are not simulated:
    what its two measurements of time leave where one channel is used, else those of such a row."""
    if row.channels == 1:
        last = LAST_CYCLES + (7 if row.seq_len == "2048" else 0)
        return int(row.cycles - row.pim_busy_cycles) - last - END_CYCLES
    if row.seq_len == "128":
        return 21
    return 547 if row.variant == "dual" else 566


@pytest.mark.validates("joint_pim.channels", "joint_pim.dispatch_width", by="NeuPIMs")
@pytest.mark.compiled
@pytest.mark.parametrize("number", range(len(stage_rows())))
def test_attention_stages_have_the_commands_and_the_cycles_of_neupims(number: int) -> None:
    row = stage_rows().loc[number]
    short = row.channels == 1 and row.seq_len != "2048"
    for suffix in ("_as_simulated", "") if short else ("_as_simulated",):
        pim = load(PIMS[row.variant] + suffix)
        lines = attention_stage(pim, _requests(row), SHAPE, _between(row) + 1)
        done = run_trace(pim, [lines])
        one = done.channels[0].state
        issued = dict(zip(done.names, one.memory.issued, strict=False))
        joint = one.joint[0]
        assert issued["GWRITE"] == row.gwrite
        assert issued["GACT"] == row.group_act
        assert joint["columns"] == row.comp
        assert joint["results"] == row.readres
        if suffix:
            assert done.cycles + END_CYCLES == pytest.approx(row.cycles, rel=0.02)
            if row.channels == 1:
                assert abs(done.cycles + END_CYCLES - row.cycles) <= 7
        elif row.variant != "dual":
            assert done.cycles == pytest.approx(row.cycles, rel=0.02)


@pytest.mark.compiled
def test_a_second_row_buffer_alone_brings_the_attention_stage_nothing() -> None:
    for length in (128, 512):
        cycles = {}
        for name in ("neupims", "neupims_single_wide"):
            pim = load(name)
            lines = attention_stage(pim, [Request(0, length)], SHAPE, 20)
            cycles[name] = run_trace(pim, [lines]).cycles
        assert cycles["neupims"] == pytest.approx(cycles["neupims_single_wide"], rel=0.005)


VARIANTS = [
    *(("neupims", priority, "concurrent") for priority in ("pim_first", "memory_first")),
    ("neupims", "alternating", "concurrent"),
    ("neupims", "memory_first", "blocked"),
    *(("neupims_single_wide", p, "blocked") for p in ("pim_first", "memory_first", "alternating")),
]


@pytest.mark.compiled
@pytest.mark.parametrize(("name", "priority", "mode"), VARIANTS)
def test_all_is_served_and_every_command_is_legal(
    name: str, priority: str, mode: str, tmp_path: Path
) -> None:
    pim = load(
        name,
        f"controller.priority={priority}",
        f"controller.mode={mode}",
        "controller.fairness_cycles=300",
    )
    for seed in range(3):
        lines = mixed(pim, seed, 500)
        done, logs = run(pim, lines)
        own = done.channels[0].state.memory.channel[0]
        # Up to eight writes stay where nothing makes them go.
        waiting = own["counts"][:2].sum()
        assert own["served"].sum() + own["forwarded"] + own["coalesced"] + waiting == 500
        assert own["counts"][0] == 0
        assert own["counts"][1] <= 8
        assert done.total("results") == 32 + 16 + 64
        report = judged(pim, logs, tmp_path)
        assert report.total == 0, report.violations[:3]
        again, others = run(pim, lines, every=True)
        assert again.cycles == done.cycles
        assert (np.concatenate(others) == np.concatenate(logs)).all()
        assert again.total("busy_cycles") == done.total("busy_cycles")


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["neupims", "neupims_single_wide"])
def test_what_queues_keep_is_never_stale(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own, pauses, later = kernel.run, 0, 0

    def paused(*given: Any) -> int:
        nonlocal pauses, later
        status = int(own(*given))
        config, settings, arbiter = given[0][0], given[4][0], given[6]
        now = given[5][0]["now"]
        entries, queue, soon, queues, banks, ready = (given[at] for at in (8, 10, 11, 12, 15, 17))
        assert_kept(arbiter, banks, entries, queue, queues)
        commands = ready[:-1].reshape(-1, config["banks"])
        for bank, each in enumerate(queue):
            rows = [config["command_precharge"]] * int(each["may_close"])
            if banks[bank]["row"] == CLOSED:
                rows = [config["command_activate"]] + [settings["close"]] * int(settings["dual"])
                rows *= int(each["count"] > 0)
            columns = [config["command_read"]] * int(each["read"] >= 0)
            columns += [config["command_write"]] * int(each["write"] >= 0)
            for kept, asked in ((soon[COLUMNS, bank], columns), (soon[ROWS, bank], rows)):
                # None goes in a cycle that is past, whatever ready times say.
                least = min((commands[command, bank] for command in asked), default=NEVER)
                assert kept <= max(now, least)
                assert (kept == NEVER) == (not asked)
                later += len(asked) > 0 and kept > now
        pauses += 1
        return status

    monkeypatch.setattr(running, "LOG_CHUNK_COMMANDS", 4)
    monkeypatch.setattr(kernel, "run", paused)
    run(load(name), mixed(load(name), 1, 400))
    assert pauses > 200
    assert later > 50


@pytest.mark.compiled
def test_priority_decides_who_waits() -> None:
    ends = {}
    for priority in ("pim_first", "memory_first"):
        pim = load("neupims", f"controller.priority={priority}", "controller.fairness_cycles=5000")
        done, _ = run(pim, mixed(pim, 3, 2000))
        own = done.channels[0].state.memory.channel[0]
        ends[priority] = done.parts[0], own["latency_sum"] / own["served"][0]
    assert ends["pim_first"][0] < ends["memory_first"][0]
    assert ends["pim_first"][1] > ends["memory_first"][1]


@pytest.mark.compiled
def test_what_the_simulator_gives_breaks_the_rules_that_its_page_names(tmp_path: Path) -> None:
    pim = load("neupims_as_simulated")
    done, logs = run(pim, attention_stage(pim, [Request(0, 512)], SHAPE, 50))
    report = judged(pim, logs, tmp_path)
    assert {"tRTPL", "closed bank", "other row", "tGW"} <= set(report.by_rule)
    pim = load("neupims_single_wide_as_simulated")
    done, logs = run(pim, attention_stage(pim, [Request(0, 128)], SHAPE, 50))
    report = judged(pim, logs, tmp_path)
    assert set(report.by_rule) == {"tRTPL", "tRP"}
    assert done.cycles > 0


@pytest.mark.compiled
def test_channels_that_are_given_the_same_are_one() -> None:
    pim = load("neupims_single_wide")
    alone = run_trace(pim, [attention_stage(pim, [Request(0, 96)], SHAPE, 20)])
    all_of_them = [Request(channel, 96) for channel in range(32)]
    together = run_trace(pim, [attention_stage(pim, all_of_them, SHAPE, 20)])
    assert together.cycles == alone.cycles
    assert together.commands["COMP"] == 32 * alone.commands["COMP"]
    throttled = load("neupims_single")
    slow = run_trace(throttled, [attention_stage(throttled, all_of_them, SHAPE, 20)])
    assert slow.cycles > 2 * alone.cycles
    wider = load("neupims_single", "controller.dispatch_width=64")
    fast = run_trace(wider, [attention_stage(wider, all_of_them, SHAPE, 20)])
    assert alone.cycles <= fast.cycles < slow.cycles


@pytest.mark.compiled
def test_a_tile_that_ends_before_no_refresh_is_an_error() -> None:
    from arch.errors import SimulationError

    pim = load("neupims", "timings.nREFI=300")
    lines = attention_stage(pim, [Request(0, 32)], SHAPE, 20)
    with pytest.raises(SimulationError, match="150 cycles between two refreshes"):
        run_trace(pim, [lines])


def test_instructions_of_the_trace_are_those_of_the_kernel() -> None:
    from traces.pim.joint import OPS as NAMES

    assert NAMES[: len(OPS)] == OPS
    assert new_channel(load("neupims")).now == 0
    assert len(np.zeros(0, LINE)) == 0
    assert joint_cases.SHAPE.heads == 8
