"""Currents of a DRAM device as its data sheet gives them, for energy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, model_validator

from arch.dram.expression import CYCLES_MAX
from arch.errors import InputError
from arch.faults import shown
from arch.spec import Spec


def _positive(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= CYCLES_MAX:
        return value
    raise ValueError(f"given {shown(value)}; must be a number above 0; leave out what is unknown")


def _pump(value: Any) -> float | str | None:
    if value is None or value == "none":
        return None if value is None else "none"
    try:
        return _positive(value)
    except ValueError:
        raise ValueError(
            f"given {shown(value)}; must be a number above 0, none if the device has no such "
            "supply, or null if it is unknown"
        ) from None


Positive = Annotated[float, PlainValidator(_positive)]
Pump = Annotated[float | Literal["none"] | None, PlainValidator(_pump)]
CurrentName = Literal[
    "IDD0", "IDD2N", "IDD2P", "IDD3N", "IDD3P", "IDD4R", "IDD4W", "IDD5B", "IDD5PB", "IDD5C",
    "IDD6N", "IPP0", "IPP3N", "IPP5B", "IPP5PB", "IPP5C",
]  # fmt: skip
"""JEDEC's names, of the supplies VDD and VPP: a row cycle (0), standby and power down with all
banks closed (2N, 2P) and with one open (3N, 3P), gapless reads and writes (4R, 4W), gapless
refreshes of all banks, of one bank and of the same banks (5B, 5PB, 5C), self refresh (6N)."""
ORDERED = (("IDD2N", "IDD3N"), ("IDD3N", "IDD4R"), ("IDD3N", "IDD4W"), ("IDD3N", "IDD5B"),
           ("IDD3N", "IDD5PB"), ("IDD3N", "IDD5C"), ("IPP3N", "IPP0"), ("IPP3N", "IPP5B"),
           ("IPP3N", "IPP5PB"), ("IPP3N", "IPP5C"))  # fmt: skip
"""The first is part of the second."""


class Current(Spec):
    """Supplies and currents of one device; what is not here is unknown."""

    source: str = Field(min_length=1)
    """Data sheet."""
    vdd_v: Positive
    """Supply."""
    vpp_v: Pump = None
    """Pump supply; ``none``: the device has none; null: unknown."""
    currents_ma: dict[CurrentName, Positive]
    """By name."""

    @model_validator(mode="after")
    def _ordered(self) -> "Current":
        given = {str(name): value for name, value in self.currents_ma.items()}
        for part, whole in ORDERED:
            low, high = given.get(part), given.get(whole)
            if low is not None and high is not None and high < low:
                raise ValueError(
                    f"currents_ma.{whole}: given {shown(high)}; must be at least {part}, "
                    f"{shown(low)}"
                )
        return self


@dataclass(frozen=True)
class Supplies:
    """Currents of a device and what they were measured with."""

    source: str
    """Data sheet."""
    devices: int
    """That a command of the channel goes to: those of one rank, which share the data pins."""
    vdd_v: float
    """Supply."""
    vpp_v: float | None
    """Pump supply; None: unknown."""
    has_vpp: bool
    """Whether the device has one."""
    currents_ma: Mapping[str, float]
    """By name; what is not here is unknown."""
    timings: Mapping[str, int]
    """Cycles of the presets, with which the currents were measured; a memory that replaces some
    does not change them."""

    def row_cycle_ma(self) -> float | None:
        """Current of a row cycle above standby, times its cycles: mA x cycles of one device.

        A row cycle takes IDD0 for tRC, in which standby is IDD3N for tRAS and IDD2N for the rest.
        """
        given = [self.currents_ma.get(name) for name in ("IDD0", "IDD2N", "IDD3N")]
        cycles = [self.timings.get(name) for name in ("nRC", "nRAS")]
        if None in given or None in cycles:
            return None
        idd0, idd2n, idd3n = (each for each in given if each is not None)
        n_rc, n_ras = (each for each in cycles if each is not None)
        return idd0 * n_rc - (idd3n * n_ras + idd2n * (n_rc - n_ras))


def supplies(
    where: str, given: Current | None, devices: int, timings: Mapping[str, int]
) -> Supplies | None:
    """Currents of two presets with their timings in cycles; None if there are none.

    Raises InputError where a row cycle would take less than standby.
    """
    if given is None:
        return None
    found = Supplies(
        source=given.source,
        devices=devices,
        vdd_v=given.vdd_v,
        vpp_v=None if given.vpp_v == "none" else given.vpp_v,
        has_vpp=given.vpp_v != "none",
        currents_ma={str(name): value for name, value in given.currents_ma.items()},
        timings=dict(timings),
    )
    row_cycle = found.row_cycle_ma()
    if row_cycle is not None and row_cycle < 0:
        raise InputError(
            f"{where}.currents_ma.IDD0: given {shown(found.currents_ma['IDD0'])}; must be at least "
            "IDD3N for nRAS and IDD2N for the rest of nRC"
        )
    return found
