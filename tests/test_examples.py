"""The examples as a user runs them: what they print is what the library has."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

import sim
from arch.array import Array
from arch.dram.memory import load_memory
from arch.load import load_machine
from arch.machine import Machine
from rtl.lockstep.array import ArrayTraffic, ArrayTwin
from rtl.verilog import rtlil_of
from rtl.wrapper import TOP, Wrapper
from sim.area import area
from sim.dram.report import as_dict
from sim.dram.trace import iterate, run_trace
from sim.result import Result
from sim.study.record import Record
from sim.study.study import Study, read_folder
from traces.requests import REQUEST
from traces.workload import load

ROOT = Path(__file__).parents[1]
PACKED = "mapping.group_packing=packed"
COUNTED = ("array", "array_registers", "accumulators", "scratchpads")
ARRAY = Array(rows=4, cols=4, dataflow="ws", accumulator_rows=8)
REGISTER = "grid.left_skew.2.0"


def printed(name: str, folder: Path, *arguments: object) -> list[str]:
    """Lines of an example that runs in another folder."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "TMPDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / f"{name}.py"), *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert max(len(line) for line in lines if str(folder) not in line) <= 80
    return lines


def of_docs(name: str) -> list[str]:
    """What docs/examples.md says that an example prints."""
    text = (ROOT / "docs" / "examples.md").read_text()
    section = text.split(f"examples/{name}.py\n```\n", 1)[1]
    return section.split("```text\n", 1)[1].split("\n```", 1)[0].splitlines()


def without_what_varies(lines: list[str]) -> list[str]:
    """Folders, and the size of Verilog, which is that of a version of Yosys, left out."""
    text = re.sub(r"/\S+/(?=\S)", "", "\n".join(lines))
    text = re.sub(r"(all in )\S+", r"\1", text)
    return re.sub(r"[\d,]+ lines of Verilog, \d+ modules", "", text).splitlines()


def causes(result: Result) -> str:
    """The array's three largest causes, as the example writes them."""
    (array,) = (unit for unit in result.units if unit.name == "core0.array")
    order = sorted(array.cycles_by_cause, key=lambda cause: -array.cycles_by_cause[cause])
    shares = [100 * array.cycles_by_cause[cause] / array.cycles for cause in order[:3]]
    return ", ".join(f"{c} {share:.0f} %" for c, share in zip(order, shares, strict=False))


class Shown(NamedTuple):
    """An example that has run."""

    folder: Path
    """Where it ran, alone."""
    lines: list[str]


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    folder = tmp_path_factory.mktemp("trace")
    return Shown(folder, printed("trace_driven", folder))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    folder = tmp_path_factory.mktemp("study")
    return Shown(folder, printed("study", folder, folder / "out"))


@pytest.fixture(scope="module")
def cosimulation(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    folder = tmp_path_factory.mktemp("cosimulation")
    return Shown(folder, printed("cosimulation", folder))


@pytest.mark.parametrize("name", ["trace_driven", "study", "cosimulation"])
def test_the_page(name: str, request: pytest.FixtureRequest) -> None:
    lines = request.getfixturevalue(name.partition("_")[0]).lines
    assert without_what_varies(lines) == without_what_varies(of_docs(name))


def test_the_network(trace: Shown) -> None:
    machine = load_machine("systolic_128", ["memory={standard: DDR4, channels: 2}", PACKED])
    workload = load("mobilenet_v1").workload
    result = sim.run(machine, workload)
    events = result.events()
    moved = events["memory_read_bytes"] + events["memory_write_bytes"]
    assert trace.lines[0].endswith(f"2 channels of DDR4: {result.cycles:,} cycles")
    assert trace.lines[1].startswith(f"{100 * result.utilisation:.1f} % of the array's peak")
    assert f"{moved:,} bytes" in trace.lines[1]
    assert trace.lines[2] == f"array: {causes(result)}"
    # A layer alone: all other cycles come before its first and after its last.
    cycles = [operator.cycles for operator in result.operators]
    slowest = sorted(range(len(cycles)), key=lambda at: -cycles[at])[:3]
    for line, at in zip(trace.lines[3:6], slowest, strict=True):
        first, operator = sum(cycles[:at]), result.operators[at]
        end = result.cycles - sum(cycles[at + 1 :])
        alone = sim.run(machine, workload, from_cycle=first, until_cycle=end)
        assert alone.units[0].total("stall") == operator.stall_cycles
        assert line == f"  {operator.name:<4} {operator.cycles:,} cycles: {causes(alone)}"
    assert trace.lines[6] == ""


def test_the_memory(trace: Shown) -> None:
    in_a_row, at_random = trace.lines[8:]
    requests = np.zeros(20_000, REQUEST)
    requests["address"] = 64 * np.arange(20_000)
    requests["write"] = np.arange(20_000) % 3 == 0
    found = as_dict(run_trace(load_memory("ddr4_2400"), iterate(requests, 1000)))
    rows = found["row_hits"] + found["row_misses"] + found["row_conflicts"]
    assert in_a_row == (
        f"  in a row: {found['cycles']:,} cycles, "
        f"latency {found['read_latency_cycles']['mean']:.0f}, "
        f"row hits {100 * found['row_hits'] / rows:.1f} %, "
        f"{found['bytes_per_second'] / 1e9:.1f} GB/s"
    )
    assert number_after(at_random, "row hits") < 1 < 90 < number_after(in_a_row, "row hits")
    assert number_after(at_random, "latency") > number_after(in_a_row, "latency")
    assert list(trace.folder.iterdir()) == []


def number_after(line: str, words: str) -> float:
    return float(line.split(words)[1].split()[0].strip(","))


@pytest.mark.parametrize(("name", "points"), [("fastest", 96), ("densest", 32)])
def test_the_front_of_a_study(study: Shown, name: str, points: int) -> None:
    folder = study.folder / "out" / name
    loaded, records = read_folder(folder, to_run=False)
    assert len(records) == points
    begin = next(at for at, line in enumerate(study.lines) if line.startswith(name)) + 4
    rows = [line.split() for line in study.lines[begin : study.lines.index("", begin)]]
    best = unbeaten(loaded, records)
    assert [int(row[0]) for row in rows] == [record.index for record in best]
    assert len(best) > 3
    for figure in ("front.svg", "front.png", "effects.svg", "effects.png"):
        assert (folder / figure).stat().st_size > 1000


def test_a_point_is_what_a_run_gives(study: Shown) -> None:
    record, machine = chosen(study, "fastest", 1)
    result = sim.run(machine, load("mobilenet_v1").workload)
    mm2 = area(machine).total_of(COUNTED)
    assert record.metrics["seconds"] == result.seconds
    assert record.metrics["area_mm2"] == mm2
    (row,) = (line.split() for line in study.lines if line.startswith(f"{record.index:>5}  "))
    assert row[1:5] == [f"{mm2:.3f}", "mm2", f"{result.seconds * 1e3:.3f}", "ms"]


def test_ones_own_question(study: Shown) -> None:
    record, machine = chosen(study, "densest", -1)
    result = sim.run(machine, load("mobilenet_v1").workload)
    tops_per_mm2 = 2e-12 * result.macs / result.seconds / area(machine).total_of(COUNTED)
    assert record.metrics["tops_per_mm2"] == pytest.approx(tops_per_mm2, rel=1e-12)
    (row,) = (line.split() for line in study.lines if line.startswith(f"{record.index:>5}  "))
    assert row[3] == f"{tops_per_mm2:.4g}"


def chosen(study: Shown, name: str, place: int) -> tuple[Record, Machine]:
    """A point of a front and its machine."""
    loaded, records = read_folder(study.folder / "out" / name, to_run=False)
    record = unbeaten(loaded, records)[place]
    settings = [f"{path}={value}" for path, value in loaded.space.settings(record.point)]
    return record, load_machine("systolic_128", [PACKED, *settings])


def unbeaten(study: Study, records: tuple[Record, ...]) -> list[Record]:
    """Points that no other dominates, by the first objective."""
    signs = {name: 1 if best == "min" else -1 for name, best in study.spec.objectives.items()}
    done = [record for record in records if record.state == "done"]

    def costs(record: Record) -> list[float]:
        return [sign * record.metrics[name] for name, sign in signs.items()]

    def dominated(record: Record) -> bool:
        mine = costs(record)
        return any(
            other != mine and all(a <= b for a, b in zip(other, mine, strict=True))
            for other in map(costs, done)
        )

    return sorted((record for record in done if not dominated(record)), key=costs)


def test_a_study_goes_on(study: Shown) -> None:
    journals = sorted((study.folder / "out").glob("*/journal.jsonl"))
    before = [journal.read_bytes() for journal in journals]
    assert len(before) == 2
    assert printed("study", study.folder, study.folder / "out") == study.lines
    assert [journal.read_bytes() for journal in journals] == before


@pytest.fixture(scope="module")
def model() -> tuple[ArrayTraffic, npt.NDArray[np.int64]]:
    """The random work of the same seed; what the model has in a register of the third row."""
    twin = ArrayTwin(ARRAY)
    traffic = twin.traffic(1)
    wrapper = Wrapper(twin.component)
    # Amaranth complains of hardware that nobody makes.
    rtlil_of(wrapper, TOP, wrapper.ports)
    names = [field.name for field in wrapper.resp_fields]
    return traffic, traffic.next(10_000).resp[:, names.index(REGISTER)]


def test_what_was_compared(
    cosimulation: Shown, model: tuple[ArrayTraffic, npt.NDArray[np.int64]]
) -> None:
    traffic, lines = model[0], cosimulation.lines
    assert lines[1] == (
        "10,000 cycles are equal in every register and output, "
        f"{traffic.useful_cycles:,} of them at work"
    )
    counts = traffic.coverage
    happened = sum(count > 0 for count in counts.values())
    assert lines[2] == f"{happened} of {len(counts)} kinds of events happened, as"
    shown = {line.split(maxsplit=1)[1]: line.split()[0] for line in lines[3:7]}
    assert shown == {name: f"{counts[name]:,}" for name in shown}
    assert len(shown) == 4


def test_the_fault_shows_where_the_model_first_has_the_word(
    cosimulation: Shown, model: tuple[ArrayTraffic, npt.NDArray[np.int64]]
) -> None:
    lines = cosimulation.lines
    first = np.flatnonzero(model[1] == 77)[0]
    assert f"with the fault {first:,} cycles are equal, then" in lines
    assert f"array: hardware and model differ in cycle {first} (seed 1)" in lines
    assert [REGISTER, "77", "76"] in [line.split() for line in lines]


def test_the_waveform(cosimulation: Shown) -> None:
    (path,) = cosimulation.folder.glob("*/fault.vcd")
    assert cosimulation.lines[-1] == f"  waveform: {path}"
    assert "$scope module hardware $end" in path.read_text()
