"""Where a wavelet mesh's values are: places in the model's list, by the names of the hardware's
fields."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from arch.mesh.program import PORT_NAMES
from rtl.lockstep.mesh_fields import Named, lay_out, members
from rtl.lockstep.wavelet_model import COLOUR_VALUES, LAYOUT, MOVING, NODE_VALUES
from rtl.mesh.wavelet_parameters import LINKS, Parameters

MOVING_NAMES = ("colour.valid", "colour.number", "wavelet.word", "wavelet.control")
FALLING_NAMES = ("colour.valid", "colour.number", "word")
ENTRY_NAMES = ("word", "control")
TAKE_NAMES = ("valid", "number", "two")
PUT_NAMES = (*MOVING_NAMES, "two", "second")
PE_VALUES = len(TAKE_NAMES) + len(PUT_NAMES)
"""Of a stimulus of a node: what a PE takes and puts."""
TOLD_NAMES = ("has", "room", "taken", "has_two", "room_two", "taken_second")


def layout_of(p: Parameters) -> npt.NDArray[np.void]:
    """[1] of LAYOUT"""
    layout = np.zeros(1, LAYOUT)
    record = layout[0]
    record["nodes"], record["colours"] = p.nodes, p.colours
    record["depth"], record["down_depth"], record["up_depth"] = p.depth, p.down_depth, p.up_depth
    record["hop"], record["falls"], record["rises"] = p.hop_stages, p.down_stages, p.up_stages
    record["colour_span"] = COLOUR_VALUES + 2 * p.depth + p.down_depth + 2 * p.up_depth
    sizes = {
        "at_colours": p.nodes * p.colours * record["colour_span"],
        "at_nodes": p.nodes * NODE_VALUES,
        "at_links": p.nodes * LINKS * p.hop_stages * MOVING,
        "at_falls": p.nodes * p.down_stages * MOVING,
        "at_rises": p.nodes * p.up_stages * MOVING,
    }
    lay_out(record, sizes)
    return layout


def _colour(p: Parameters, layout: np.void, node: int, k: int) -> Iterator[tuple[str, int]]:
    at = int(layout["at_colours"]) + (node * p.colours + k) * int(layout["colour_span"])
    router, port = f"router_{node}", f"port_{node}"
    yield f"{router}.side_{k}", at + 2
    yield f"{router}.turn_{k}", at + 3
    entry = at + COLOUR_VALUES
    queues = (
        (f"{router}.queue_{k}", at, p.depth, ENTRY_NAMES),
        (f"{port}.down_{k}", at + 4, p.down_depth, ()),
        (f"{port}.up_{k}", at + 6, p.up_depth, ENTRY_NAMES),
    )
    for queue, counts, depth, names in queues:
        yield from members(queue, ("there", "count"), counts)
        for i in range(depth):
            if names:
                yield from members(f"{queue}.entry_{i}", names, entry)
            else:
                yield f"{queue}.entry_{i}", entry
            entry += max(len(names), 1)


def _node(p: Parameters, layout: np.void, node: int) -> Iterator[tuple[str, int]]:
    at = int(layout["at_nodes"]) + node * NODE_VALUES
    yield f"router_{node}.pointer", at
    for i, name in enumerate(TOLD_NAMES):
        yield f"{name}_{node}", at + 1 + i
    yield from members(f"port_{node}.second", FALLING_NAMES, at + 1 + len(TOLD_NAMES))
    for k in range(p.colours):
        yield from _colour(p, layout, node, k)
    for port in p.links(node):
        for i in range(p.hop_stages):
            stage = (node * LINKS + port) * p.hop_stages + i
            at = int(layout["at_links"]) + stage * MOVING
            yield from members(f"link_{node}_{PORT_NAMES[port]}.{i}", MOVING_NAMES, at)
    for i in range(p.down_stages):
        at = int(layout["at_falls"]) + (node * p.down_stages + i) * MOVING
        yield from members(f"port_{node}.falls.{i}", FALLING_NAMES, at)
    for i in range(p.up_stages):
        at = int(layout["at_rises"]) + (node * p.up_stages + i) * MOVING
        yield from members(f"port_{node}.rises.{i}", MOVING_NAMES, at)


def ways_span(p: Parameters) -> int:
    """Values of a colour's routes in a router: port in and ports out of each position, the first
    position, the last."""
    return 2 * p.positions + 2


def stim_span(p: Parameters) -> int:
    """Values of a stimulus of a node: ``PE_VALUES``, positions set, routes."""
    return PE_VALUES + p.colours * (2 + ways_span(p))


def _stimulus(p: Parameters, node: int) -> Iterator[tuple[str, int]]:
    at = node * stim_span(p)
    yield from members(f"take_{node}", TAKE_NAMES, at)
    yield from members(f"put_{node}", PUT_NAMES, at + len(TAKE_NAMES))
    for k in range(p.colours):
        own = at + PE_VALUES + 2 * k
        yield from members(f"switched_{node}[{k}]", ("valid", "position"), own)
        own = at + PE_VALUES + 2 * p.colours + ways_span(p) * k
        for i in range(p.positions):
            yield from members(f"ways_{node}[{k}].position[{i}]", ("source", "to"), own + 2 * i)
        yield from members(f"ways_{node}[{k}]", ("first", "last"), own + 2 * p.positions)


def named_places(p: Parameters) -> tuple[Named, Named]:
    """Of the fields of a stimulus, among ``stim_span`` values of each node, and of a response."""
    layout = layout_of(p)[0]
    stim: dict[str, int] = {}
    resp: dict[str, int] = {}
    for node in range(p.nodes):
        stim.update(_stimulus(p, node))
        resp.update(_node(p, layout, node))
    return stim, resp
