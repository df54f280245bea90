"""What a PIM's commands and the chip beside it cost."""

from typing import Annotated

from pydantic import Field

from arch.spec import Name, Spec

Picojoules = Annotated[float, Field(ge=0)]


class PimEnergy(Spec):
    """Energies of events. What is left out is unknown, and a total without it a lower bound."""

    source: str
    """Where the numbers come from."""
    command_pj: dict[Name, Picojoules]
    """Of a command, with all its banks, in pJ."""
    background_mw: Picojoules | None = None
    """Of a channel at any time, in mW."""
    add_pj: Picojoules | None = None
    """Of an addition of the chip."""
    multiply_pj: Picojoules | None = None
    """Of a multiplication of the chip."""
    asic_mw: Picojoules | None = None
    """Of the chip at any time: SRAM, registers, leakage."""
