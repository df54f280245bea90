"""Energy of a PIM run: events times the table of its file.

================  ==========================================================================
component         energy
================  ==========================================================================
``<command>``     commands of all channels x that of one
``adders``        elements x additions of each operation x that of one
``multipliers``   elements x multiplications of each operation x that of one
``background``    seconds x channels x that of a channel
``asic``          seconds x that of the chip
================  ==========================================================================

Components without events are left out; those with events and without an energy are named in
``unknown``, and the total is a lower bound.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from arch.pim.asic import Steps
from arch.pim.system import Pim
from arch.vector import VectorOp
from sim.charges import PJ_PER_MJ, charged


@dataclass(frozen=True)
class PimEnergyResult:
    """Energy by component."""

    components_mj: Mapping[str, float]
    """In mJ."""
    unknown: tuple[str, ...]
    """Components that have events and no energy."""

    @property
    def total_mj(self) -> float:
        """Of all known components, in mJ; a lower bound if some are unknown."""
        return sum(self.components_mj.values())


def energy(
    pim: Pim, commands: Mapping[str, int], elements: Mapping[VectorOp, int], seconds: float
) -> PimEnergyResult:
    """Energy of so many commands and elements of operations within ``seconds``."""
    parts = _parts(pim, commands, elements, seconds)
    found = charged((name, ((count, each),)) for name, count, each in parts)
    known_mj = {name: pj / PJ_PER_MJ for name, pj in found.by_component_pj.items()}
    return PimEnergyResult(known_mj, found.unknown)


def _parts(
    pim: Pim, commands: Mapping[str, int], elements: Mapping[VectorOp, int], seconds: float
) -> Iterator[tuple[str, float, float | None]]:
    """Name, number of events, and energy of one in pJ; of power, milliseconds and uW."""
    table, asic = pim.energy, pim.asic
    for name, count in commands.items():
        yield name, count, table.command_pj.get(name) if table else None
    adds = multiplies = 0
    for op, count in elements.items():
        steps = asic.operations.get(op, Steps(adds=1)) if asic else Steps()
        adds += count * steps.adds
        multiplies += count * steps.multiplies
    yield "adders", adds, table.add_pj if table else None
    yield "multipliers", multiplies, table.multiply_pj if table else None
    # A mW for a second is 1e9 pJ.
    yield "background", seconds * pim.channels * 1e9, table.background_mw if table else None
    yield "asic", seconds * 1e9 if asic else 0, table.asic_mw if table else None
