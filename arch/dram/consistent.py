"""Whether the parts of a standard's file fit together."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from arch.dram.expression import evaluate, names_in

if TYPE_CHECKING:
    from arch.dram.standard import Standard

IN_CYCLES = re.compile(r"n[A-Za-z0-9_]+")
IN_NS = re.compile(r"t([A-Za-z0-9_]+)_ns")


def cycles_name(name: str) -> str:
    """Name of a timing in cycles: ``nRCD`` for ``nRCD`` and for ``tRCD_ns``."""
    match = IN_NS.fullmatch(name)
    return f"n{match[1]}" if match else name


def check(standard: "Standard", known_levels: Sequence[str]) -> None:
    """Raises ValueError with the path of the first part that does not fit, and what would."""
    _levels(standard.levels, known_levels)
    _commands(standard)
    _organisations(standard)
    _typical(standard)
    _timings(standard)
    _expressions(standard)


def _levels(levels: Sequence[str], known: Sequence[str]) -> None:
    if levels[0] != "channel" or levels[-1] != "bank":
        raise ValueError("levels: must begin with channel and end with bank")
    if list(levels) != sorted(set(levels), key=known.index):
        raise ValueError(f"levels: must be in the order {', '.join(known)}, each once")


def _commands(standard: "Standard") -> None:
    levels = ", ".join(standard.levels)
    for name, command in standard.commands.items():
        if command.level not in standard.levels:
            raise ValueError(
                f"commands.{name}.level: {command.level!r} is not one of this standard's levels, "
                f"{levels}"
            )
    for i, constraint in enumerate(standard.constraints):
        if constraint.level not in standard.levels:
            raise ValueError(
                f"constraints[{i}].level: {constraint.level!r} is not one of this standard's "
                f"levels, {levels}"
            )
        for side in ("preceding", "following"):
            for name in getattr(constraint, side):
                if name not in standard.commands:
                    raise ValueError(
                        f"constraints[{i}].{side}: {name!r} is no command; are: "
                        f"{', '.join(standard.commands)}"
                    )


def _organisations(standard: "Standard") -> None:
    needed = set(standard.levels) - {"channel"}
    for name, organisation in standard.organisations.items():
        at = f"organisations.{name}"
        if set(organisation.levels) != needed:
            raise ValueError(
                f"{at}.levels: must give {', '.join(standard.levels[1:])}, not "
                f"{', '.join(organisation.levels)}"
            )
        if standard.channel_bits % organisation.dq_bits:
            raise ValueError(
                f"{at}.dq_bits: given {organisation.dq_bits}; channel_bits, "
                f"{standard.channel_bits}, must be a multiple of it"
            )
        if organisation.columns % standard.burst_length:
            raise ValueError(
                f"{at}.columns: given {organisation.columns}; must be a multiple of burst_length, "
                f"{standard.burst_length}"
            )
    pairs = {f"{o}/{s}" for o in standard.organisations for s in standard.speeds}
    for pair in standard.currents:
        if pair not in pairs:
            raise ValueError(
                f"currents.{pair}: must be an organisation and a speed of this file, as in "
                f"{min(pairs)}"
            )


def _tables(standard: "Standard") -> Iterator[tuple[str, Mapping[str, float]]]:
    """All tables of timings, by path."""
    yield "timings", standard.timings
    for name, organisation in standard.organisations.items():
        yield f"organisations.{name}.timings", organisation.timings
    for name, speed in standard.speeds.items():
        yield f"speeds.{name}.timings", speed.timings
        for pins, table in speed.dq_timings.items():
            yield f"speeds.{name}.dq_timings.{pins}", table


def _typical(standard: "Standard") -> None:
    for what, name, known in (
        ("typical_organisation", standard.typical_organisation, standard.organisations),
        ("typical_speed", standard.typical_speed, standard.speeds),
    ):
        if name is not None and name not in known:
            raise ValueError(f"{what}: must be one of {', '.join(known)}, not {name!r}")


def _timings(standard: "Standard") -> None:
    known = sorted({f"x{o.dq_bits}" for o in standard.organisations.values()})
    for name, speed in standard.speeds.items():
        for pins in speed.dq_timings:
            if pins not in known:
                raise ValueError(
                    f"speeds.{name}.dq_timings.{pins}: no organisation has so many data pins; "
                    f"have: {', '.join(known)}"
                )
    for path, table in _tables(standard):
        for name, value in table.items():
            if IN_NS.fullmatch(name):
                continue
            if not IN_CYCLES.fullmatch(name):
                raise ValueError(
                    f"{path}.{name}: must be named as nRCD, in cycles, or tRCD_ns, in nanoseconds"
                )
            if not isinstance(value, int):
                raise ValueError(
                    f"{path}.{name}: given {value}; must be a whole number of cycles; in "
                    f"nanoseconds it is t{name[1:]}_ns"
                )
        given = [cycles_name(name) for name in table]
        twice = next((name for name in given if given.count(name) > 1), None)
        if twice:
            raise ValueError(f"{path}: gives {twice} in cycles and as t{twice[1:]}_ns; remove one")


def _expressions(standard: "Standard") -> None:
    everywhere = {"rate", *map(cycles_name, standard.timings)}
    given = {
        f"{org} with {bin_}": everywhere
        | set(map(cycles_name, organisation.timings))
        | set(map(cycles_name, speed.timings))
        | set(map(cycles_name, speed.dq_timings.get(f"x{organisation.dq_bits}", {})))
        for org, organisation in standard.organisations.items()
        for bin_, speed in standard.speeds.items()
    }
    ones = dict.fromkeys(set().union(*given.values()), 1)
    expressions = {
        f"constraints[{i}].latency": constraint.latency
        for i, constraint in enumerate(standard.constraints)
    }
    expressions["read_latency"] = standard.read_latency
    expressions["write_latency"] = standard.write_latency
    for path, expression in expressions.items():
        try:
            evaluate(expression, ones)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        used = names_in(expression)
        for presets, names in given.items():
            for name in sorted(used - names):
                raise ValueError(f"{path}: {expression!r} names {name!r}, not given by {presets}")
