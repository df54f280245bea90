"""From counts and accounts to results."""

import hashlib
import platform
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from arch import __version__
from arch.clock import periods, tick_khz
from arch.load import machine_sha256
from arch.machine import Channelled, Machine
from sim.contract import CAUSES
from sim.counts import account_rows
from sim.energy import EnergyModel, energy
from sim.jit import KERNEL_HASH
from sim.result import OperatorResult, Provenance, Result, UnitAccount
from sim.step import Step, Ticks
from sim.system_state import ACCOUNTS_PER_CORE
from sim.unproven import unproven
from traces.operators import AnyOperator, Workload

STALLS = [index for index, cause in enumerate(CAUSES) if cause.startswith("stall.")]
BUSY = [index for index, cause in enumerate(CAUSES) if cause.startswith("busy.")]


@dataclass(frozen=True)
class Window:
    """The part of a run that is reported, in ticks."""

    start: int
    end: int
    complete: bool


def workload_sha256(workload: Workload) -> str:
    """Hash of a workload's operators."""
    return hashlib.sha256(workload.model_dump_json().encode()).hexdigest()


def operator_results(
    machine: Machine,
    model: EnergyModel,
    step: Step,
    operator: AnyOperator,
    fused: tuple[AnyOperator, ...],
    span: tuple[int, int],
) -> list[OperatorResult]:
    """Results of a step's operator, and rows for the operators fused into it.

    ``span`` is its first and last tick.
    """
    form, cores, events = step.form, machine.cores, step.events
    period = periods(machine.clocks_khz)[machine.array.clock]
    rows = np.arange(cores) * ACCOUNTS_PER_CORE + (0 if form.multiplies else 3)
    stalls = int(step.ticks_by_cause[rows][:, STALLS].sum()) // (period * cores)
    cycles = -(-span[1] // period) - -(-span[0] // period)
    if machine.array.convention == "scalesim" and form.multiplies:
        # From the first operand into the array to the last result out of it, less one; the
        # first fill and the last drain are left out.
        inside = step.matmul_ticks // period
        busy = int(step.ticks_by_cause[rows][:, BUSY].sum()) // (period * cores)
        cycles, stalls = inside - 1, inside - busy
    words = events["macs"]
    macs = words
    if machine.array.engine is not None and form.word_k:
        # The last word of a depth may have lanes without a use.
        macs = words * form.k // form.word_k
        events = Counter({**events, "mac_words": words, "macs": macs})
    pes = cores * machine.array.pes
    found = {name: count for name, count in sorted(events.items()) if count}
    seconds = (span[1] - span[0]) / (tick_khz(machine.clocks_khz) * 1000)
    main = OperatorResult(
        name=operator.name,
        kind=operator.kind,
        fused_into=None,
        m=form.m,
        n=form.n,
        k=form.k,
        groups=form.groups,
        pack=form.pack,
        loop_order=form.loop_order,
        macs=macs,
        cycles=cycles,
        stall_cycles=stalls,
        utilisation=words / (cycles * pes) if cycles else 0.0,
        events=found,
        energy=model.energy(found, seconds),
        formats=form.formats,
    )
    return [main, *(_fused(each, operator.name) for each in fused)]


def _fused(operator: AnyOperator, host: str) -> OperatorResult:
    return OperatorResult(
        operator.name, operator.kind, host, 0, 0, 0, 0, 0, "", 0, 0, 0, 0.0
    )  # fmt: skip


def _unit_accounts(machine: Machine, ticks_by_cause: Ticks) -> tuple[UnitAccount, ...]:
    accounts = []
    ticks = periods(machine.clocks_khz)
    for name, clock, row in account_rows(machine):
        by_cause = {
            cause: int(t) // ticks[clock]
            for cause, t in zip(CAUSES, ticks_by_cause[row], strict=True)
        }
        cycles = sum(by_cause.values())
        accounts.append(
            UnitAccount(name, machine.clocks_khz[clock], cycles, _relevant(name, by_cause, machine))
        )
    return tuple(accounts)


def _relevant(name: str, by_cause: dict[str, int], machine: Machine) -> dict[str, int]:
    """The causes that a unit can have."""
    pim, queued = machine.pim_channels > 0, isinstance(machine.memory, Channelled)
    waits = ("stall.ifmap", "stall.filter", "stall.ofmap", "stall.store", "stall.array",
             "stall.vector", *["stall.pim"] * pim,
             *["stall.link"] * (machine.link is not None))  # fmt: skip
    unit = name.rsplit(".", 1)[-1] if name.startswith("core") else name.partition(".")[0]
    if ".channel" in name:
        unit = "channel"
    own = {
        "array": ("busy.stream", "busy.load", "busy.drain", "stall.ports", *waits),
        "dma_load": ("busy.transfer", "stall.ports", "stall.memory", *waits),
        "dma_store": ("busy.transfer", "stall.ports", "stall.memory", *waits),
        "vector": ("busy.compute", *waits),
        "memory": ("busy.transfer", *["stall.queue"] * queued),
        "channel": ("busy.transfer", *["busy.pim"] * pim, "stall.row", "stall.refresh",
                    "stall.bus", *["stall.dispatch"] * pim, *waits[: len(waits) * pim]),
        "link": ("busy.transfer", *waits),
    }[unit]  # fmt: skip
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
    machine: Machine,
    workload: Workload,
    window: Window,
    ticks_by_cause: Ticks,
    operators: list[OperatorResult],
    notes: tuple[str, ...],
) -> Result:
    """The result of a run. ``ticks_by_cause`` are the accounts of the window."""
    period = periods(machine.clocks_khz)[machine.array.clock]
    first, end = -(-window.start // period), -(-window.end // period)
    cycles = end - first
    if machine.array.convention == "scalesim":
        cycles = sum(operator.cycles for operator in operators)
        notes = (*notes, "cycles follow SCALE-Sim's accounting: see docs/systolic_array.md")
    seconds = (window.end - window.start) / (tick_khz(machine.clocks_khz) * 1000)
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
        units=_unit_accounts(machine, ticks_by_cause),
        operators=tuple(operators),
        energy=energy(machine, dict(sorted(events.items())), seconds),
        provenance=provenance(machine, workload),
        notes=notes,
    )
