"""A machine as tables: its parameters, and what follows from them."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from pydantic import BaseModel
from rich.console import Group, RenderableType
from rich.text import Text

from arch.array import Array
from arch.buffer import OPERANDS
from arch.diff import timings_of
from arch.machine import Machine
from arch.memory import Memory
from arch.mesh.wavelet import WaveletMesh
from arch.spec import Spec
from sim.area import area
from sim.report.columns import Column, Fitted
from sim.report.lines import named
from sim.report.text import NOTHING, count, cut, parameter_value, printable, si
from sim.report.units import NO_TECHNOLOGY, UNKNOWN

HEADER = {"name", "family", "source", "sources", "assumed"}
"""Fields that are no rows of the table."""
UNITS = {
    "bytes_per_cycle": "bytes/cycle",
    "millicycles": "1/1000 cycle",
    "cycles": "cycles",
    "khz": "kHz",
    "kib": "KiB",
    "bytes": "bytes",
    "bits": "bits",
    "flits": "flits",
    "wavelets": "wavelets",
    "pj": "pJ",
    "mw": "mW",
}
"""Units by the end of a field's name."""


class Parameter(NamedTuple):
    """A field of a machine."""

    path: str
    """As ``--set`` takes it."""
    value: Any
    meaning: str
    given: bool
    """Whether the machine states it; otherwise it is the default."""


def parameters(spec: BaseModel, path: str = "") -> Iterator[Parameter]:
    """All fields of a parameter object, depth first."""
    for name, info in type(spec).model_fields.items():
        if path or name not in HEADER:
            given = name in spec.model_fields_set
            place = f"{path}.{name}" if path else name
            yield from _fields(place, getattr(spec, name), info.description or "", given)


def _fields(path: str, value: Any, meaning: str, given: bool) -> Iterator[Parameter]:
    if isinstance(value, BaseModel):
        for each in parameters(value, path):
            yield each._replace(given=each.given and given)
    elif isinstance(value, Mapping) and value:
        for key, held in value.items():
            yield from _fields(f"{path}.{key}", held, meaning, given)
    else:
        yield Parameter(path, value, meaning, given)


def unit(path: str) -> str:
    """Unit of a field, which its name or that of what it is in ends with."""
    *above, name = path.split(".")
    if above == ["clocks"]:
        return "kHz"
    for field in (name, *above[-1:]):
        for end, text in UNITS.items():
            if field == end or field.endswith("_" + end):
                return text
    return ""


def _values(rows: Sequence[Parameter]) -> Column:
    """Numbers whole, texts as they have room."""
    cells = [parameter_value(each.value) for each in rows]
    numbers = [
        len(cell) for cell, each in zip(cells, rows, strict=True)
        if isinstance(each.value, int | float)
    ]  # fmt: skip
    return Column("Value", cells, least=max([8, *numbers]), shortened=cut)


def machine_report(machine: Machine) -> RenderableType:
    """Everything that ``lockstep show`` shows."""
    rows = list(parameters(machine))
    numbers = {text: at for at, text in enumerate(dict.fromkeys(machine.sources.values()), 1)}
    origins = [_origin(each, machine, numbers) for each in rows]
    blocks = [each.path.rpartition(".")[0].partition(".")[0] for each in rows]
    ends = {at for at in range(len(rows) - 1) if blocks[at] != blocks[at + 1]}
    table = Fitted(
        [
            Column("Parameter", [each.path for each in rows], "left", least=20, comfort=46),
            _values(rows),
            Column("Unit", [unit(each.path) for each in rows], "left"),
            Column("Source", origins, "left"),
            Column("Meaning", [_first(each.meaning) for each in rows], "left", least=20,
                   comfort=40, rank=1, shortened=cut),
        ],
        ["dim" if origin == "default" else "" for origin in origins],
        frozenset(ends),
    )  # fmt: skip
    title = Text(printable(machine.name), "bold").append(f"  {machine.family}", "not bold")
    parts: list[RenderableType] = [title, Text(), table, Text(), *derived(machine)]
    parts += [Text(), named("source", machine.source)]
    parts += [named(f"[{number}]", text) for text, number in numbers.items()]
    return Group(*parts)


def device_report(spec: Spec) -> RenderableType:
    """What ``lockstep show`` shows of a memory or a PIM, with the cycles of its DRAM."""
    rows = list(parameters(spec))
    table = Fitted(
        [
            Column("Parameter", [each.path for each in rows], "left", least=20, comfort=46),
            _values(rows),
            Column("Unit", [unit(each.path) for each in rows], "left"),
            Column("Meaning", [_first(each.meaning) for each in rows], "left", least=20,
                   comfort=40, rank=1, shortened=cut),
        ],
        ["" if each.given else "dim" for each in rows],
    )  # fmt: skip
    timings = ", ".join(f"{name} {cycles}" for name, cycles in timings_of(spec).items())
    given = spec.model_dump()
    title = Text(printable(str(given["name"])), "bold")
    lines = [named("cycles", timings)]
    if isinstance(spec, WaveletMesh):
        lines.append(named("PLMR", _plmr(spec)))
    return Group(title, Text(), table, Text(), *lines, named("source", str(given["source"])))


def _plmr(mesh: WaveletMesh) -> str:
    view = mesh.plmr()
    return (
        f"P {view['P']:,} cores, L {view['L']:,} cycles corner to corner, M {view['M']:,} bytes a "
        f"core, R {view['R']} paths a core"
    )


def _origin(parameter: Parameter, machine: Machine, numbers: Mapping[str, int]) -> str:
    """``assumed`` or the number of its source, whichever is nearer, ``default``, or nothing: the
    machine's."""
    said = dict.fromkeys(machine.assumed, "assumed")
    said |= {pattern: f"[{numbers[text]}]" for pattern, text in machine.sources.items()}
    near = [pattern for pattern in said if _covers(pattern, parameter.path)]
    if near:
        return said[max(near, key=lambda pattern: pattern.count("."))]
    return "" if parameter.given else "default"


def _covers(pattern: str, path: str) -> bool:
    return fnmatchcase(path, pattern) or fnmatchcase(path, pattern + ".*")


def _first(text: str) -> str:
    """First sentence, without markup."""
    return " ".join(text.replace("``", "").split()).partition(". ")[0].rstrip(".")


def interfaces(machine: Machine) -> dict[str, int]:
    """Bandwidth of each interface of the memory in bytes a second: one, called ``memory``, or
    one an operand."""
    memory = machine.memory
    if memory is None:
        return {}
    hz = machine.clocks_khz[machine.memory_clock] * 1000
    if memory.bytes_per_cycle is not None:
        return {"memory": memory.bytes_per_cycle * hz}
    assert isinstance(memory, Memory)
    widths = memory.operand_bytes_per_cycle
    return {operand: getattr(widths, operand) * hz for operand in OPERANDS}


def derived(machine: Machine) -> Iterator[RenderableType]:
    """Peaks, bandwidths and the ridge point, each by its formula."""
    ops = 2 * machine.peak_macs_per_second
    array, hz = machine.array, machine.clocks[machine.buffer.clock] * 1000
    pes = count(machine.cores * array.pes)
    yield named(
        "peak",
        f"{_peak(machine)} {_widest_mode(array)}: {pes} PEs, {si(ops / 2, 'MAC/s')}, 2 operations "
        "a MAC",
    )
    rates = interfaces(machine)
    if not rates:
        yield named("memory", "none: all operands are in the scratchpads")
    for name, rate in rates.items():
        which = "" if name == "memory" else f"{name}: "
        ridge = f"{ops / rate:,.1f} operations or {ops / rate / 2:,.1f} MAC a byte"
        yield named("memory", f"{which}{si(rate, 'B/s')}, ridge at {ridge}")
    yield from _area(machine)
    for name, pad in machine.buffer.scratchpads.items():
        rate = machine.cores * pad.accesses_per_cycle * pad.bank_width_bytes * hz
        size = machine.cores * pad.capacity_bytes / 1024
        held = "" if pad.operands == (name,) else f" for {', '.join(pad.operands)}"
        yield named(
            "buffer",
            f"{name}: {size:,.10g} KiB{held}, {si(rate, 'B/s')} read and written together",
        )


def _widest_mode(array: Array) -> str:
    """What a PE multiplies at its peak."""
    if array.engine is None:
        return array.operand_format
    modes = [m.name for m in array.engine.modes if array.engine.lanes(m) == array.lanes_most]
    return f"{' or '.join(modes)}, {array.lanes_most} lanes"


def _peak(machine: Machine) -> str:
    floating = machine.array.engine or "fp" in machine.array.operand_format
    floating = floating or "bf" in machine.array.operand_format
    return si(2 * machine.peak_macs_per_second, "FLOPS" if floating else "OPS")


def _area(machine: Machine) -> Iterator[RenderableType]:
    found = area(machine)
    if machine.technology == UNKNOWN:
        yield named("area", NO_TECHNOLOGY)
        return
    parts = [f"{name} {mm2:,.4g} mm2" for name, mm2 in found.by_component_mm2.items()]
    unknown = f"no sourced area for {', '.join(found.unknown)}"
    if not parts:
        yield named("area", f"unknown: {unknown}")
        return
    bound = ">= " if found.is_lower_bound else ""
    yield named("area", f"{bound}{found.total_mm2:,.4g} mm2 in {found.technology}: "
                + ", ".join(parts))  # fmt: skip
    if found.unknown:
        yield named("", f"a lower bound: {unknown}")


def machine_list(machines: Sequence[tuple[str, Machine]]) -> RenderableType:
    """Machines by name, a line each."""
    specs = [machine for _, machine in machines]
    return Fitted(
        [
            Column("Machine", [name for name, _ in machines], "left", least=12),
            Column("Array", [_array(machine) for machine in specs], "left"),
            Column("MHz", [f"{m.clocks[m.array.clock] / 1000:,.10g}" for m in specs]),
            Column("Peak", [_peak(machine) for machine in specs]),
            Column("Memory", [_rates(machine) for machine in specs]),
            Column("Source", [m.source for m in specs], "left", least=20, comfort=40,
                   rank=1, shortened=cut),
        ]
    )  # fmt: skip


def _array(machine: Machine) -> str:
    cores = f"{machine.cores} x " if machine.cores > 1 else ""
    array = machine.array
    copies = f"{array.copies} x " if array.copies > 1 else ""
    return f"{cores}{copies}{array.rows} x {array.cols} {array.dataflow}"


def _rates(machine: Machine) -> str:
    """Bandwidths of the interfaces with one unit, ifmap / filter / ofmap."""
    rates = [f"{rate / 1e9:,.4g}" for rate in interfaces(machine).values()]
    return f"{' / '.join(rates)} GB/s" if rates else NOTHING
