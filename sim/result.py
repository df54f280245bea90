"""What a run reports. Reading and writing it is the business of ``sim.report``."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from arch.array import Array
from arch.errors import InputError
from arch.pim.energy import JOINT_COMPONENTS, OPEN, STANDBY
from arch.vector import VECTOR_OPS

Count = Annotated[int, Field(ge=0)]
Quantity = Annotated[float, Field(ge=0)]

FAMILIES = {
    "memory": "memory_", "pim": "pim_", "scratchpads": "scratchpad_", "vector": "vector_",
    "leakage": "leakage_",
}  # fmt: skip
"""What the names of a family's components begin with."""
LEAKAGES = ("leakage_sram", "leakage_registers", "leakage_arithmetic")
ENERGY_COMPONENTS = (
    "array", "accumulators", "memory", *JOINT_COMPONENTS, OPEN,
    *(f"vector_{op}" for op in VECTOR_OPS), *LEAKAGES, STANDBY,
)  # fmt: skip
"""Components of energy that any machine may have, next to its scratchpads."""


def sum_of(
    quantity: str,
    wanted: Sequence[str],
    known: Mapping[str, float],
    unknown: Collection[str],
    names: Collection[str],
    families: Collection[str],
) -> float:
    """Sum of the known values of components and families, each counted once, in their order.

    ``names`` are all that components can be called; one that is neither known nor unknown counts
    as 0. Raises InputError for a name that is neither there nor in ``families``, for none at all,
    and where a value is unknown.
    """
    for name in wanted:
        if name not in names and name not in families:
            right = ", ".join(dict.fromkeys([*names, *families]))
            raise InputError(f"component of {quantity} {name!r}: must be one of {right}")
    if not wanted:
        raise InputError(f"components of {quantity}: must be one or more, not none")

    def is_wanted(component: str) -> bool:
        prefixes = [FAMILIES[name] for name in wanted if name in families]
        return component in wanted or component.startswith(tuple(prefixes))

    missing = [component for component in unknown if is_wanted(component)]
    if missing:
        raise InputError(
            f"{quantity} of {', '.join(missing)}: no source gives it in this technology, so that "
            "a total would be a lower bound; it must be left out of the components"
        )
    return sum(value for component, value in known.items() if is_wanted(component))


def peak_macs_per_second(machine: Mapping[str, Any]) -> int:
    """Multiply-accumulates a second with every PE of a result's machine busy."""
    array = machine["array"]
    lanes = Array.model_validate_json(json.dumps(array)).lanes_most
    pes = int(machine["cores"] * array["rows"] * array["cols"])
    return pes * lanes * int(machine["clocks"][array["clock"]]) * 1000


class Record:
    """Base of what ``result.json`` holds. The docstrings of its fields describe them in the
    schema; when it is read, unknown keys are refused."""

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class UnitAccount(Record):
    """Where one unit's cycles went; the values of ``cycles_by_cause`` add up to ``cycles``."""

    name: str
    """As in ``core0.array``."""
    clock_khz: Annotated[int, Field(ge=1)]
    """Frequency of the unit's clock, in kHz."""
    cycles: Count
    """Cycles of the unit's own clock in the window of the run."""
    cycles_by_cause: dict[str, Count]
    """By ``busy.<what>``, ``stall.<cause>`` and ``idle``; all causes of the unit, zeros too."""

    def total(self, prefix: str) -> int:
        """Cycles of all causes that are ``prefix`` or begin with ``prefix.``."""
        return sum(
            cycles
            for cause, cycles in self.cycles_by_cause.items()
            if cause == prefix or cause.startswith(prefix + ".")
        )


@dataclass(frozen=True)
class Energy(Record):
    """Energy by component in pJ; unknown entries make the total a lower bound."""

    by_component_pj: dict[str, Quantity]
    """Energy of each component whose energy is known, in pJ."""
    unknown: tuple[str, ...] = ()
    """Components with events but without a sourced energy."""

    @property
    def total_pj(self) -> float:
        return sum(self.by_component_pj.values())

    @property
    def is_lower_bound(self) -> bool:
        return bool(self.unknown)

    def total_of(self, components: Sequence[str], names: Collection[str] = ()) -> float:
        """Energy of some components together, in pJ, each counted once.

        ``memory``, ``pim``, ``scratchpads``, ``vector`` and ``leakage`` stand for all components
        of that family. What had no events counts as 0. ``names`` are the machine's components
        (those of ``EnergyModel``): without them a scratchpad without events has no known name.
        Raises InputError for a name that no component has and for a component whose energy is
        unknown.
        """
        names = (*ENERGY_COMPONENTS, *names, *self.by_component_pj, *self.unknown)
        return sum_of("energy", components, self.by_component_pj, self.unknown, names, FAMILIES)


@dataclass(frozen=True)
class OperatorResult(Record):
    """One operator of the workload."""

    name: str
    """Name in the workload."""
    kind: str
    """As in ``Conv2d`` or ``Gemm``."""
    fused_into: str | None
    """Operator whose tiles it is applied to; its own cycles are then in that operator's."""
    m: Count
    """Rows of one group's matrix product; 0 for an operator that is no matrix product."""
    n: Count
    """Columns of one group's matrix product; 0 for an operator that is no matrix product."""
    k: Count
    """Depth of one group's matrix product; 0 for an operator that is no matrix product."""
    groups: Count
    """Independent matrix products of that size."""
    pack: Count
    """Groups that shared a fold."""
    loop_order: str
    """Loops over tiles, outermost first; empty for an operator that is no matrix product."""
    macs: Count
    """Multiply-accumulates."""
    cycles: Count
    """From the end of the operator before to the end of this one, in array cycles."""
    stall_cycles: Count
    """Cycles in which every array that still had work stalled; see docs/statistics.md."""
    utilisation: Quantity
    """macs / (cycles x rows x cols x cores); on engines of words, ``mac_words``, not of macs."""
    events: dict[str, Count] = field(default_factory=dict)
    """Counts by level: bytes as ``memory_read_bytes``, words (elements of the array's operands)
    as ``ifmap_read_words``, and others."""
    energy: Energy = field(default_factory=lambda: Energy({}))
    """Energy of its events, and of leakage while it ran."""
    formats: str = ""
    """On engines, number formats of inputs, weights and results: ``posit8_0 x fp4_e2m1 > fp16``."""
    relative_error: Quantity | None = None
    """With ``--accuracy``, root mean square of the errors of results over that of results."""

    @property
    def words(self) -> int:
        """Words multiplied: MACs, or fewer where engines multiply several codes at a time."""
        return self.events.get("mac_words", self.macs)


@dataclass(frozen=True)
class Provenance(Record):
    """What the result was made from and with."""

    machine_sha256: str
    """SHA-256 of the machine's parameters, in hexadecimal."""
    workload_sha256: str
    """SHA-256 of the workload's operators, in hexadecimal."""
    kernel_hash: str
    """Hash of the sources of all kernels."""
    versions: dict[str, str]
    """lockstep, python, numpy, numba."""


@dataclass(frozen=True)
class Result(Record):
    """A run of a workload on a machine."""

    machine: dict[str, Any]
    """The machine's parameters, as in its YAML."""
    workload: str
    """Name of the workload."""
    workload_source: str
    """The file or published description that the workload comes from."""
    cycles: Count
    """Cycles of the array's clock."""
    seconds: Quantity
    """Simulated time, in s."""
    first_cycle: Count
    """Window of the run in array cycles since its start: [first_cycle, end_cycle)."""
    end_cycle: Count
    """End of that window."""
    complete: bool
    """False where ``--until`` ended the run."""
    units: tuple[UnitAccount, ...]
    """Where each unit's cycles went."""
    operators: tuple[OperatorResult, ...]
    """In the order in which they ran."""
    energy: Energy
    """Energy of the whole run."""
    provenance: Provenance
    """Machine, workload, kernels and versions behind it."""
    notes: tuple[str, ...] = ()
    """What the reader must know: assumed parameters, options that nothing proves, skipped
    operators."""

    @property
    def macs(self) -> int:
        return sum(operator.macs for operator in self.operators)

    @property
    def utilisation(self) -> float:
        """macs / (cycles x rows x cols x cores); on engines of words."""
        array = self.machine["array"]
        pes = array["rows"] * array["cols"] * self.machine["cores"]
        words = sum(operator.words for operator in self.operators)
        return words / (self.cycles * pes) if self.cycles else 0.0

    @property
    def peak_macs_per_second(self) -> int:
        """Of the machine, on engines in the mode of the most lanes."""
        return peak_macs_per_second(self.machine)

    def events(self) -> dict[str, int]:
        """Counts of the whole run."""
        total: dict[str, int] = {}
        for operator in self.operators:
            for name, count in operator.events.items():
                total[name] = total.get(name, 0) + count
        return total
