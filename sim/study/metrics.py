"""What a study can ask of a machine and of its runs; docs/studies.md defines each."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from arch.errors import InputError
from arch.machine import Channelled, Machine
from arch.mesh.packet import PacketMesh
from sim.area import area, column_kib
from sim.energy import EnergyModel
from sim.result import Result
from sim.study.spec import Counted


@dataclass(frozen=True)
class Metric:
    """A number that a study can bound or optimise."""

    title: str
    """For tables and figures."""
    unit: str
    meaning: str


STATIC = {
    "area_mm2": Metric("area", "mm2", "area of the chip, or of the components that are counted"),
    "pes": Metric("PEs", "", "processing elements of all cores"),
    "sram_kib": Metric("SRAM", "KiB", "scratchpads and accumulators of all cores"),
    "peak_macs_per_s": Metric("peak", "MAC/s", "multiply-accumulates with every PE busy"),
    "bandwidth_bytes_per_s": Metric("bandwidth", "B/s", "peak of the memory, where there is one"),
}
"""Of a machine alone, known before anything is simulated."""

RUN = {
    "cycles": Metric("cycles", "cycles", "of the array's clock"),
    "seconds": Metric("time", "s", "simulated time"),
    "energy_pj": Metric("energy", "pJ", "energy, or that of the components that are counted"),
    "edp_pj_s": Metric("energy x delay", "pJ s", "energy_pj x seconds"),
    "traffic_bytes": Metric("traffic", "B", "bytes read from and written to the memory"),
    "macs": Metric("MACs", "", "multiply-accumulates of the workloads"),
    "utilisation": Metric("utilisation", "", "macs / (cycles x PEs)"),
    "stall_cycles": Metric("stalls", "cycles", "cycles in which every array with work stalled"),
}
"""Of runs: of all workloads together and, where there are several, as ``<workload>.<metric>``."""

MESH = {
    "offered_flits_per_node_cycle": Metric(
        "offered", "flits/node/cycle", "flits of packets created after the warm-up"
    ),
    "accepted_flits_per_node_cycle": Metric(
        "accepted",
        "flits/node/cycle",
        "flits of packets that arrive after the warm-up, until none is created any more",
    ),
    "latency_cycles": Metric("latency", "cycles", "creation to arrival of the tail, mean"),
    "latency_p50_cycles": Metric("p50 latency", "cycles", "half of the packets need no longer"),
    "latency_p99_cycles": Metric("p99 latency", "cycles", "99 % of the packets need no longer"),
    "network_latency_cycles": Metric(
        "network latency", "cycles", "injection of the head to arrival of the tail, mean"
    ),
    "zero_load_latency_cycles": Metric(
        "zero-load latency", "cycles", "the mean of the same packets, were each of them alone"
    ),
    "saturated": Metric(
        "saturated", "", "1 if latency_cycles is above 4 x zero_load_latency_cycles, else 0"
    ),
    "packets": Metric("packets", "", "created after the warm-up: those that are measured"),
    "flit_hops": Metric("flit hops", "", "switch wins of all packets, those of the warm-up too"),
}
"""Of a packet mesh under traffic."""
ALL = STATIC | RUN | MESH


class UnknownMetricError(InputError):
    """An objective or bound that a machine does not report."""


def names(workloads: Sequence[str]) -> list[str]:
    """All metrics that a study of a machine has, given its workloads."""
    several = workloads if len(workloads) > 1 else ()
    each = [f"{workload}.{name}" for workload in several for name in RUN]
    return [*STATIC, *(RUN if workloads else ()), *each]


def unit_of(metric: str) -> str:
    """Unit of a metric, that of a workload as well; empty for one that is not ours."""
    found = ALL.get(metric) or ALL.get(metric.rpartition(".")[2])
    return found.unit if found else ""


def title_of(metric: str) -> str:
    """What tables and figures call a metric; its own name where it is not ours."""
    workload, _, name = metric.rpartition(".")
    if metric in ALL:
        return ALL[metric].title
    return f"{ALL[name].title} of {workload}" if name in ALL else metric


def static_metrics(machine: Machine, counted: Counted) -> dict[str, float]:
    """Metrics of a machine alone. ``area_mm2`` is missing where it is a lower bound."""
    found: dict[str, float] = {
        "pes": machine.cores * machine.array.pes,
        "sram_kib": _sram_kib(machine),
        "peak_macs_per_s": machine.peak_macs_per_second,
    }
    size = area(machine)
    if counted.area is not None:
        with _of_counted("area"):
            found["area_mm2"] = size.total_of(counted.area)
    elif not size.is_lower_bound:
        found["area_mm2"] = size.total_mm2
    bandwidth = _bandwidth(machine)
    if bandwidth is not None:
        found["bandwidth_bytes_per_s"] = bandwidth
    return found


def run_metrics(
    results: Mapping[str, Result], machine: Machine, counted: Counted
) -> dict[str, float]:
    """Metrics of runs by workload: of all together, and of each where there are several."""
    components = EnergyModel(machine).components
    each = {name: _of_one(result, counted, components) for name, result in results.items()}
    shared = set.intersection(*(set(found) for found in each.values())) if each else set()
    total: dict[str, float] = {
        name: sum(found[name] for found in each.values())
        for name in RUN
        if name in shared and name not in ("utilisation", "edp_pj_s")
    }
    if not total:
        return {}
    _add_ratios(total, machine)
    for workload, found in each.items() if len(each) > 1 else ():
        _add_ratios(found, machine)
        total.update({f"{workload}.{name}": found[name] for name in RUN if name in found})
    return total


@contextmanager
def _of_counted(section: str) -> Iterator[None]:
    """Say which section of the study names what has no figure."""
    try:
        yield
    except InputError as error:
        raise UnknownMetricError(f"counted.{section}: {error}") from None


def _of_one(result: Result, counted: Counted, components: Sequence[str]) -> dict[str, float]:
    events = result.events()
    found: dict[str, float] = {
        "cycles": result.cycles,
        "seconds": result.seconds,
        "traffic_bytes": events.get("memory_read_bytes", 0) + events.get("memory_write_bytes", 0),
        "macs": result.macs,
        "stall_cycles": sum(operator.stall_cycles for operator in result.operators),
    }
    if counted.energy is not None:
        with _of_counted("energy"):
            found["energy_pj"] = result.energy.total_of(counted.energy, components)
    elif not result.energy.is_lower_bound:
        found["energy_pj"] = result.energy.total_pj
    return found


def _add_ratios(found: dict[str, float], machine: Machine) -> None:
    pes = machine.cores * machine.array.pes
    found["utilisation"] = found["macs"] / (found["cycles"] * pes) if found["cycles"] else 0.0
    if "energy_pj" in found:
        found["edp_pj_s"] = found["energy_pj"] * found["seconds"]


def _sram_kib(machine: Machine) -> float:
    pads = sum(pad.capacity_kib for pad in machine.buffer.scratchpads.values())
    return machine.cores * (
        pads + column_kib(machine.array) * machine.array.copies * machine.array.cols
    )


def _bandwidth(machine: Machine) -> float | None:
    """Bytes a second of the memory's pins or interfaces."""
    memory = machine.memory
    if memory is None:
        return None
    hertz = machine.clocks_khz[machine.memory_clock] * 1000
    if isinstance(memory, Channelled) or memory.bytes_per_cycle is not None:
        width = memory.bytes_per_cycle
        assert width is not None
        return width * hertz
    widths = memory.operand_bytes_per_cycle
    assert widths is not None
    return (widths.ifmap + widths.filter + widths.ofmap) * hertz


def missing(
    wanted: str,
    found: Mapping[str, float],
    machine: Machine | PacketMesh,
    results: Mapping[str, Result],
) -> str:
    """Why a machine does not report a metric that a study wants."""
    others = f"{machine.name} reports no {wanted}, only {', '.join(found)}"
    if isinstance(machine, PacketMesh):
        return others
    kind = wanted.rpartition(".")[2]
    if kind == "area_mm2":
        unknown: Sequence[str] = area(machine).unknown
        return _lower_bound("area_mm2", "area", unknown, machine)
    if kind in ("energy_pj", "edp_pj_s"):
        unknown = sorted({name for each in results.values() for name in each.energy.unknown})
        return _lower_bound("energy_pj", "energy", unknown, machine)
    if kind == "bandwidth_bytes_per_s":
        return f"{machine.name} has no memory, and so no bandwidth"
    return others


def _lower_bound(metric: str, section: str, unknown: Sequence[str], machine: Machine) -> str:
    return (
        f"{metric} of {machine.name} is a lower bound, since technology {machine.technology!r} has "
        f"no sourced figure for {', '.join(unknown)}; list the components that shall count under "
        f"counted.{section}"
    )
