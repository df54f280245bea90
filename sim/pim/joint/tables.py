"""A PIM with memory and PIM commands in one channel, as the tables that the kernels read.

Kernels freeze the constants here (sim.jit).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.dram.controller import Controller
from arch.dram.device import Device
from arch.errors import InputError
from arch.pim.joint import GIVEN, JointChannels
from sim.dram.tables import NEVER, RULE, Tables, command_tables, spans_of
from sim.dram.tables import build as build_memory

Records = npt.NDArray[np.void]

PIM_FIRST, MEMORY_FIRST, ALTERNATING = range(3)
RANKS_MAX = 62
"""Bits of JOINT_STATE."""
PRIORITIES = ("pim_first", "memory_first", "alternating")

JOINT = np.dtype(
    [
        *((name, np.int64) for name in ("gwrite", "header", "gact", "comp", "readres", "comps")),
        ("close", np.int64),  # command that closes a PIM row
        ("result", np.int64),  # what READRES at the end of a composite asks of PIM commands
        ("dual", np.int64),  # row buffers
        ("counted", np.int64),  # columns of composites count
        ("blocked", np.int64),
        ("priority", np.int64),  # PRIORITIES
        ("fairness_cycles", np.int64),  # or NEVER
        ("slack_checked", np.int64),
        ("tile_ends_first", np.int64),
        ("whole_groups", np.int64),  # all banks of a group must be ready
        ("release_rows", np.int64),  # at the end of a tile
        ("lenient_deadline", np.int64),  # one cycle before a refresh a whole interval is left
        ("among_reads", np.int64),  # PIM instructions lie among the reads
        ("tile_goes_on", np.int64),  # but those of the tile at hand pass them
        ("transactions", np.int64),
        ("commands", np.int64),  # of the PIM queue
        ("group_banks", np.int64),
        ("rank_banks", np.int64),
        ("ranks", np.int64),
        ("refresh_gap", np.int64),  # cycles from one rank's refresh to the next rank's; NEVER
        *((name, np.int64) for name in ("faw", "rp", "rcd_rd", "rcd_wr", "rtp")),
        ("comp_cycles", np.int64),  # from column to column
        ("results_cycles", np.int64),  # from result to result, as estimated
        ("fill_cycles", np.int64),  # from the first column to the result, at least
        ("gwrite_cycles", np.int64),
        ("answer_cycles", np.int64),  # from the read of a result to its data
        *((f"before_{name}", np.int64) for name in ("read", "write")),  # a result, cycles
        *((f"after_{name}", np.int64) for name in ("read", "write")),
        # cycles from one to the next read or write of any bank, at least
        *((f"columns_after_{name}", np.int64) for name in ("read", "write")),
    ]
)


@dataclass(frozen=True)
class JointTables:
    """All that the kernels read and never write."""

    memory: Tables
    """Of ``sim.dram``, with the commands of the PIM and one more, ``JOINT.result``."""
    joint: Records
    """[1] of JOINT"""
    names: tuple[str, ...]
    """Of commands, as in the log"""


def build(pim: JointChannels) -> JointTables:
    """Tables of a PIM. Raises InputError."""
    device = pim.device()
    own = pim.controller
    names = tuple(device.commands)
    memory = Controller(
        scheduler="bank_queues",
        bank_entries=own.bank_entries,
        cap_cycles=None,
        refresh="none",
        read_entries=own.read_entries,
        write_entries=own.write_entries,
    )
    base = build_memory(device, memory)
    commands, rules, histories, depth = command_tables(device, set(names))
    if own.group_ready == "one_bank":
        # Each bank of a group is asked on its own.
        groups = rules["following"] == names.index("GACT")
        rules["width"][groups] = rules["span"][groups]
    commands, rules, result = _with_result(commands, rules, names)
    config = base.config.copy()
    config["command_refresh"] = names.index("REFab")
    config["commands"] = len(commands)
    config["histories"] = max(1, histories)
    joint = np.zeros(1, JOINT)
    for field, value in {**_settings(pim, device, names), "result": result}.items():
        joint[field] = value
    columns = [names.index(name) for name in ("RD", "WR")]
    for field, command in zip(("read", "write"), columns, strict=True):
        joint[f"columns_after_{field}"] = min(
            _least_distance(commands, rules, command, following, device.banks)
            for following in columns
        )
    tables = Tables(config, commands, rules, names, depth)
    return JointTables(tables, joint, names)


def _with_result(
    commands: Records, rules: Records, names: tuple[str, ...]
) -> tuple[Records, Records, int]:
    """The tables with one more command: READRES without what it asks of reads and writes, which go
    before and after it."""
    read = commands[names.index("READRES")]
    own = rules[read["first_rule"] : read["end_rule"]]
    columns = [names.index("RD"), names.index("WR")]
    kept = own[~np.isin(own["following"], columns)]
    more = commands[[names.index("READRES")]].copy()
    more["first_rule"] = len(rules)
    more["end_rule"] = len(rules) + len(kept)
    joined = np.concatenate([rules, kept]).astype(RULE)
    return np.concatenate([commands, more]), joined, len(names)


def _distance(device: Device, before: str, after: str) -> int:
    """The longest of the rules from one command to another, wherever it holds."""
    return max(
        (r.cycles for r in device.rules if (r.preceding, r.following) == (before, after)), default=0
    )


def _least_distance(commands: Records, rules: Records, before: int, after: int, banks: int) -> int:
    """The shortest of the distances from one command to another, of all pairs of banks."""
    cycles = np.zeros(banks, np.int64)
    own = rules[commands[before]["first_rule"] : commands[before]["end_rule"]]
    # Nodes are all alike, so those of one bank are those of all.
    for rule in own[(own["following"] == after) & (own["window"] <= 1)]:
        nodes = slice(0, int(rule["width"]), int(rule["step"]))
        if rule["sibling_span"] > 0:
            nodes = slice(int(rule["span"]), int(rule["sibling_span"]))
        cycles[nodes] = np.maximum(cycles[nodes], rule["cycles"])
    return int(cycles.min())


def _settings(pim: JointChannels, device: Device, names: tuple[str, ...]) -> dict[str, Any]:
    own, timings = pim.controller, device.timings
    dual = pim.row_buffers == "dual"
    spans = spans_of(device)
    for name in GIVEN:
        level = device.commands[name].level
        wanted = {"GACT": "bank_group", "REFab": device.rank_level}
        wanted |= dict.fromkeys(("HEADER", "COMP", "READRES", "COMPS"), "channel")
        if level != wanted.get(name, "bank"):
            raise InputError(
                f"{device.name}: commands.{name}.level: must be {wanted.get(name, 'bank')}, not "
                f"{level}"
            )
    ranks = device.banks // spans[device.rank_level]
    if ranks > RANKS_MAX:
        raise InputError(f"{device.name}: must have {RANKS_MAX} ranks at most, not {ranks}")
    gap = NEVER
    if own.refresh != "none":
        gap = timings["nREFI"] // ranks
    return {
        "gwrite": names.index("GWRITE"),
        "header": names.index("HEADER"),
        "gact": names.index("GACT"),
        "comp": names.index("COMP"),
        "readres": names.index("READRES"),
        "comps": names.index("COMPS"),
        "close": names.index("PIMPRE" if dual else "PREpb"),
        "dual": dual,
        "counted": pim.counted(),
        "blocked": own.mode == "blocked",
        "priority": PRIORITIES.index(own.priority),
        "fairness_cycles": NEVER if own.fairness_cycles is None else own.fairness_cycles,
        "slack_checked": own.slack_checked,
        "tile_ends_first": own.tile_ends_first,
        "whole_groups": own.group_ready == "all_banks",
        "release_rows": own.row_reserved == "tile",
        "lenient_deadline": own.deadline == "lenient",
        "among_reads": own.pim_transactions_in == "reads",
        "tile_goes_on": own.open_tile == "goes_on",
        "transactions": own.pim_transactions,
        "commands": own.pim_commands,
        "group_banks": spans["bank_group"],
        "rank_banks": spans[device.rank_level],
        "ranks": ranks,
        "refresh_gap": gap,
        "faw": timings["nFAW"],
        "rp": timings["nRP"],
        "rcd_rd": timings["nRCDRD"],
        "rcd_wr": timings["nRCDWR"],
        "rtp": timings["nRTP"],
        "comp_cycles": timings["nCOMP"],
        "results_cycles": timings["nRES"],
        "fill_cycles": timings["nFILL"],
        "gwrite_cycles": timings["nGW"],
        "answer_cycles": device.read_latency_cycles,
        "before_read": _distance(device, "RD", "READRES"),
        "before_write": _distance(device, "WR", "READRES"),
        "after_read": _distance(device, "READRES", "RD"),
        "after_write": _distance(device, "READRES", "WR"),
    }
