"""A command set with an organisation, a speed and a variant: all numbers, in cycles."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from arch.dram.device import Device, resolve
from arch.dram.expression import evaluate
from arch.dram.load import load_standard
from arch.dram.standard import Command, Standard
from arch.errors import InputError
from arch.pim.command_set import CommandSet, PimCommand


@dataclass(frozen=True)
class PimDevice:
    """What a controller of one channel drives."""

    device: Device
    """All commands and rules; a PIM command's action is ``none`` in it."""
    commands: Mapping[str, PimCommand]
    """Those of the PIM alone, by name."""
    latency_cycles: Mapping[str, int]
    """Of each command, from it until it is done."""
    mac_busy_cycles: Mapping[str, int]
    """Of each command, for how long the multipliers of its banks work."""

    def level(self, command: str) -> str:
        """Of whose banks a command acts on all."""
        return str(self.device.commands[command].level)


def merged(pim: CommandSet, variant: str) -> Standard:
    """The DRAM standard with the commands, speeds and constraints of a PIM. Raises InputError."""
    base = load_standard(pim.standard)
    chosen = pim.variants.get(variant)
    if chosen is None:
        known = ", ".join(pim.variants)
        raise InputError(f"{pim.pim}: {variant!r} is no variant; are: {known}")
    twice = sorted(set(base.commands) & set(pim.commands))
    if twice:
        raise InputError(f"{pim.pim}: commands.{twice[0]}: {base.standard} has it already")
    added = {
        name: Command(action="none", level=command.level, closes=command.closes)
        for name, command in pim.commands.items()
    }
    inherited = base.constraints if chosen.inherits else ()
    try:
        return Standard(
            standard=pim.pim,
            source=pim.source,
            bus=base.bus,
            levels=base.levels,
            commands={**base.commands, **added},
            constraints=(*pim.constraints, *chosen.constraints, *inherited),
            read_latency=base.read_latency,
            write_latency=base.write_latency,
            burst_length=base.burst_length,
            channel_bits=base.channel_bits,
            timings=base.timings,
            organisations=base.organisations,
            speeds=pim.speeds,
        )
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InputError(f"{pim.pim} with variant {variant}: {reason}") from None


def resolve_pim(
    pim: CommandSet,
    variant: str,
    organisation: str | None,
    speed: str,
    timings: Mapping[str, int] | None = None,
) -> PimDevice:
    """One channel; ``timings`` replace cycles of the speed.

    Raises InputError for names that do not exist and expressions that cannot be evaluated.
    """
    standard = merged(pim, variant)
    if organisation is None:
        organisation = load_standard(pim.standard).typical_organisation
    device = resolve(standard, organisation, speed, timings=timings)
    for name, instruction in pim.instructions.items():
        if instruction.command is not None and instruction.command not in device.commands:
            raise InputError(
                f"{pim.pim}: instructions.{name}.command: {instruction.command!r} is no command; "
                f"are: {', '.join(device.commands)}"
            )
    by_action = {"read": device.read_latency_cycles, "write": device.write_latency_cycles}
    latencies = {name: by_action.get(c.action, 1) for name, c in device.commands.items()}
    busy = dict.fromkeys(device.commands, 0)
    for name, command in pim.commands.items():
        try:
            latencies[name] = evaluate(command.latency, device.timings)
            busy[name] = evaluate(command.mac_busy, device.timings)
        except ValueError as error:
            raise InputError(f"{pim.pim}: commands.{name}: {error}") from None
    return PimDevice(device, pim.commands, latencies, busy)
