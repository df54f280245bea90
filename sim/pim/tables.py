"""A PIM as the tables that the kernels read; kernels freeze the constants here (sim.jit)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arch.clock import periods
from arch.errors import InputError
from arch.pim.device import PimDevice
from arch.pim.system import Pim
from arch.vector import VECTOR_OPS, Vector
from sim.dram.tables import NEVER, command_tables, spans_of

Records = npt.NDArray[np.void]
OPS = len(VECTOR_OPS)

NOTHING, OPEN, CLOSE, ACCESS = range(4)
"""What a command does to its banks."""
ACTIONS = {
    "activate": OPEN, "precharge": CLOSE, "access": ACCESS, "read": ACCESS, "write": ACCESS,
}  # fmt: skip

PIM_COMMAND = np.dtype(
    [
        ("action", np.int64),  # as above
        ("span", np.int64),  # banks that it acts on
        ("needs_row", np.int64),
        ("closes", np.int64),
        ("opener", np.int64),  # command that opens a row in the same banks; -1: none
        ("closer", np.int64),
        ("register_mode", np.int64),
        ("latency_cycles", np.int64),
        ("single", np.int64),  # no rule but those of the whole channel holds it back
        ("steady_cycles", np.int64),  # from one to the next to the same banks; 0: it has a window
        ("first_whole", np.int64),  # of its rules that hold in the whole channel
        ("end_whole", np.int64),
    ]
)

WHOLE = np.dtype(
    [
        ("following", np.int64),  # place of its ready time
        ("cycles", np.int64),
    ]
)

CONFIG = np.dtype(
    [
        ("banks", np.int64),  # of a channel
        ("channels", np.int64),
        ("commands", np.int64),
        ("command_read", np.int64),
        ("command_write", np.int64),
        ("command_mode", np.int64),  # -1: there is one mode
        ("command_refresh", np.int64),
        ("command_close_all", np.int64),
        ("refresh_interval_cycles", np.int64),  # NEVER: none
        ("dispatch_width", np.int64),
        ("pim_entries", np.int64),
        ("whole_instructions", np.int64),  # an entry of them is an instruction, not a command
        ("entries", np.int64, 2),  # reads, writes
        ("drain_above", np.int64),
        ("drain_below", np.int64),
        ("forward_any", np.int64),  # a waiting write serves reads of all addresses
        ("activate_partly", np.int64),  # banks of which some are open are activated
        ("activated_first", np.int64),
        ("window_cycles", np.int64),  # of the longest rule with a window
        ("period", np.int64),  # ticks of a cycle
        ("vector_period", np.int64),
        ("synchroniser", np.int64),  # edges, between clocks that differ
        ("lanes", np.int64),
        ("interval", np.int64, OPS),  # cycles from group to group, by operation
        ("latency", np.int64, OPS),
    ]
)
UNUSED = ("REFpb", "RDA", "WRA")
"""Commands of the standard that no PIM's controller gives."""


@dataclass(frozen=True)
class Tables:
    """All that the kernels read and never write."""

    config: Records
    """[1] of CONFIG"""
    commands: Records
    """[command] of ``sim.dram.tables.COMMAND``"""
    pim: Records
    """[command] of PIM_COMMAND"""
    rules: Records
    """[rule] of ``sim.dram.tables.RULE`` that hold in a part of the channel, or have a window"""
    whole: Records
    """[rule] of WHOLE, those that hold in the whole channel: one ready time, not one a bank, and no
    division to find it"""
    names: tuple[str, ...]
    histories: int
    history_depth: int


def build(pim: Pim) -> Tables:
    """Tables of a PIM. Raises InputError where its standard lacks a command."""
    device = pim.device()
    names = tuple(device.device.commands)
    commands, rules, histories, depth = command_tables(device.device, set(names) - set(UNUSED))
    config = np.zeros(1, CONFIG)
    for field, value in {**_settings(pim, device, names), **_vector(pim, device)}.items():
        config[field] = value
    table = _commands(device, names)
    table["steady_cycles"] = _steady(commands, rules)
    config["window_cycles"] = rules["cycles"][rules["window"] > 1].max(initial=0)
    rules, whole = _parted(device.device.banks, commands, table, rules)
    return Tables(config, commands, table, rules, whole, names, max(1, histories), depth)


def _parted(
    banks: int, commands: Records, table: Records, rules: Records
) -> tuple[Records, Records]:
    """Rules of a part of the channel, and WHOLE; the commands are told where theirs are."""
    parts: list[Records] = []
    everywhere: list[Records] = []
    told = told_whole = 0
    for command, own in zip(commands, table, strict=True):
        given = rules[command["first_rule"] : command["end_rule"]]
        held = given["span"] == banks
        # Those with a window need the history that the others have no use for.
        windowed = given[held & (given["window"] > 1)]
        windowed["following"] += len(commands)
        windowed["width"] = 1
        parts += [given[~held], windowed]
        command["first_rule"] = told
        command["end_rule"] = told = told + len(given[~held]) + len(windowed)
        plain = given[held & (given["window"] == 1)]
        one = np.zeros(len(plain), WHOLE)
        one["following"] = (len(commands) + plain["following"]) * banks
        one["cycles"] = plain["cycles"]
        everywhere.append(one)
        own["first_whole"] = told_whole
        own["end_whole"] = told_whole = told_whole + len(one)
    kept = np.concatenate(parts)
    table["single"] = ~np.isin(np.arange(len(commands)), kept["following"])
    return kept, np.concatenate(everywhere)


def _steady(commands: Records, rules: Records) -> list[int]:
    """Of each command, the cycles after which the same one may come again."""
    found = []
    for index, command in enumerate(commands):
        own = rules[command["first_rule"] : command["end_rule"]]
        again = own[(own["following"] == index) & (own["sibling_span"] == 0)]
        windowed = bool((own["window"] > 1).any())
        found.append(0 if windowed or not len(again) else max(1, int(again["cycles"].max())))
    return found


def _vector(pim: Pim, device: PimDevice) -> dict[str, int | list[int]]:
    """Clocks, and timing of the vector unit beside the memory."""
    asic = pim.asic
    clocks = {"memory": device.device.clock_khz}
    if asic is None:
        ticks, vector = {**periods(clocks), "vector": 1}, Vector(lanes=1)
    else:
        ticks, vector = periods({**clocks, "vector": asic.clock_khz}), asic.vector()
    timings = [vector.timing(op) for op in VECTOR_OPS]
    return {
        "period": ticks["memory"],
        "vector_period": ticks["vector"],
        "synchroniser": asic.synchroniser_cycles if asic is not None else 0,
        "lanes": vector.lanes,
        "interval": [timing.interval_cycles for timing in timings],
        "latency": [timing.latency_cycles for timing in timings],
    }


def _commands(device: PimDevice, names: tuple[str, ...]) -> Records:
    spans = spans_of(device.device)
    table = np.zeros(len(names), PIM_COMMAND)
    actions = {name: str(c.action) for name, c in device.device.commands.items()}
    actions |= {name: str(c.action) for name, c in device.commands.items()}
    for i, name in enumerate(names):
        command, own = device.device.commands[name], device.commands.get(name)
        span = spans[command.level]
        partners = {
            action: next(
                (
                    j
                    for j, n in enumerate(names)
                    if actions[n] == action and spans[device.device.commands[n].level] == span
                ),
                -1,
            )
            for action in ("activate", "precharge")
        }
        needs_row = own.needs_row if own is not None else actions[name] in ("read", "write")
        if needs_row and -1 in partners.values():
            raise InputError(
                f"{device.device.name}: commands.{name}: no command activates or precharges what "
                f"it acts on, the banks of one {command.level}"
            )
        table[i] = (
            ACTIONS.get(actions[name], NOTHING),
            span,
            needs_row,
            command.closes,
            partners["activate"],
            partners["precharge"],
            own is not None and own.register_mode,
            device.latency_cycles[name],
            0,
            0,
            0,
            0,
        )
    return table


def _check_refresh(device: PimDevice) -> None:
    """Between refreshes rows must close, open and close again, and the mode change twice."""
    timings = device.device.timings
    others = (r.cycles for r in device.device.rules if "REF" not in r.preceding and r.window == 1)
    least = timings["nRFCab"] + 4 * max(others)
    if timings["nREFI"] < least:
        raise InputError(
            f"{device.device.name}: timings.nREFI: given {timings['nREFI']}; must be {least} at "
            "least, or nothing is done between refreshes"
        )


def _settings(pim: Pim, device: PimDevice, names: tuple[str, ...]) -> dict[str, int | list[int]]:
    controller = pim.controller
    modes = [name for name, command in device.commands.items() if command.action == "mode"]
    for needed in ("RD", "WR", "REFab", "PREab"):
        if needed not in names:
            raise InputError(f"{device.device.name}: has no command {needed}")
    refreshed = controller.refresh != "none"
    if refreshed:
        _check_refresh(device)
    return {
        "banks": device.device.banks,
        "channels": pim.channels,
        "commands": len(names),
        "command_read": names.index("RD"),
        "command_write": names.index("WR"),
        "command_mode": names.index(modes[0]) if modes else -1,
        "command_refresh": names.index("REFab"),
        "command_close_all": names.index("PREab"),
        "refresh_interval_cycles": device.device.timings["nREFI"] if refreshed else NEVER,
        "dispatch_width": controller.dispatch_width,
        "pim_entries": controller.pim_entries,
        "whole_instructions": int(controller.pim_entry == "instruction"),
        "entries": [controller.read_entries, controller.write_entries],
        "drain_above": controller.drain_above,
        "drain_below": controller.drain_below,
        "forward_any": int(controller.forwarding == "any"),
        "activate_partly": int(controller.partly_open == "activate"),
        "activated_first": int(controller.activated_first),
    }
