"""Programs of a row of PEs whose cycles are known by hand."""

import numpy as np
from wavelet_cases import one_way, pe_of, row_of

from arch.mesh.program import EAST, RAMP, WEST, MeshProgram, Region, Route
from traces.mesh.commands import radd, recv, relay, send


def memory_of(elements: int, format: int = 2) -> tuple[Region, ...]:
    """One region, of fp32 unless another format is given."""
    return (Region("memory", 0, elements, format),)


def chain_reduce(pes: int, wavelets: int) -> MeshProgram:
    """The sum of vectors of fp32, PE by PE from the east end of a row to the west end."""
    programs, routes = [], []
    for x in range(pes):
        out, into = x % 2, (x + 1) % 2
        ways: dict[int, Route] = {}
        if x > 0:
            ways[out] = one_way(RAMP, WEST)
        if x + 1 < pes:
            ways[into] = one_way(EAST, RAMP)
        routes.append(ways)
        if x == 0:
            programs.append(pe_of(radd(into, wavelets, 0, "fp32")))
        elif x + 1 == pes:
            programs.append(pe_of(send(out, wavelets, 0, "fp32")))
        else:
            programs.append(pe_of(relay(into, out, wavelets, 0, "fp32")))
    numbers = np.arange(pes * wavelets).reshape(pes, wavelets)
    return row_of(programs, routes, memory_of(wavelets), {"memory": numbers})


def broadcast(pes: int, wavelets: int) -> MeshProgram:
    """From the west end of a row to all others, by multicast."""
    programs = [pe_of(send(0, wavelets, 0, "fp32"))]
    programs += [pe_of(recv(0, wavelets, 0, "fp32"))] * (pes - 1)
    routes = [{0: one_way(RAMP, EAST)}]
    routes += [{0: one_way(WEST, EAST, RAMP)}] * (pes - 2) + [{0: one_way(WEST, RAMP)}]
    numbers = np.zeros((pes, wavelets))
    numbers[0] = np.arange(wavelets) + 0.5
    return row_of(programs, routes, memory_of(wavelets), {"memory": numbers})
