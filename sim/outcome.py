"""From counts and accounts to results."""

import hashlib
import platform
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import numpy.typing as npt

from arch import __version__
from arch.commands import OP_MATMUL
from arch.dram.memory import Dram
from arch.load import machine_sha256
from arch.machine import Machine
from sim.contract import CAUSES
from sim.counts import account_rows
from sim.energy import energy
from sim.jit import KERNEL_HASH
from sim.result import OperatorResult, Provenance, Result, UnitAccount
from sim.system import ACCOUNTS_PER_CORE, System
from sim.unproven import unproven
from traces.mapping.systolic import Lowered
from traces.operators import AnyOperator, Workload

Ticks = npt.NDArray[np.int64]

STALLS = [index for index, cause in enumerate(CAUSES) if cause.startswith("stall.")]
BUSY = [index for index, cause in enumerate(CAUSES) if cause.startswith("busy.")]


@dataclass(frozen=True)
class Window:
    """The part of a run that is reported, in ticks."""

    period: int
    """Of the array's clock."""
    start: int
    end: int
    complete: bool
    base_ticks: Ticks
    """Ticks by cause at the start."""


def workload_sha256(workload: Workload) -> str:
    """Hash of a workload's operators."""
    return hashlib.sha256(workload.model_dump_json().encode()).hexdigest()


def operator_results(
    system: System,
    lowered: Lowered,
    span: tuple[int, int],
    period: int,
    events: Counter[str],
    ticks: Ticks,
) -> list[OperatorResult]:
    """Results of a step's operator, and rows for the operators fused into it.

    ``span`` is its first and last tick, ``events`` and ``ticks`` what it added to counts and
    accounts.
    """
    machine, product, tiling = system.machine, lowered.product, lowered.tiling
    cores = machine.cores
    multiplies = bool((lowered.trace.commands["opcode"] == OP_MATMUL).any())
    rows = np.arange(cores) * ACCOUNTS_PER_CORE + (0 if multiplies else 3)
    stalls = int(ticks[rows][:, STALLS].sum()) // (period * cores)
    cycles = -(-span[1] // period) - -(-span[0] // period)
    if machine.array.convention == "scalesim" and multiplies:
        cycles, stalls = _as_scalesim(system, ticks, rows, period)
    macs = events["macs"]
    pes = cores * machine.array.rows * machine.array.cols
    found = {name: count for name, count in sorted(events.items()) if count}
    seconds = (span[1] - span[0]) / (system.tick_khz * 1000)
    main = OperatorResult(
        name=lowered.operator.name,
        kind=lowered.operator.kind,
        fused_into=None,
        m=product.m if product else 0,
        n=product.n if product else 0,
        k=product.k if product else 0,
        groups=product.groups if product else 0,
        pack=tiling.pack if tiling else 0,
        loop_order=tiling.order if tiling else "",
        macs=macs,
        cycles=cycles,
        stall_cycles=stalls,
        utilisation=macs / (cycles * pes) if cycles else 0.0,
        events=found,
        energy=energy(machine, found, seconds),
    )
    return [main, *(_fused(operator, lowered.operator.name) for operator in lowered.fused)]


def _as_scalesim(
    system: System, ticks: Ticks, rows: npt.NDArray[np.int64], period: int
) -> tuple[int, int]:
    """Cycles and stalls as SCALE-Sim counts them: from the first operand into the array to the
    last result out of it, less one; the first fill and the last drain left out."""
    runtime = system.state.runtime[system.trace.commands["opcode"] == OP_MATMUL]
    first, last = int(runtime["start"].min()), int(runtime["end"].max())
    inside = (last - first) // period
    busy = int(ticks[rows][:, BUSY].sum()) // (period * system.machine.cores)
    return inside - 1, inside - busy


def _fused(operator: AnyOperator, host: str) -> OperatorResult:
    return OperatorResult(
        operator.name, operator.kind, host, 0, 0, 0, 0, 0, "", 0, 0, 0, 0.0
    )  # fmt: skip


def _unit_accounts(system: System, window: Window) -> tuple[UnitAccount, ...]:
    accounts = []
    dram = isinstance(system.machine.memory, Dram)
    ticks = system.state.ticks_by_cause - window.base_ticks
    for name, clock, row in account_rows(system):
        period = system.ticks_of(clock)
        by_cause = {cause: int(t) // period for cause, t in zip(CAUSES, ticks[row], strict=True)}
        cycles = sum(by_cause.values())
        accounts.append(
            UnitAccount(
                name, system.machine.clocks_khz[clock], cycles, _relevant(name, by_cause, dram)
            )
        )
    return tuple(accounts)


def _relevant(name: str, by_cause: dict[str, int], dram: bool) -> dict[str, int]:
    """The causes that a unit can have."""
    waits = ("stall.ifmap", "stall.filter", "stall.ofmap", "stall.store", "stall.array",
             "stall.vector")  # fmt: skip
    unit = name.rsplit(".", 1)[-1] if name.startswith("core") else "memory"
    if ".channel" in name:
        unit = "channel"
    own = {
        "array": ("busy.stream", "busy.load", "busy.drain", "stall.ports", *waits),
        "dma_load": ("busy.transfer", "stall.ports", "stall.memory", *waits),
        "dma_store": ("busy.transfer", "stall.ports", "stall.memory", *waits),
        "vector": ("busy.compute", *waits),
        "memory": ("busy.transfer", *(["stall.queue"] if dram else [])),
        "channel": ("busy.transfer", "stall.row", "stall.refresh", "stall.bus"),
    }[unit]
    return {cause: by_cause[cause] for cause in (*own, "idle")}


def provenance(machine: Machine, workload: Workload) -> Provenance:
    """What a result is made from and with."""
    return Provenance(
        machine_sha256(machine),
        workload_sha256(workload),
        KERNEL_HASH,
        {
            "lockstep": __version__,
            "python": platform.python_version(),
            "numpy": version("numpy"),
            "numba": version("numba"),
        },
    )


def result_of(
    system: System,
    workload: Workload,
    window: Window,
    operators: list[OperatorResult],
    notes: tuple[str, ...],
) -> Result:
    """The result of a run."""
    machine = system.machine
    first, end = -(-window.start // window.period), -(-window.end // window.period)
    cycles = end - first
    if machine.array.convention == "scalesim":
        cycles = sum(operator.cycles for operator in operators)
        notes = (*notes, "cycles follow SCALE-Sim's accounting: see docs/systolic_array.md")
    seconds = (window.end - window.start) / (system.tick_khz * 1000)
    events: Counter[str] = Counter()
    for operator in operators:
        events.update(operator.events)
    if machine.assumed:
        notes = (*notes, "assumed, no source: " + ", ".join(machine.assumed))
    if options := unproven(machine):
        why = "not held against hardware or an outside reference (docs/VALIDATION.md): "
        notes = (*notes, why + ", ".join(options))
    return Result(
        machine=machine.model_dump(mode="json"),
        workload=workload.name,
        workload_source=workload.source,
        cycles=cycles,
        seconds=seconds,
        first_cycle=first,
        end_cycle=end,
        complete=window.complete,
        units=_unit_accounts(system, window),
        operators=tuple(operators),
        energy=energy(machine, dict(sorted(events.items())), seconds),
        provenance=provenance(machine, workload),
        notes=notes,
    )
