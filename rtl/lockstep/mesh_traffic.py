"""What drives a mesh's hardware and model, and what is counted of it."""

import numpy as np

from rtl.lockstep.draws import draw
from rtl.lockstep.mesh_layout import STIM_VALUES
from rtl.lockstep.mesh_model import PORTS, show_nodes, show_routers, show_wheels
from rtl.lockstep.streams import gather
from sim.jit import njit
from sim.mesh.packet import act, receive
from sim.mesh.packet_state import NODE, TAIL

TRAFFIC = np.dtype(
    [
        ("random", np.int64),  # state of the generator, never 0
        ("now", np.int64),  # cycle since the last reset
        ("cycles", np.int64),  # up to the next one, that included
        ("hostile", np.int64),
        ("useful_cycles", np.int64),
    ]
)

EVENTS = (
    "packet sent",
    "packet taken",
    "node waits for a credit",
    "queue full",
    "flit waits for a credit",
    "head waits for a free VC",
    "heads compete for a port's VCs",
    "VCs of an input compete",
    "inputs compete for an output",
    "several flits cross a router",
    "head behind a tail",
    "left by +x",
    "left by -x",
    "left by +y",
    "left by -y",
    "left to a node",
    "stalled stream changes",
    "reset while dirty",
)
"""Counted in cycles, routers, VCs or flits, in the order of ``count``."""
LEFT = 11


@njit
def count_state(layout, m, routers, ports, vcs, queue, reset, events):
    """Count what a cycle shows of the state with which it begins."""
    count = layout["vcs"]
    span = PORTS * count
    for i in range(layout["nodes"] * span):
        record = vcs[i]
        router, bit = i // span, i % span
        out = record["out"] + 0
        events[3] += record["count"] == layout["depth"]
        if out < 0:
            continue
        if (routers[router]["want"] >> bit) & 1:
            free = (routers[router]["free"] >> out) & ((1 << count) - 1)
            events[5] += free == 0
            for other in range(bit + 1, span):
                same = vcs[router * span + other]["out"] == out
                events[6] += same and (routers[router]["want"] >> other) & 1
        elif record["count"] > 0:
            events[4] += vcs[router * span + out]["credits"] == 0
    for router in range(layout["nodes"]):
        ready = routers[router]["ready"]
        if ready == 0:
            continue
        inputs, outputs = 0, 0
        for bit in range(span):
            if (ready >> bit) & 1:
                to = 1 << vcs[router * span + bit]["out"] // count
                own = 1 << bit // count
                events[7] += (inputs & own) > 0
                events[8] += (outputs & to) > 0 and (inputs & own) == 0
                inputs |= own
                outputs |= to
    events[17] += reset == 1 and m["inside"] > 0


@njit
def keep(layout, vcs, queue, fronts):
    """Note ``fronts`` [vc, (count, flit, output VC)] before anybody acts."""
    for i in range(fronts.shape[0]):
        fronts[i, 0] = vcs[i]["count"]
        fronts[i, 1] = queue[i * layout["depth"] + vcs[i]["head"]]
        fronts[i, 2] = vcs[i]["out"]


@njit
def note_gone(layout, vcs, fronts, gone, events):
    """Which flits have left towards nodes: fronts of queues that have become shorter."""
    count = layout["vcs"]
    span = PORTS * count
    for node in range(layout["nodes"]):
        for stage in range(layout["taken"] - 1, 0, -1):
            gone[node, stage] = gone[node, stage - 1]
        gone[node, 0] = -1
        crossed = 0
        for i in range(node * span, (node + 1) * span):
            if vcs[i]["count"] == fronts[i, 0]:
                continue
            to = fronts[i, 2] // count
            events[LEFT + to] += 1
            crossed += 1
            events[10] += (fronts[i, 1] & TAIL) > 0 and vcs[i]["count"] > 0
            if to == NODE:
                gone[node, 0] = fronts[i, 1]
                events[1] += (fronts[i, 1] & TAIL) > 0
        events[9] += crossed > 1


@njit
def offer(layout, t, vcs, sources, order, packets, offered, before, events):
    """What nodes are offered in this cycle: the next packet in their queue outside.

    ``offered``: valid and payload, STIM_VALUES of each node, in which last cycle's are. ``before``
    [node]: whether the node may take one, by its state; in the last cycle whether it was so.
    """
    for node in range(layout["nodes"]):
        s, at = sources[node], node * STIM_VALUES
        stalled = offered[at] and not before[node]
        next_one = s["next"] + (s["left"] > 0)
        credits = 0
        for vc in range(layout["vcs"]):
            credits += vcs[(node * PORTS + NODE) * layout["vcs"] + vc]["node_credits"]
        before[node] = s["left"] == 0 and credits > 0
        valid = next_one < s["created"]
        events[2] += valid and credits == 0
        garbage = not valid or (t["hostile"] and not before[node])
        if t["hostile"] and not before[node]:
            valid = draw(t, 2) == 1
        changed = offered[at] != valid
        offered[at] = valid
        for i in range(1, STIM_VALUES):
            value = 0
            if garbage:
                value = draw(t, 1 << 31)
            else:
                p = packets[order[next_one]]
                if i == 1:
                    value = p["x"]
                elif i == 2:
                    value = p["y"]
                elif i == 3:
                    value = p["flits"]
                else:
                    value = order[next_one] & layout["number_mask"]
            changed |= offered[at + i] != value
            offered[at + i] = value
        events[16] += stalled and changed


@njit
def drive(layouts, stim_places, places, traffic, mesh, routers, ports, vcs, queue, sources, order,
          packets, active, sending, flits_due, credits_due, routes_due, counts, tables, scratch,
          begins, gone, fronts, taking, offered, before, values, events, stimuli, resets,
          responses):  # fmt: skip
    """Cycles in a row of stimuli, the model's responses, and what they show.

    Ends early after a reset; returns how many cycles there were.
    """
    layout, t, m = layouts[0], traffic[0], mesh[0]
    for x in range(stimuli.shape[0]):
        now = t["now"]
        receive(m, routers, vcs, queue, sources, packets, active, sending, flits_due, credits_due,
                routes_due, counts, now)  # fmt: skip
        resets[x] = now == t["cycles"] - 1
        values[:] = 0
        show_routers(layout, m, routers, ports, vcs, queue, packets, values)
        show_wheels(layout, m, packets, flits_due, credits_due, routes_due, counts, gone, now,
                    values)  # fmt: skip
        show_nodes(layout, vcs, sources, order, packets, begins, values)
        offer(layout, t, vcs, sources, order, packets, offered, before, events)
        count_state(layout, m, routers, ports, vcs, queue, resets[x], events)
        keep(layout, vcs, queue, fronts)
        for node in range(layout["nodes"]):
            s = sources[node]
            taking[node] = -1
            if s["left"] == 0 and s["next"] < s["created"]:
                taking[node] = order[s["next"]]
        t["useful_cycles"] += m["inside"] + m["queued"] + m["due"] > 0
        act(m, routers, ports, vcs, queue, sources, order, packets, active, sending, flits_due,
            credits_due, routes_due, counts, tables, scratch, now, False)  # fmt: skip
        note_gone(layout, vcs, fronts, gone, events)
        for node in range(layout["nodes"]):
            ready = before[node]
            if taking[node] >= 0:
                ready = packets[taking[node]]["injected"] == now
                events[0] += ready
            values[layout["at_ready"] + node] = ready
        gather(offered, stim_places, stimuli[x])
        gather(values, places, responses[x])
        t["now"] = now + 1
        if resets[x]:
            return x + 1
    return stimuli.shape[0]
