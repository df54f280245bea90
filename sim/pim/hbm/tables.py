"""An HBM-PIM as the tables that the kernels read; kernels freeze the constants here (sim.jit)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arch.dram.device import Device
from arch.errors import InputError
from arch.pim.hbm import GIVEN, HbmPim
from sim.dram.tables import NEVER, command_tables
from traces.pim.hbm_where import where

Records = npt.NDArray[np.void]
QUEUE_MAX = 256
RANKS_MAX = 4
ACT, PRE, RD, WR, REF = range(5)
"""Places of the commands that are given in ``Tables.given``."""
MORE = ("JUMP", "HAB", "HAB_PIM", "SB", "ZERO_GRF_A", "ZERO_GRF_B")
"""What a log tells of beside commands."""

CONFIG = np.dtype(
    [
        ("banks", np.int64),  # of a rank
        ("channels", np.int64),
        ("ranks", np.int64),
        ("commands", np.int64),
        ("columns", np.int64),  # of a row
        ("given", np.int64, 5),  # commands, by the places above
        ("all_bank", np.int64, 4),  # their names in the all-bank modes
        *((name, np.int64) for name in MORE),
        ("queue_entries", np.int64),
        ("front_entries", np.int64),
        ("refresh_interval_cycles", np.int64),  # NEVER: none
        ("read_done_cycles", np.int64),  # from a read until its last data are taken
        ("write_done_cycles", np.int64),
        ("activates_wait", np.int64),
        ("drop_late_refresh", np.int64),
        ("lose_barrier", np.int64),
        ("barrier_holds_row", np.int64),
        ("banks_together", np.int64),
    ]
)

WHOLE = np.dtype([("following", np.int64), ("cycles", np.int64)])
SPAN = np.dtype([("first", np.int64), ("end", np.int64)])


@dataclass(frozen=True)
class Tables:
    """All that the kernels read and never write."""

    config: Records
    """[1] of CONFIG"""
    where: Records
    """[1] of ``traces.pim.hbm_dtype.WHERE``"""
    commands: Records
    """[command] of ``sim.dram.tables.COMMAND``"""
    rules: Records
    """[rule] of ``sim.dram.tables.RULE`` that hold in a part of the channel, or have a window"""
    whole: Records
    """[rule] of WHOLE, those that hold in the whole channel"""
    spans: Records
    """[command] of SPAN, of its rules in ``whole``"""
    names: tuple[str, ...]
    """Of commands, and of what else a log tells of."""
    histories: int
    history_depth: int


def build(pim: HbmPim) -> Tables:
    """Tables of a PIM. Raises InputError where it cannot be run."""
    device = pim.device()
    names = (*device.commands, *pim.command_set().all_bank.values(), *MORE)
    commands, rules, histories, depth = command_tables(device, set(GIVEN))
    config = np.zeros(1, CONFIG)
    for field, value in _settings(pim, device, names).items():
        config[field] = value
    rules, whole, spans = _parted(device.banks, len(names), commands, rules)
    return Tables(
        config, where(pim), commands, rules, whole, spans, names, max(1, histories), depth
    )


def _parted(
    banks: int, names: int, commands: Records, rules: Records
) -> tuple[Records, Records, Records]:
    """Rules of a part of the channel; WHOLE and SPAN. The commands are told where theirs are."""
    spans = np.zeros(len(commands), SPAN)
    parts: list[Records] = [rules[:0]]
    everywhere: list[tuple[int, int]] = []
    told = 0
    for command, span in zip(commands, spans, strict=True):
        given = rules[command["first_rule"] : command["end_rule"]]
        plain = (given["span"] == banks) & (given["window"] == 1)
        span["first"] = len(everywhere)
        everywhere += [
            ((names + int(one["following"])) * banks, int(one["cycles"])) for one in given[plain]
        ]
        span["end"] = len(everywhere)
        parts.append(given[~plain])
        command["first_rule"] = told
        command["end_rule"] = told = told + len(parts[-1])
    return np.concatenate(parts), np.array(everywhere, WHOLE), spans


def _settings(pim: HbmPim, device: Device, names: tuple[str, ...]) -> dict[str, int | list[int]]:
    controller = pim.controller
    interval = NEVER
    if controller.refresh != "none":
        interval = device.timings["nREFI"]
        others = (r.cycles for r in device.rules if "REF" not in r.preceding and r.window == 1)
        least = pim.ranks * (device.timings["nRFC"] + 4 * max(others))
        if interval < least:
            raise InputError(
                f"{device.name}: timings.nREFI: given {interval}; must be {least} at least, or "
                "nothing is done between refreshes"
            )
    return {
        "banks": device.banks,
        "channels": pim.channels,
        "ranks": pim.ranks,
        "commands": len(names),
        "columns": device.columns,
        "given": [names.index(name) for name in GIVEN],
        "all_bank": [names.index(pim.command_set().all_bank[name]) for name in GIVEN[:-1]],
        **{name: names.index(name) for name in MORE},
        "queue_entries": controller.queue_entries,
        "front_entries": controller.front_entries,
        "refresh_interval_cycles": interval,
        "read_done_cycles": device.read_latency_cycles + 1,
        "write_done_cycles": device.write_latency_cycles,
        "activates_wait": int(controller.activates_wait),
        "drop_late_refresh": int(controller.late_refresh == "dropped"),
        "lose_barrier": int(not controller.barriers_kept),
        "barrier_holds_row": int(controller.barriers_hold_rows),
        "banks_together": int(controller.banks_together),
    }
