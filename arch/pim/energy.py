"""What a PIM's commands and the chip beside it cost."""

from typing import Annotated, Self

from pydantic import Field, model_validator

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


JOINT_COMPONENTS = (
    *("memory_activate", "memory_column", "memory_bus", "memory_io", "memory_refresh"),
    *("pim_activate", "pim_column", "pim_bus", "pim_io", "pim_mac"),
)
"""What commands of channels of memory and PIM spend energy on."""
STANDBY, OPEN = "memory_standby", "memory_open"
"""What ranks of such channels need at any time, and more with a row open."""


class JointEnergy(Spec):
    """What commands of a channel of memory and PIM cost, by what they do, and its ranks at rest.

    A command may stand in several tables. ``COMP`` is a column multiplied in all banks and
    ``READRES`` the read of a result, of composite commands too. One that is given and stands in
    none is unknown, and a total without it a lower bound.
    """

    activate_pj: dict[Name, Picojoules] = Field(default={})
    """By command, with all its banks: rows open in the row buffers of the memory, and close."""
    column_pj: dict[Name, Picojoules] = Field(default={})
    """Columns between row buffer and edge of the bank."""
    bus_pj: dict[Name, Picojoules] = Field(default={})
    """Between the edge of the bank and the pads."""
    io_pj: dict[Name, Picojoules] = Field(default={})
    """Between chips."""
    refresh_pj: dict[Name, Picojoules] = Field(default={})
    """Refreshes."""
    pim_activate_pj: dict[Name, Picojoules] = Field(default={})
    """Rows open for PIM, and close."""
    pim_column_pj: dict[Name, Picojoules] = Field(default={})
    """Columns between row buffers and the edges of their banks, for PIM."""
    pim_bus_pj: dict[Name, Picojoules] = Field(default={})
    """To the global buffer, and from the banks to the pads."""
    pim_io_pj: dict[Name, Picojoules] = Field(default={})
    """Results between chips."""
    pim_mac_pj: dict[Name, Picojoules] = Field(default={})
    """Multiply-accumulates of all banks."""
    closed_rank_mw: Picojoules | None = None
    """Power of a rank with no row open, in mW; null: unknown."""
    open_rank_mw: Picojoules | None = None
    """Power of a rank while a row is open, of the memory or of PIM; null: unknown."""

    @model_validator(mode="after")
    def _open_is_more(self) -> Self:
        closed, opened = self.closed_rank_mw, self.open_rank_mw
        if closed is not None and opened is not None and opened < closed:
            raise ValueError(f"open_rank_mw: must be at least closed_rank_mw, {closed:g}")
        return self

    @property
    def tables(self) -> dict[str, dict[str, float]]:
        """The tables by the component that each is of: ``memory_activate``, ``pim_mac``."""
        return {
            component: getattr(self, f"{component.removeprefix('memory_')}_pj")
            for component in JOINT_COMPONENTS
        }
