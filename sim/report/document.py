"""A result as ``result.json`` holds it."""

from dataclasses import dataclass, fields
from typing import Literal

from pydantic import TypeAdapter

from sim.result import Count, Quantity, Record, Result

SCHEMA_VERSION: Literal[1] = 1


@dataclass(frozen=True)
class Totals(Record):
    """Sums over the operators, for the reader's convenience."""

    macs: Count
    """Multiply-accumulates."""
    utilisation: Quantity
    """macs / (cycles x rows x cols x cores)."""
    stall_cycles: Count
    """Array cycles in which every array that still had work stalled."""
    energy_pj: Quantity
    """Energy of all components that are known, in pJ."""
    energy_is_lower_bound: bool
    """Whether the energy of a component is unknown."""
    events: dict[str, Count]
    """Counts of the whole run, by the names that operators use."""


@dataclass(frozen=True, kw_only=True)
class Document(Result):
    """A run of a workload on a machine, as ``lockstep run --out`` writes it."""

    schema_version: Literal[1]
    """Version of this format; another one is not read."""
    totals: Totals
    """Sums over ``operators``."""

    @property
    def result(self) -> Result:
        """Without what was added for the file."""
        return Result(**{each.name: getattr(self, each.name) for each in fields(Result)})


DOCUMENT: TypeAdapter[Document] = TypeAdapter(Document)


def document(result: Result) -> Document:
    """A result with what the file adds to it."""
    totals = Totals(
        macs=result.macs,
        utilisation=result.utilisation,
        stall_cycles=sum(operator.stall_cycles for operator in result.operators),
        energy_pj=result.energy.total_pj,
        energy_is_lower_bound=result.energy.is_lower_bound,
        events=result.events(),
    )
    held = {each.name: getattr(result, each.name) for each in fields(Result)}
    return Document(**held, schema_version=SCHEMA_VERSION, totals=totals)
