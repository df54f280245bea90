"""A standard with an organisation and a speed: all numbers, in cycles."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from arch.dram.currents import Supplies, supplies
from arch.dram.expression import evaluate
from arch.dram.standard import Command, Speed, Standard
from arch.errors import InputError

Preset = TypeVar("Preset")


@dataclass(frozen=True)
class Rule:
    """A constraint between two commands, in cycles from start to start."""

    level: str
    preceding: str
    following: str
    cycles: int
    window: int
    sibling: bool


@dataclass(frozen=True)
class Device:
    """What a controller drives: one channel of a standard."""

    name: str
    """``standard/organisation/speed``."""
    bus: str
    """As of ``Standard.bus``."""
    levels: tuple[str, ...]
    """From the channel to the bank."""
    sizes: tuple[int, ...]
    """Nodes of each level in one of the level above; 1 channel."""
    rows: int
    """Of a bank."""
    columns: int
    """Bursts of a row."""
    commands: Mapping[str, Command]
    """By name."""
    rules: tuple[Rule, ...]
    """In the order of the file."""
    timings: Mapping[str, int]
    """Cycles by name."""
    clock_khz: int
    """Of the cycles."""
    read_latency_cycles: int
    """From a read to its last data."""
    write_latency_cycles: int
    """From a write to its last data."""
    burst_bytes: int
    """Of one read or write."""
    burst_cycles: int
    """For which one read or write takes the data pins."""
    supplies: Supplies | None
    """Currents; None: unknown."""

    @property
    def banks(self) -> int:
        """Of the channel."""
        return math.prod(self.sizes)

    def nodes(self, level: str) -> int:
        """Nodes of a level in the channel."""
        return math.prod(self.sizes[: self.levels.index(level) + 1])

    @property
    def rank_level(self) -> str:
        """Level whose banks are those of the devices that share the data pins; they are refreshed
        together or in turn."""
        known = [level for level in ("rank", "pseudo_channel") if level in self.levels]
        return known[0] if known else "channel"

    @property
    def data_buses(self) -> int:
        """Of the channel: one, or one a pseudo-channel."""
        return self.nodes("pseudo_channel") if "pseudo_channel" in self.levels else 1

    @property
    def idle_latency_cycles(self) -> int:
        """From the activate of a closed row to a read's last data: the longest delay that a rule
        has between an activate and a read of the same bank."""
        opens = {name for name, command in self.commands.items() if "activate" in command.action}
        reads = {name for name, command in self.commands.items() if command.action == "read"}
        delays = [
            rule.cycles
            for rule in self.rules
            if rule.preceding in opens and rule.following in reads and rule.level == "bank"
        ]
        return max(delays, default=0) + self.read_latency_cycles

    @property
    def capacity_bytes(self) -> int:
        """Of the channel."""
        return self.banks * self.rows * self.columns * self.burst_bytes


def resolve(
    standard: Standard,
    organisation: str | None,
    speed: str | None,
    *,
    levels: Mapping[str, int] | None = None,
    timings: Mapping[str, int] | None = None,
) -> Device:
    """The device of two presets; ``levels`` and ``timings`` replace numbers of theirs.

    Where a preset is None the standard's typical one is taken. Raises InputError for presets and
    names that do not exist, and for expressions that cannot be evaluated.
    """
    organisation = organisation or standard.typical_organisation
    speed = speed or standard.typical_speed
    org = _preset(standard, "organisation", standard.organisations, organisation)
    bin_ = _preset(standard, "speed", standard.speeds, speed)
    by_pins = bin_.dq_timings.get(f"x{org.dq_bits}", {})
    values = {"rate": bin_.rate_mbps}
    for table in (standard.timings, org.timings, bin_.timings, by_pins):
        for name, value in table.items():
            values |= _in_cycles(f"{standard.standard} {speed}", name, value, bin_.clock_period_ps)
    measured = dict(values)
    for name, cycles in (timings or {}).items():
        if name not in values:
            known = ", ".join(sorted(values))
            raise InputError(f"{standard.standard}: {name!r} is no timing; are: {known}")
        if cycles < 0:
            raise InputError(f"{standard.standard}: {name}: given {cycles}; must be 0 at least")
        values[name] = cycles
    sizes = {"channel": 1} | {str(level): size for level, size in org.levels.items()}
    for level, size in (levels or {}).items():
        if level not in standard.levels[1:]:
            known = ", ".join(standard.levels[1:])
            raise InputError(f"{standard.standard}: {level!r} is no level to be set; are: {known}")
        if size < 1:
            raise InputError(f"{standard.standard}: {level}: given {size}; must be 1 at least")
        sizes[level] = size
    rules = []
    for i, constraint in enumerate(standard.constraints):
        try:
            latency = evaluate(constraint.latency, values)
        except ValueError as error:
            raise InputError(f"{standard.standard}: constraints[{i}].latency: {error}") from None
        for preceding in constraint.preceding:
            for following in constraint.following:
                longer = standard.commands[preceding].cycles - standard.commands[following].cycles
                rules.append(
                    Rule(
                        constraint.level,
                        preceding,
                        following,
                        latency + longer,
                        constraint.window,
                        constraint.sibling,
                    )
                )
    rules += _bus_rules(standard)
    try:
        read = evaluate(standard.read_latency, values)
        write = evaluate(standard.write_latency, values)
    except ValueError as error:
        raise InputError(f"{standard.standard}: read_latency or write_latency: {error}") from None
    devices = standard.channel_bits // org.dq_bits
    return Device(
        name=f"{standard.standard}/{organisation}/{speed}",
        bus=standard.bus,
        levels=standard.levels,
        sizes=tuple(sizes[level] for level in standard.levels),
        rows=org.rows,
        columns=org.columns // standard.burst_length,
        commands=standard.commands,
        rules=tuple(rules),
        timings=values,
        clock_khz=_clock_khz(bin_),
        read_latency_cycles=read,
        write_latency_cycles=write,
        burst_cycles=_burst_cycles(standard, bin_),
        burst_bytes=devices * org.dq_bits * standard.burst_length // 8,
        supplies=supplies(
            f"{standard.standard}: currents.{organisation}/{speed}",
            standard.currents.get(f"{organisation}/{speed}"),
            devices,
            measured,
        ),
    )


def _clock_khz(speed: Speed) -> int:
    """From the rate of a pin, since the period is rounded to picoseconds."""
    transfers = speed.rate_mbps * speed.clock_period_ps / 1_000_000
    whole = round(transfers)
    if whole and abs(transfers - whole) < 0.01 * whole and speed.rate_mbps * 1000 % whole == 0:
        return speed.rate_mbps * 1000 // whole
    return round(1_000_000_000 / speed.clock_period_ps)


def _burst_cycles(standard: Standard, speed: Speed) -> int:
    """Transfers of a burst at the rate of a pin, in cycles."""
    transfers_ps = standard.burst_length * 1_000_000 / speed.rate_mbps
    return max(1, round(transfers_ps / speed.clock_period_ps))


def _bus_rules(standard: Standard) -> list[Rule]:
    """A command of several cycles holds its command bus for so long."""

    def on_rows(command: Command) -> bool:
        return standard.bus != "one" and command.action not in ("read", "write", "sync")

    return [
        Rule("channel", before, after, command.cycles, 1, False)
        for before, command in standard.commands.items()
        for after, other in standard.commands.items()
        if command.cycles > 1 and on_rows(command) == on_rows(other)
    ]


def _preset(standard: Standard, what: str, known: Mapping[str, Preset], name: str | None) -> Preset:
    if name is None:
        raise InputError(
            f"{standard.standard}: {what}: must be given, as the standard names no typical one; "
            f"are: {', '.join(known)}"
        )
    if name not in known:
        raise InputError(f"{standard.standard}: {name!r} is no {what}; are: {', '.join(known)}")
    return known[name]


def _in_cycles(where: str, name: str, value: float, period_ps: int) -> dict[str, int]:
    if name.startswith("t") and name.endswith("_ns"):
        # A tenth of a picosecond guards against 7.5 ns becoming 7500.000001 ps.
        return {f"n{name[1:-3]}": math.ceil(round(value * 1000, 1) / period_ps)}
    if not isinstance(value, int):
        raise InputError(f"{where}: timings.{name}: must be a whole number of cycles, not {value}")
    return {name: value}
