"""A network on a machine with DRAM, and a memory on its own under a trace of requests.

Shows where the array's cycles went and why the slowest layers are slow; then what the order of
requests makes of a memory. Needs lockstep-sim alone and 6 s, for the first time half a minute.
"""

import random
import tempfile
from pathlib import Path

import sim
from arch.dram.memory import load_memory
from arch.load import load_machine
from sim.dram.report import as_dict
from sim.dram.trace import run_trace
from sim.result import Result
from traces.requests import open_requests
from traces.workload import load

SETTINGS = ["memory={standard: DDR4, channels: 2}", "mapping.group_packing=packed"]


def where(result: Result) -> str:
    """What the first core's array did for most of its cycles."""
    array = next(unit for unit in result.units if unit.name == "core0.array")
    causes = sorted(array.cycles_by_cause.items(), key=lambda pair: -pair[1])[:3]
    return ", ".join(f"{name} {100 * cycles / array.cycles:.0f} %" for name, cycles in causes)


def run_network() -> None:
    machine, workload = load_machine("systolic_128", SETTINGS), load("mobilenet_v1").workload
    result = sim.run(machine, workload)
    events = result.events()
    moved = events["memory_read_bytes"] + events["memory_write_bytes"]
    print(f"{workload.name} on {machine.name}, 2 channels of DDR4: {result.cycles:,} cycles")
    print(f"{100 * result.utilisation:.1f} % of the array's peak; {moved:,} bytes of traffic")
    print(f"array: {where(result)}")
    layers, start = [], 0
    for operator in result.operators:
        layers.append((operator.cycles, start, operator.name))
        start += operator.cycles
    for cycles, start, name in sorted(layers, reverse=True)[:3]:
        # The same run, of which only this layer's cycles are counted.
        window = sim.run(machine, workload, from_cycle=start, until_cycle=start + cycles)
        print(f"  {name:<4} {cycles:,} cycles: {where(window)}")


def run_memory(order: str, addresses: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests.trace"
        kinds = ("ST", "LD", "LD")
        path.write_text("".join(f"{kinds[n % 3]} {a:#x}\n" for n, a in enumerate(addresses)))
        with open_requests(path) as requests:
            found = as_dict(run_trace(load_memory("ddr4_2400"), requests))
    latency, bandwidth = found["read_latency_cycles"], found["bytes_per_second"] / 1e9
    rows = sum(found[f"row_{kind}"] for kind in ("hits", "misses", "conflicts"))
    print(f"  {order}: {found['cycles']:,} cycles, latency {latency['mean']:.0f},", end=" ")
    print(f"row hits {100 * found['row_hits'] / rows:.1f} %, {bandwidth:.1f} GB/s")


if __name__ == "__main__":
    run_network()
    print("\nddr4_2400 under 20,000 requests, each third a write:")
    run_memory("in a row", [64 * number for number in range(20_000)])
    draw = random.Random(1).randrange
    run_memory("at random", [64 * draw(2**24) for _ in range(20_000)])
