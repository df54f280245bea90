"""ZigZag from PyPI, run in an interpreter of its own on a description of one of our machines.

What its model has no place for: the latency of the memory, the size and number of DMA requests,
banks that reads and writes share, the skew of operands (it adds one drain of
``systolic_dimensions`` a layer).
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from interpreter import interpreter

from arch.mac.formats import FORMAT_BITS
from arch.machine import Machine
from traces.operators import Conv2d, Gemm

REQUIREMENTS = ("zigzag-dse==3.9.1", "six")
"""It imports six, which it does not ask for."""
SCRIPT = Path(__file__).with_name("zigzag_run.py")
MEMORY_BITS = 10**12
"""Size of the memory behind the scratchpads: everything fits."""


@dataclass(frozen=True)
class PeerPoint:
    """What ZigZag says of one layer in cycles, and how long it took in s."""

    cycles: float
    temporal_cycles: float
    """Iterations of the loops in time; the array computes in each."""
    stall_cycles: float
    """Transfers that its ports have no time for beside the computation."""
    onload_cycles: float
    """Before the first computation."""
    offload_cycles: float
    """After the last one."""
    drain_cycles: float
    """For the last results to cross the array."""
    memory_read_bytes: int
    memory_write_bytes: int
    mappings: int
    """Orders of loops that its search put into the cost model."""
    api_seconds: float
    """Median of its API, which reads the descriptions and writes results, in a warm process."""
    search_seconds: float
    """Median of search and cost model alone."""
    given_seconds: float
    """Median of the cost of one given mapping, the best one: nothing to search."""
    command_seconds: float
    """Median of whole processes that call the API once."""
    versions: dict[str, str]


def _port(kind: str, bits: int, *served: str, number: int = 1) -> dict[str, Any]:
    name = {"read": "r", "write": "w", "read_write": "rw"}[kind] + f"_port_{number}"
    return {
        "name": name,
        "type": kind,
        "bandwidth_min": bits,
        "bandwidth_max": bits,
        "allocation": list(served),
    }


def _memory(
    bits: int, operands: list[str], ports: list[dict[str, Any]], across: list[str]
) -> dict[str, Any]:
    """A memory; energies and areas are of no interest here, and ``latency`` is used nowhere."""
    return {
        "size": bits,
        "r_cost": 1.0,
        "w_cost": 1.0,
        "area": 0.0,
        "latency": 1,
        "operands": operands,
        "ports": ports,
        "served_dimensions": across,
    }


def accelerator_of(machine: Machine) -> dict[str, Any]:
    """ZigZag's description of a weight-stationary machine with a scratchpad for each operand.

    D1 are the rows (depth of the product), D2 the columns. Memories go from the array outwards:
    ZigZag takes their order for the hierarchy.
    """
    array, pads = machine.array, machine.buffer.scratchpads
    assert array.dataflow == "ws"
    assert set(pads) == {"ifmap", "filter", "ofmap"}
    assert machine.memory is not None
    assert machine.memory.bytes_per_cycle is not None
    word, total = FORMAT_BITS[array.operand_format], FORMAT_BITS[array.accumulator_format]
    size = {name: pad.capacity_bytes * 8 for name, pad in pads.items()}
    memory_bits = machine.memory.bytes_per_cycle * 8
    registers = 2 if array.weight_load == "overlapped" else 1
    both = ["D1", "D2"]

    def pad(name: str, operand: str, to_array: int, sums: bool = False) -> dict[str, Any]:
        filling = pads[name].accesses_per_cycle * pads[name].bank_width_bytes * 8
        down = [f"{operand}, tl", *([f"{operand}, th"] if sums else [])]
        up = [f"{operand}, fh", *([f"{operand}, fl"] if sums else [])]
        ports = [_port("read", to_array, *down), _port("write", filling, *up)]
        return _memory(size[name], [operand], ports, both)

    ways = (("read", "tl"), ("read", "th"), ("write", "fh"), ("write", "fl"))
    # Complete sums leave in the cycle of their last addition: they are in nobody's way.
    sums_ports = [
        _port(kind, total, f"O, {way}", number=1 + index % 2)
        for index, (kind, way) in enumerate(ways)
    ]
    every = [f"{o}, {way}" for o in ("I1", "I2") for way in ("fh", "tl")]
    every += [f"O, {way}" for way in ("fh", "tl", "fl", "th")]
    weight_ports = [_port("read", word, "I2, tl"), _port("write", word, "I2, fh")]
    return {
        "name": machine.name,
        "memories": {
            "weights": _memory(registers * word, ["I2"], weight_ports, []),
            "sums": _memory(array.accumulator_rows * total, ["O"], sums_ports, ["D1"]),
            "ifmap": pad("ifmap", "I1", array.rows * word),
            "filter": pad("filter", "I2", array.cols * word),
            "ofmap": pad("ofmap", "O", array.cols * total, sums=True),
            "memory": _memory(
                MEMORY_BITS, ["I1", "I2", "O"], [_port("read_write", memory_bits, *every)], both
            ),
        },
        "operational_array": {
            "unit_energy": 1.0,
            "unit_area": 1.0,
            "dimensions": both,
            "sizes": [array.rows, array.cols],
            "systolic_dimensions": both,
        },
    }


def mapping_of(machine: Machine) -> list[dict[str, Any]]:
    """Weights stay: channels in the rows, filters in the columns; the loops in time are free."""
    return [
        {
            "name": "default",
            "spatial_mapping": {
                "D1": [f"C, {machine.array.rows}"],
                "D2": [f"K, {machine.array.cols}"],
            },
            "memory_operand_links": {"O": "O", "W": "I2", "I": "I1"},
        }
    ]


def workload_of(machine: Machine, operator: Conv2d | Gemm) -> list[dict[str, Any]]:
    """ZigZag's description of one layer."""
    array = machine.array
    word = FORMAT_BITS[array.operand_format]
    layer: dict[str, Any] = {
        "id": 0,
        "name": operator.name,
        "operand_precision": {
            "W": word,
            "I": word,
            "O": FORMAT_BITS[array.accumulator_format],
            "O_final": FORMAT_BITS[array.output_format],
        },
        "operand_source": {"I": 0, "W": 0},
    }
    if isinstance(operator, Gemm):
        return [
            layer
            | {
                "operator_type": "Gemm",
                "equation": "O[b][k]+=W[k][c]*I[b][c]",
                "loop_dims": ["B", "K", "C"],
                "loop_sizes": [operator.m, operator.n, operator.k],
            }
        ]
    assert operator.groups == operator.dilation_h == operator.dilation_w == 1
    o = operator
    return [
        layer
        | {
            "operator_type": "Conv",
            "equation": "O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]",
            "dimension_relations": [f"ix={o.stride_w}*ox+1*fx", f"iy={o.stride_h}*oy+1*fy"],
            "loop_dims": ["B", "K", "C", "OY", "OX", "FY", "FX"],
            "loop_sizes": [o.batch, o.filters, o.channels, o.out_h, o.out_w, o.filt_h, o.filt_w],
            "pr_loop_dims": ["IX", "IY"],
            "pr_loop_sizes": [o.in_w, o.in_h],
            "padding": [[o.pad_left, o.pad_right], [o.pad_top, o.pad_bottom]],
        }
    ]


def _run(*arguments: str) -> float:
    """Seconds of a whole process of ZigZag's interpreter; one thread."""
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    start = perf_counter()
    done = subprocess.run(
        [interpreter("zigzag", REQUIREMENTS), str(SCRIPT), *arguments],
        env={**os.environ, **threads, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"ZigZag failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return seconds


def evaluate(
    machine: Machine, operator: Conv2d | Gemm, folder: Path, *, lpf_limit: int, rounds: int
) -> PeerPoint:
    """Search the mapping of a layer with the least latency, and measure how long that takes.

    ``lpf_limit`` bounds the loops in time that its search puts into every order.
    """
    described = {
        # JSON is YAML, and keeps the order of the memories.
        "accelerator.yaml": accelerator_of(machine),
        "mapping.yaml": mapping_of(machine),
        "workload.yaml": workload_of(machine, operator),
    }
    for name, description in described.items():
        (folder / name).write_text(json.dumps(description))
    _run(str(folder), "measure", str(lpf_limit), str(rounds))
    command_seconds = median(_run(str(folder), "once", str(lpf_limit)) for _ in range(rounds))
    said = json.loads((folder / "measured.json").read_text())
    assert machine.memory is not None
    width_bytes = machine.memory.bytes_per_cycle
    assert width_bytes is not None
    seconds = {name: median(taken) for name, taken in said.pop("seconds").items()}
    return PeerPoint(
        memory_read_bytes=said.pop("memory_reads") * width_bytes,
        memory_write_bytes=said.pop("memory_writes") * width_bytes,
        api_seconds=seconds["api"],
        search_seconds=seconds["search"],
        given_seconds=seconds["given"],
        command_seconds=command_seconds,
        **said,
    )
