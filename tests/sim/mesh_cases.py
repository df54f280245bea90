"""Meshes and traces for tests."""

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from arch.mesh.packet import PacketMesh
from traces.mesh import PACKET_TRACE

Packet = tuple[int, int, int, int]


def trace_of(packets: list[Packet]) -> npt.NDArray[np.void]:
    """PACKET_TRACE of (created, src, dst, flits)."""
    return np.array(packets, PACKET_TRACE)


def mesh_of(**changed: Any) -> PacketMesh:
    """A mesh of 2 x 2 with one VC; fields of the router and of the mesh can be given."""
    router: dict[str, Any] = {
        "vcs": 1, "buffer_flits": 4, "routing_cycles": 0, "traversal_cycles": 1, "credit_cycles": 0,
        "vc_allocator": {"kind": "islip"}, "switch_allocator": {"kind": "islip"},
    }  # fmt: skip
    mesh: dict[str, Any] = {
        "name": "test", "source": "a test", "kind": "packet", "clock_khz": 1000, "width": 2,
        "height": 2, "link_latency_cycles": 1, "node_latency_cycles": 1, "packet_flits": 1,
    }  # fmt: skip
    for name, value in changed.items():
        (router if name in router else mesh)[name] = value
    return PacketMesh.model_validate({**mesh, "router": router})


allocators = st.one_of(
    st.just({"kind": "separable_input_first"}),
    st.builds(lambda n: {"kind": "islip", "iterations": n}, st.integers(1, 3)),
)


@st.composite
def meshes(draw: st.DrawFn) -> PacketMesh:
    """Small meshes with any router."""
    return mesh_of(
        width=draw(st.integers(1, 4)),
        height=draw(st.integers(1, 3)),
        vcs=draw(st.integers(1, 3)),
        buffer_flits=draw(st.integers(1, 4)),
        routing_cycles=draw(st.integers(0, 2)),
        traversal_cycles=draw(st.integers(1, 2)),
        credit_cycles=draw(st.integers(0, 2)),
        link_latency_cycles=draw(st.integers(1, 2)),
        node_latency_cycles=draw(st.integers(1, 3)),
        vc_allocator=draw(allocators),
        switch_allocator=draw(allocators),
    )


def packets_on(mesh: PacketMesh) -> st.SearchStrategy[list[Packet]]:
    """Traces in order of creation: some crowded, some with long gaps."""
    node = st.integers(0, mesh.nodes - 1)
    gap = st.sampled_from((0, 0, 0, 1, 2, 40))
    one = st.tuples(gap, node, node, st.integers(1, 5))

    def placed(drawn: list[Packet]) -> list[Packet]:
        now, found = 0, []
        for wait, src, dst, flits in drawn:
            now += wait
            found.append((now, src, dst, flits))
        return found

    return st.lists(one, min_size=1, max_size=40).map(placed)


@st.composite
def runs(draw: st.DrawFn) -> tuple[PacketMesh, list[Packet]]:
    """A mesh, and packets on it."""
    mesh = draw(meshes())
    return mesh, draw(packets_on(mesh))
