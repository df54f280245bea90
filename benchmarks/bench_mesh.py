"""Cycles a second of packet-switched meshes: ``pytest benchmarks/bench_mesh.py``.

BookSim2 (commit 28f43299, ``-O3``) simulated about 65 cycles a second of this mesh and load on the
machine on which the target was set.
"""

from typing import Any

import pytest
from figures import Figure, state

from arch.mesh.load import load_packet_mesh
from sim.mesh.replay import PacketRun, replay_packets
from traces.mesh import bernoulli, pattern

PEER_CYCLES_A_SECOND = 65
SIZE, RATE, CYCLES = 32, 0.05, 4000
INCLUDES = (
    "Uniform traffic, a flit a packet; the trace in memory; building the state, every packet "
    "carried, results as arrays. The target is 25 times what BookSim2 simulated a second."
)


@pytest.mark.parametrize("name", ["mesh_W1", "mesh_V4"])
def test_cycles_a_second(benchmark: Any, name: str) -> None:
    mesh = load_packet_mesh(name, [f"width={SIZE}", f"height={SIZE}"])
    trace = bernoulli(
        pattern("uniform", SIZE, SIZE), rate_flits=RATE, packet_flits=1, cycles=CYCLES, seed=1
    )

    def run() -> PacketRun:
        return replay_packets(mesh, trace)

    done = benchmark.pedantic(run, rounds=5, iterations=1, warmup_rounds=1)
    seconds = benchmark.stats.stats.median
    figures = [
        Figure(
            "simulated cycles", done.cycles / seconds, "cycles/s",
            at_least=25 * PEER_CYCLES_A_SECOND,
        ),
        Figure("flit-hops", done.counts["flit_hops"] / seconds, "flit-hops/s"),
        Figure("cycles", done.cycles, "cycles"),
    ]  # fmt: skip
    state(benchmark, "Meshes", f"`{name}`, {SIZE}x{SIZE}, {RATE} flits a node and cycle", figures,
          INCLUDES)  # fmt: skip
