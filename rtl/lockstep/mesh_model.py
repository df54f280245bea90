"""The registers of a mesh of packet routers, as the simulator's kernel has them.

The kernel's state in a cycle, with what is due received and before anybody acts, is that of the
hardware. What is in its wheels is in registers of links: an entry that is due ``d`` cycles from
now is ``d`` registers before the end.
"""

import numpy as np

from sim.jit import njit
from sim.mesh.packet_state import HEAD, NODE, TAIL

PORTS = 5
FLIT = 5
"""Values of a flit: head, tail, x, y, number."""
MOVING = 2 + FLIT
"""Of a flit on its way: valid and VC before."""
VC_VALUES = 10
"""Head, count, routing, wanted, held, port, VC, in_turn, credits, out_turn."""
PORT_VALUES = 3
"""vc_turn, in_turn, out_turn."""
NODE_VALUES = 5
"""VC, left, and x, y, number of the packet under way; credits follow them."""

LAYOUT = np.dtype(
    [
        ("nodes", np.int64),
        ("vcs", np.int64),  # of a port
        ("depth", np.int64),  # of a queue
        ("number_mask", np.int64),
        ("link_flits", np.int64),  # registers of each kind, as of rtl.mesh.packet_parameters
        ("link_credits", np.int64),
        ("sent", np.int64),
        ("taken", np.int64),
        ("taken_credits", np.int64),
        ("flit_stages", np.int64),  # the most that a port has
        ("credit_stages", np.int64),
        ("at_vcs", np.int64),  # place of the first of each kind among the values
        ("at_entries", np.int64),
        ("at_ports", np.int64),
        ("at_free", np.int64),
        ("at_flits", np.int64),
        ("at_credits", np.int64),
        ("at_taken", np.int64),
        ("at_paid", np.int64),
        ("at_nodes", np.int64),
        ("at_ready", np.int64),
        ("values", np.int64),  # in all
    ]
)


@njit
def put_flit(layout, packets, flit, values, at):
    """A flit in FLIT values; -1 is none."""
    if flit < 0:
        return
    p = packets[flit >> 2]
    values[at] = (flit & HEAD) > 0
    values[at + 1] = (flit & TAIL) > 0
    values[at + 2] = p["x"]
    values[at + 3] = p["y"]
    values[at + 4] = (flit >> 2) & layout["number_mask"]


@njit
def put_moving(layout, packets, vc, flit, values, at):
    """A flit on its way to a queue of the VC."""
    values[at] = 1
    values[at + 1] = vc
    put_flit(layout, packets, flit, values, at + 2)


@njit
def show_routers(layout, m, routers, ports, vcs, queue, packets, values):
    """Queues, VCs, credits and pointers."""
    count, depth = layout["vcs"], layout["depth"]
    span = PORTS * count
    for i in range(layout["nodes"] * span):
        router, bit = i // span, i % span
        record, at = vcs[i], layout["at_vcs"] + i * VC_VALUES
        wanted = (routers[router]["want"] >> bit) & 1
        out = record["out"] + 0
        values[at] = record["head"]
        values[at + 1] = record["count"]
        values[at + 3] = wanted
        values[at + 4] = out >= 0 and wanted == 0
        if out >= 0:
            values[at + 5] = out // count
            values[at + 6] = out % count
        values[at + 7] = record["in_turn"]
        values[at + 8] = record["credits"]
        values[at + 9] = record["out_turn"]
        for k in range(i * depth, (i + 1) * depth):
            put_flit(layout, packets, queue[k], values, layout["at_entries"] + k * FLIT)
    for i in range(layout["nodes"] * PORTS):
        at = layout["at_ports"] + i * PORT_VALUES
        values[at] = ports[i]["vc_turn"]
        values[at + 1] = ports[i]["in_turn"]
        values[at + 2] = ports[i]["out_turn"]
    for router in range(layout["nodes"]):
        values[layout["at_free"] + router] = routers[router]["free"]


@njit
def show_wheels(layout, m, packets, flits_due, credits_due, routes_due, counts, gone, now, values):
    """What is on links. ``gone`` [node, cycles ago]: flits that have left towards nodes, which the
    kernel does not keep."""
    count = layout["vcs"]
    for away in range(1, m["slots"]):
        slot = (now + away) & (m["slots"] - 1)
        first = slot * m["flit_slot"]
        for index in range(first, first + counts[slot * 3]):
            vc = flits_due[index]["vc"]
            port = vc // count
            stages = layout["sent"] if port % PORTS == NODE else layout["link_flits"]
            at = layout["at_flits"] + (port * layout["flit_stages"] + stages - away) * MOVING
            put_moving(layout, packets, vc % count, flits_due[index]["flit"], values, at)
        first = slot * m["credit_slot"]
        for index in range(first, first + counts[slot * 3 + 1]):
            show_credit(layout, packets, credits_due[index], away, gone, now, values)
        first = slot * m["route_slot"]
        for index in range(first, first + counts[slot * 3 + 2]):
            values[layout["at_vcs"] + routes_due[index] * VC_VALUES + 2] = away


@njit
def show_credit(layout, packets, code, away, gone, now, values):
    """A credit that is due in ``away`` cycles: for a node, for a router, or for a router from a
    node, where for the first cycles it stands for the flit that has left."""
    count = layout["vcs"]
    if code < 0:
        node = (-1 - code) // (PORTS * count)
        at = layout["at_paid"] + (node * layout["sent"] + layout["sent"] - away) * 2
        values[at] = 1
        values[at + 1] = (-1 - code) % count
        return
    port = code // count
    stage = layout["link_credits"] - away
    if port % PORTS == NODE:
        stage = layout["taken_credits"] - away
        if stage < 0:
            node = port // PORTS
            stage += layout["taken"]
            at = layout["at_taken"] + (node * layout["taken"] + stage) * MOVING
            flit = gone[node, stage]
            put_moving(layout, packets, code % count, flit, values, at)
            # The kernel has noted beforehand when the tail is there.
            if flit & TAIL:
                there = now + layout["taken"] - 1 - stage
                values[at + 3] = packets[flit >> 2]["arrived"] == there
            return
    at = layout["at_credits"] + (port * layout["credit_stages"] + stage) * 2
    values[at] = 1
    values[at + 1] = code % count


@njit
def show_nodes(layout, vcs, sources, order, packets, begins, values):
    """Ports of nodes. ``begins`` [node]: the first packet of each, as of ``order``."""
    count = layout["vcs"]
    for node in range(layout["nodes"]):
        s = sources[node]
        at = layout["at_nodes"] + node * (NODE_VALUES + count)
        values[at] = s["vc"]
        values[at + 1] = s["left"]
        last = s["next"] if s["left"] > 0 else s["next"] - 1
        if last >= begins[node]:
            p = packets[order[last]]
            values[at + 2] = p["x"]
            values[at + 3] = p["y"]
            values[at + 4] = order[last] & layout["number_mask"]
        first = (node * PORTS + NODE) * count
        for vc in range(count):
            values[at + NODE_VALUES + vc] = vcs[first + vc]["node_credits"]
