"""Against SCALE-Sim's own numbers (tests/golden/README.md): cycles, SRAM accesses, stalls."""

import csv
from pathlib import Path

import pytest
from scenarios import machine_of

from arch.machine import Machine
from sim.simulate import run
from sim.system import System
from traces.mapping.systolic import lower
from traces.operators import Gemm, Workload

pytestmark = pytest.mark.compiled

GOLDEN = Path(__file__).parents[1] / "golden"
Row = dict[str, str]


def rows_of(name: str) -> list[Row]:
    with (GOLDEN / name).open() as file:
        return list(csv.DictReader(file))


def machine(row: Row, memory: dict[str, object] | None, kib: dict[str, int]) -> Machine:
    """SCALE-Sim's machine: an SRAM an operand whose ports are never short."""
    pads = {
        name: {"operands": [name], "capacity_kib": kib[name], "banks": 1024,
               "bank_width_bytes": 1024}
        for name in ("ifmap", "filter", "ofmap")
    }  # fmt: skip
    return machine_of(
        {
            "name": "scalesim",
            "source": "SCALE-Sim 3.0.0",
            "clocks": {"core": 1_000_000},
            "array": {
                "rows": int(row["rows"]),
                "cols": int(row["cols"]),
                "dataflow": row["dataflow"],
                "convention": "scalesim",
                "weight_load": "serial",
                "drain": "serial",
                "edge_folds": "full",
                "accumulator_format": "int8",
            },
            "buffer": {"scratchpads": pads, "dma": {"request_bytes": 64, "outstanding": 64}},
            "memory": memory,
        }
    )


def gemm(row: Row) -> Workload:
    product = Gemm(name=row["layer"], m=int(row["M"]), n=int(row["N"]), k=int(row["K"]))
    return Workload(name="golden", source="SCALE-Sim", operators=(product,))


def compute_only(row: Row, *, force: bool = False) -> System:
    kib = {"ifmap": 64, "filter": 64, "ofmap": 64}
    spec = machine(row, None, kib)
    system = System(spec, force=force)
    for step in lower(gemm(row), spec):
        system.load(step.trace)
        system.advance()
    return system


@pytest.mark.validates(
    "array.rows",
    "array.cols",
    "array.dataflow=ws",
    "array.dataflow=is",
    "array.dataflow=os",
    "array.convention=scalesim",
    "array.weight_load=serial",
    "array.drain=serial",
    "array.edge_folds=full",
    by="SCALE-Sim 3.0.0",
)
def test_cycles_of_every_layer_are_equal() -> None:
    for row in rows_of("scalesim_compute.csv"):
        system = compute_only(row)
        assert system.now_tick - 1 == int(row["total_cycles"]), row


def test_cycles_are_equal_with_every_edge_forced() -> None:
    small = [r for r in rows_of("scalesim_compute.csv") if int(r["total_cycles"]) < 20_000]
    assert len(small) > 400
    for row in small:
        assert compute_only(row, force=True).now_tick - 1 == int(row["total_cycles"]), row


def test_sram_reads_are_equal() -> None:
    for row in rows_of("scalesim_compute.csv"):
        counted = compute_only(row).state.arrays[0]
        assert counted["ifmap_read_words"] == int(row["ifmap_reads"]), row
        assert counted["filter_read_words"] == int(row["filter_reads"]), row


def test_sram_writes_are_equal_but_for_the_drain_of_os() -> None:
    """Under ``os`` SCALE-Sim adds R + C writes a fold; each result is written once."""
    for row in rows_of("scalesim_compute.csv"):
        m, n = int(row["M"]), int(row["N"])
        counted = compute_only(row).state.arrays[0]
        written = int(counted["ofmap_write_words"] + counted["psum_write_words"])
        if row["dataflow"] == "os":
            r, c = int(row["rows"]), int(row["cols"])
            folds = -(-m // r) * -(-n // c)
            assert written == m * n
            assert int(row["ofmap_writes"]) == m * n + folds * (r + c)
        else:
            assert written == int(row["ofmap_writes"])


def test_partial_sums_are_read_back() -> None:
    """SCALE-Sim writes a partial sum for each fold of the depth and reads none; each but the
    first fold's has to be read."""
    for row in rows_of("scalesim_compute.csv"):
        if row["dataflow"] != "os":
            depth = -(-int(row["K"]) // int(row["rows"]))
            read = int(compute_only(row).state.arrays[0]["psum_read_words"])
            assert read == int(row["M"]) * int(row["N"]) * (depth - 1)


def test_a_run_reports_the_same_cycles() -> None:
    row = rows_of("scalesim_compute.csv")[0]
    spec = machine(row, None, {"ifmap": 64, "filter": 64, "ofmap": 64})
    result = run(spec, gemm(row)).result
    assert result.cycles == int(row["total_cycles"])
    assert any("SCALE-Sim" in note for note in result.notes)
