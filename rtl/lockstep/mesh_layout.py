"""Where a mesh's values are: places in the model's list, by the names of the hardware's fields."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from arch.mesh.packet import PORTS
from rtl.lockstep.mesh_fields import Named, lay_out, members
from rtl.lockstep.mesh_model import (
    FLIT,
    LAYOUT,
    MOVING,
    NODE_VALUES,
    PORT_VALUES,
    VC_VALUES,
)
from rtl.mesh.packet_parameters import NODE, PORT_NAMES, Parameters

FLIT_NAMES = ("head", "tail", "x", "y", "number")
MOVING_NAMES = ("valid", "vc", *(f"flit.{name}" for name in FLIT_NAMES))
CREDIT_NAMES = ("valid", "vc")
PAYLOAD = ("x", "y", "flits", "number")
STIM_VALUES = 1 + len(PAYLOAD)
"""Of a node: valid, then the payload."""


def layout_of(p: Parameters) -> npt.NDArray[np.void]:
    """[1] of LAYOUT"""
    layout = np.zeros(1, LAYOUT)
    record = layout[0]
    record["nodes"], record["vcs"], record["depth"] = p.nodes, p.vcs, p.depth
    record["number_mask"] = (1 << p.number_bits) - 1
    record["link_flits"], record["link_credits"] = p.link_flit_cycles, p.link_credit_cycles
    record["sent"], record["taken"] = p.sent_cycles, p.taken_cycles
    record["taken_credits"] = p.taken_credit_cycles
    record["flit_stages"] = max(p.link_flit_cycles, p.sent_cycles)
    record["credit_stages"] = max(p.link_credit_cycles, p.taken_credit_cycles)
    ports, vcs = p.nodes * PORTS, p.nodes * p.size
    sizes = {
        "at_vcs": vcs * VC_VALUES,
        "at_entries": vcs * p.depth * FLIT,
        "at_ports": ports * PORT_VALUES,
        "at_free": p.nodes,
        "at_flits": ports * record["flit_stages"] * MOVING,
        "at_credits": ports * record["credit_stages"] * 2,
        "at_taken": p.nodes * p.taken_cycles * MOVING,
        "at_paid": p.nodes * p.sent_cycles * 2,
        "at_nodes": p.nodes * (NODE_VALUES + p.vcs),
        "at_ready": p.nodes,
    }
    lay_out(record, sizes)
    return layout


def _router(p: Parameters, layout: np.void, node: int) -> Iterator[tuple[str, int]]:
    router = f"router_{node}"
    for i in range(p.size):
        number = node * p.size + i
        at = int(layout["at_vcs"]) + number * VC_VALUES
        queue = f"{router}.queue_{PORT_NAMES[i // p.vcs]}_{i % p.vcs}"
        own = ("head", "count", "routing", "wanted", "held", "port", "vc")
        yield from members(queue, own, at)
        yield f"{router}.vcs.in_turn_{i}", at + 7
        yield f"{router}.credits_{i}", at + 8
        yield f"{router}.vcs.out_turn_{i}", at + 9
        for k in range(p.depth):
            entry = int(layout["at_entries"]) + (number * p.depth + k) * FLIT
            yield from members(f"{queue}.entry_{k}", FLIT_NAMES, entry)
    for port in range(PORTS):
        at = int(layout["at_ports"]) + (node * PORTS + port) * PORT_VALUES
        for i, name in enumerate(("vc_turn", "in_turn", "out_turn")):
            yield f"{router}.switch.{name}_{port}", at + i
    yield f"{router}.free", int(layout["at_free"]) + node


def _links(p: Parameters, layout: np.void, node: int) -> Iterator[tuple[str, int]]:
    for port in p.ports(node):
        flits, credits = p.link_flit_cycles, p.link_credit_cycles
        if port == NODE:
            flits, credits = p.sent_cycles, p.taken_credit_cycles
        name, number = f"{node}_{PORT_NAMES[port]}", node * PORTS + port
        for i in range(flits):
            stage = number * int(layout["flit_stages"]) + i
            at = int(layout["at_flits"]) + stage * MOVING
            yield from members(f"flits_to_{name}.{i}", MOVING_NAMES, at)
        for i in range(credits):
            stage = number * int(layout["credit_stages"]) + i
            at = int(layout["at_credits"]) + stage * 2
            yield from members(f"credits_to_{name}.{i}", CREDIT_NAMES, at)


def _node(p: Parameters, layout: np.void, node: int) -> Iterator[tuple[str, int]]:
    yield f"packet_{node}.ready", int(layout["at_ready"]) + node
    for i in range(p.taken_cycles):
        at = int(layout["at_taken"]) + (node * p.taken_cycles + i) * MOVING
        yield from members(f"taken_{node}.{i}", MOVING_NAMES, at)
    yield from members(f"taken_{node}", MOVING_NAMES, at)
    for i in range(p.sent_cycles):
        at = int(layout["at_paid"]) + (node * p.sent_cycles + i) * 2
        yield from members(f"credits_to_node_{node}.{i}", CREDIT_NAMES, at)
    at = int(layout["at_nodes"]) + node * (NODE_VALUES + p.vcs)
    yield f"node_{node}.vc", at
    yield f"node_{node}.left", at + 1
    yield from members(f"node_{node}.under_way", ("x", "y", "number"), at + 2)
    for vc in range(p.vcs):
        yield f"node_{node}.credits_{vc}", at + NODE_VALUES + vc


def named_places(p: Parameters) -> tuple[Named, Named]:
    """Of the fields of a stimulus, among STIM_VALUES of each node, and of a response."""
    layout = layout_of(p)[0]
    stim: dict[str, int] = {}
    resp: dict[str, int] = {}
    payload = tuple(f"payload.{name}" for name in PAYLOAD)
    for node in range(p.nodes):
        stim.update(members(f"packet_{node}", ("valid", *payload), node * STIM_VALUES))
        for part in (_router, _links, _node):
            resp.update(part(p, layout, node))
    return stim, resp
