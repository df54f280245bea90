"""What a run reports. Reading and writing it is the business of ``sim.report``."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class UnitAccount:
    """Where one unit's cycles went; the values of ``cycles_by_cause`` add up to ``cycles``."""

    name: str
    """As in ``core0.array``."""
    clock_khz: int
    cycles: int
    """Cycles of the unit's own clock in the window of the run."""
    cycles_by_cause: dict[str, int]
    """By ``busy.<what>``, ``stall.<cause>`` and ``idle``; all causes of the unit, zeros too."""

    def total(self, prefix: str) -> int:
        """Cycles of all causes that are ``prefix`` or begin with ``prefix.``."""
        return sum(
            cycles
            for cause, cycles in self.cycles_by_cause.items()
            if cause == prefix or cause.startswith(prefix + ".")
        )


@dataclass(frozen=True)
class Energy:
    """Energy by component in pJ; unknown entries make the total a lower bound."""

    by_component_pj: dict[str, float]
    unknown: tuple[str, ...] = ()
    """Components with events but without a sourced energy."""

    @property
    def total_pj(self) -> float:
        return sum(self.by_component_pj.values())

    @property
    def is_lower_bound(self) -> bool:
        return bool(self.unknown)


@dataclass(frozen=True)
class OperatorResult:
    """One operator of the workload."""

    name: str
    kind: str
    fused_into: str | None
    """Operator whose tiles it is applied to; its own cycles are then in that operator's."""
    m: int
    """Product dimensions of one group; 0 for an operator that is no matrix product."""
    n: int
    k: int
    groups: int
    pack: int
    """Groups that shared a fold."""
    loop_order: str
    macs: int
    cycles: int
    """From the end of the operator before to the end of this one, in array cycles."""
    stall_cycles: int
    """Cycles in which every array that still had work stalled; see docs/statistics.md."""
    utilisation: float
    """macs / (cycles x rows x cols x cores)."""
    events: dict[str, int] = field(default_factory=dict)
    """Counts by level: ``memory_read_bytes``, ``ifmap_read_bytes`` ..."""
    energy: Energy = field(default_factory=lambda: Energy({}))


@dataclass(frozen=True)
class Provenance:
    """What the result was made from and with."""

    machine_sha256: str
    workload_sha256: str
    kernel_hash: str
    versions: dict[str, str]
    """lockstep, python, numpy, numba."""


@dataclass(frozen=True)
class Result:
    """A run of a workload on a machine."""

    machine: dict[str, Any]
    """The machine's parameters, as in its YAML."""
    workload: str
    workload_source: str
    cycles: int
    """Cycles of the array's clock."""
    seconds: float
    first_cycle: int
    """Window of the run in array cycles since its start: [first_cycle, end_cycle)."""
    end_cycle: int
    complete: bool
    """False where ``--until`` ended the run."""
    units: tuple[UnitAccount, ...]
    operators: tuple[OperatorResult, ...]
    energy: Energy
    provenance: Provenance
    notes: tuple[str, ...] = ()
    """What the reader must know: assumed parameters, options that nothing proves, skipped
    operators."""

    @property
    def macs(self) -> int:
        return sum(operator.macs for operator in self.operators)

    @property
    def utilisation(self) -> float:
        """macs / (cycles x rows x cols x cores)."""
        array = self.machine["array"]
        pes = array["rows"] * array["cols"] * self.machine["cores"]
        return self.macs / (self.cycles * pes) if self.cycles else 0.0

    def events(self) -> dict[str, int]:
        """Counts of the whole run."""
        total: dict[str, int] = {}
        for operator in self.operators:
            for name, count in operator.events.items():
                total[name] = total.get(name, 0) + count
        return total
