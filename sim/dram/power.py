"""Energy of DRAM: commands and cycles times what a data sheet's currents say of each.

The method is Micron's (TN-40-07, TN-41-01), of the devices that a command goes to:

==============  ===================================================================
component       energy
==============  ===================================================================
``activate``    activates x (IDD0 x tRC - IDD3N x tRAS - IDD2N x (tRC - tRAS)) x VDD
``read``        reads x (IDD4R - IDD3N) x burst x VDD
``write``       writes x (IDD4W - IDD3N) x burst x VDD
``refresh``     refreshes x (IDD5B - IDD3N) x tRFC x VDD
``background``  (active cycles x IDD3N + all others x IDD2N) x VDD, of all ranks
``pump``        (activates x (IPP0 - IPP3N) x tRC + refreshes x (IPP5B - IPP3N) x tRFC
                + cycles of all ranks x IPP3N) x VPP
==============  ===================================================================

This is the order in which components are computed and added up. A rank is active while a bank is
open or a refresh is under way. A component without events is left out; one with events but without
a current is named in ``unknown``, and the total is a lower bound. Termination, the drivers of the
data pins and power down are in none.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arch.dram.currents import Supplies
from arch.dram.device import Device
from sim.dram.power_kernel import (
    CLOSES,
    EFFECT,
    NOTHING,
    OPENS,
    RANK,
    REFRESHES,
    note_log,
    settle_all,
)

COMPONENTS = ("activate", "read", "write", "refresh", "background", "pump")


@dataclass(frozen=True)
class DramEnergy:
    """Energy by component."""

    by_component_pj: dict[str, float]
    """Of each component whose energy is known; of background at least so much."""
    background_at_most_pj: float | None
    """More than that is not possible; None where the background is not known."""
    unknown: tuple[str, ...]
    """Components with events but without a current."""
    source: str | None
    """Of the currents; None: there are none."""

    @property
    def total_pj(self) -> float | None:
        """None: nothing is known."""
        return sum(self.by_component_pj.values()) if self.by_component_pj else None

    @property
    def is_lower_bound(self) -> bool:
        """Whether there is more than the total."""
        least = self.by_component_pj.get("background")
        return bool(self.unknown) or least != self.background_at_most_pj


def refresh_kind(device: Device, command: str) -> tuple[str, str]:
    """What a refresh's currents end with, and its time: ``5B``, ``nRFC``."""
    given = device.commands[command]
    if not command.startswith("REF"):
        return command, command
    if given.level != "bank" and not given.same_bank:
        return "5B", "nRFC"
    return ("5C", "nRFCsb") if given.same_bank else ("5PB", "nRFCpb")


def energy(
    device: Device,
    commands: Mapping[str, int],
    cycles: int,
    active_cycles: int | None,
) -> DramEnergy:
    """Energy of commands that were given within ``cycles``.

    - ``commands``: how often each was given
    - ``cycles``: of all ranks together
    - ``active_cycles``: those with a bank open or a refresh under way; None: not counted, so that
      the background is between none and all
    """
    counts = _Counts(device, commands)
    supplies = device.supplies
    happened = [name for name, number in counts.events(cycles) if number]
    if supplies is None:
        return DramEnergy({}, None, tuple(happened), None)
    period_ns = 1e6 / device.clock_khz
    least, most = (0, cycles) if active_cycles is None else (active_cycles, active_cycles)
    found = {
        name: counts.pj(supplies, name, period_ns)
        for name in ("activate", "read", "write", "refresh")
    }
    found["background"] = _background(supplies, cycles, least, period_ns)
    found["pump"] = counts.pump_pj(supplies, cycles, period_ns)
    if not supplies.has_vpp:
        happened = [name for name in happened if name != "pump"]
    return DramEnergy(
        {name: pj for name in happened if (pj := found[name]) is not None},
        _background(supplies, cycles, most, period_ns),
        tuple(name for name in happened if found[name] is None),
        supplies.source,
    )


def _background(supplies: Supplies, cycles: int, active: int, period_ns: float) -> float | None:
    standby = [supplies.currents_ma.get(name) for name in ("IDD2N", "IDD3N")]
    if standby[0] is None or standby[1] is None:
        return None
    total = (cycles - active) * standby[0] + active * standby[1]
    return total * supplies.vdd_v * supplies.devices * period_ns


class _Counts:
    """Commands by what they do."""

    def __init__(self, device: Device, commands: Mapping[str, int]) -> None:
        self.burst_cycles = device.burst_cycles
        by_action: dict[str, int] = {}
        self.refreshes: dict[tuple[str, str], int] = {}
        for name, command in device.commands.items():
            number = commands.get(name, 0)
            by_action[command.action] = by_action.get(command.action, 0) + number
            if command.action == "refresh" and number:
                kind = refresh_kind(device, name)
                self.refreshes[kind] = self.refreshes.get(kind, 0) + number
        self.activates = by_action.get("activate", 0) + by_action.get("activate_2", 0)
        self.reads, self.writes = by_action.get("read", 0), by_action.get("write", 0)

    def events(self, cycles: int) -> list[tuple[str, int]]:
        """Of each component."""
        numbers = (self.activates, self.reads, self.writes, sum(self.refreshes.values()))
        return list(zip(COMPONENTS, (*numbers, cycles, cycles), strict=True))

    def pj(self, supplies: Supplies, component: str, period_ns: float) -> float | None:
        """Of a component of commands; None: a current is unknown."""
        ma_cycles: float | None
        if component == "activate":
            each = supplies.row_cycle_ma()
            ma_cycles = None if each is None else self.activates * each
        elif component == "refresh":
            ma_cycles = _refreshes(supplies, self.refreshes, "IDD")
        else:
            number = self.reads if component == "read" else self.writes
            more = _above(supplies, "IDD4R" if component == "read" else "IDD4W", "IDD3N")
            ma_cycles = None if more is None else number * more * self.burst_cycles
        if ma_cycles is None:
            return None
        return ma_cycles * supplies.vdd_v * supplies.devices * period_ns

    def pump_pj(self, supplies: Supplies, cycles: int, period_ns: float) -> float | None:
        """Of VPP; None: a current is unknown."""
        standby = supplies.currents_ma.get("IPP3N")
        row_cycle, n_rc = _above(supplies, "IPP0", "IPP3N"), supplies.timings.get("nRC")
        refreshes = _refreshes(supplies, self.refreshes, "IPP")
        if supplies.vpp_v is None or standby is None or row_cycle is None or refreshes is None:
            return None
        if n_rc is None:
            return None
        ma_cycles = self.activates * row_cycle * n_rc + refreshes + cycles * standby
        return ma_cycles * supplies.vpp_v * supplies.devices * period_ns


def _above(supplies: Supplies, whole: str, part: str) -> float | None:
    first, second = supplies.currents_ma.get(whole), supplies.currents_ma.get(part)
    return None if first is None or second is None else first - second


def _refreshes(
    supplies: Supplies, refreshes: Mapping[tuple[str, str], int], rail: str
) -> float | None:
    """mA x cycles of all refreshes on a rail; None: a current or a time is unknown."""
    total = 0.0
    for (ending, timing), number in refreshes.items():
        each = _above(supplies, f"{rail}{ending}", f"{rail}3N")
        cycles = supplies.timings.get(timing)
        if each is None or cycles is None:
            return None
        total += number * each * cycles
    return total


class ActiveCycles:
    """Counts the cycles with a bank open or a refresh under way, from the commands given."""

    def __init__(self, device: Device, channels: int) -> None:
        self._effects = np.array([_effect(device, name) for name in device.commands], EFFECT)
        ranks = device.nodes(device.rank_level)
        self._ranks = [np.zeros(ranks, RANK) for _ in range(channels)]
        self._opened = [np.zeros(device.banks, np.int64) for _ in range(channels)]

    def __call__(self, channel: int, log: npt.NDArray[np.void]) -> None:
        """Take commands of a channel, in order: [command] of ``sim.dram.state.LOG``."""
        note_log(self._effects, self._ranks[channel], self._opened[channel], log)

    def total(self, until: int) -> int:
        """Up to a cycle, none before the last command; of all ranks and channels together."""
        for ranks in self._ranks:
            settle_all(ranks, until)
        return int(sum(np.sum(ranks["active"]) for ranks in self._ranks))


def _effect(device: Device, name: str) -> tuple[int, int, int]:
    """A command as EFFECT."""
    command = device.commands[name]
    span = device.banks // device.nodes(command.level)
    if command.action in ("activate", "activate_2"):
        return OPENS, span, 0
    if command.action == "precharge":
        return CLOSES, span, 0
    if command.closes:
        return CLOSES, span, _until_precharge(device, name)
    if command.action == "refresh":
        return REFRESHES, span, device.timings.get(refresh_kind(device, name)[1], 0)
    return NOTHING, span, 0


def _until_precharge(device: Device, name: str) -> int:
    """Cycles from a command with auto-precharge to its precharge: as much sooner as it may be
    followed by an activate, a precharge may be."""

    def to_activate(preceding: str) -> int:
        return max(
            (
                rule.cycles
                for rule in device.rules
                if rule.level == "bank"
                and rule.preceding == preceding
                and device.commands[rule.following].action in ("activate", "activate_1")
            ),
            default=0,
        )

    closing = next(
        n for n, c in device.commands.items() if c.action == "precharge" and c.level == "bank"
    )
    return max(0, to_activate(name) - to_activate(closing))
