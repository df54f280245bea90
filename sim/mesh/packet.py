"""The cycles of a mesh of packet-switched routers.

Only routers and nodes that may do something are visited; the others sleep until a flit, a credit
or a new packet reaches them. Wheels hold what is on links. Within a cycle first everything that is
due arrives, then each router allocates on what it was at the start, then nodes inject: nobody sees
what another does in that cycle, so the order of routers does not matter.
"""

from sim.jit import inlined, njit
from sim.mesh.packet_moves import arrive, create, cross, inject, repay, rouse, rouse_node, route
from sim.mesh.packet_state import DONE, NEVER, PAUSED, STUCK, WINS
from sim.mesh.packet_switch import PORTS, switch_wins
from sim.mesh.packet_vcs import allocate_vcs, can_allocate


@njit
def _charge(m, until):
    """Charge the cycles up to ``until`` in which nobody was stepped."""
    if m["inside"] or m["queued"]:
        m["cycles_waiting"] += until - m["since"]
    else:
        m["cycles_idle"] += until - m["since"]
    m["since"] = until


@njit
def _next_due(m, packets, counts, now):
    """The next cycle in which something happens, if nobody is active."""
    soonest = NEVER
    if m["front"] < len(packets):
        soonest = packets[m["front"]]["created"]
    if m["due"]:
        for when in range(now + 1, now + m["slots"]):
            slot = (when & (m["slots"] - 1)) * 3
            if counts[slot] + counts[slot + 1] + counts[slot + 2]:
                return min(soonest, when)
    return soonest


@inlined
def receive(m, routers, vcs, queue, sources, packets, active, sending, flits_due, credits_due,
            routes_due, counts, now):  # fmt: skip
    """What is due in a cycle comes: credits, flits, routes and packets."""
    _charge(m, now)
    m["moved"] = 0
    slot = now & (m["slots"] - 1)
    repay(m, routers, vcs, sources, active, sending, credits_due, counts, slot)
    arrive(m, routers, vcs, queue, packets, active, flits_due, routes_due, counts, slot, now)
    first = slot * m["route_slot"]
    for index in range(first, first + counts[slot * 3 + 2]):
        vc = routes_due[index]
        router = vcs[vc]["router"] + 0
        route(m, routers, vcs, queue, packets, router, vc)
        rouse(m, routers, active, router)
    m["due"] -= counts[slot * 3] + counts[slot * 3 + 1] + counts[slot * 3 + 2]
    counts[slot * 3] = 0
    counts[slot * 3 + 1] = 0
    counts[slot * 3 + 2] = 0
    create(m, sources, packets, sending, now)


@inlined
def act(m, routers, ports, vcs, queue, sources, order, packets, active, sending, flits_due,
        credits_due, routes_due, counts, tables, scratch, now, backwards):  # fmt: skip
    """Routers allocate and nodes inject, on what they have received; returns the next cycle in
    which something may happen.

    ``backwards``: visit routers and nodes from the end of the lists, which changes nothing.
    """
    span = PORTS * m["vcs"]
    visited = m["active"]
    kept = 0
    for index in range(visited):
        at = visited - 1 - index if backwards else index
        router = active[at]
        r = routers[router]
        wins = 0
        if r["ready"]:
            wins = switch_wins(m, ports, vcs, tables, scratch, router, r["ready"])
        if r["want"]:
            allocate_vcs(m, r, vcs, tables, scratch, router * span)
        for win in range(wins):
            cross(
                m, routers, ports, vcs, queue, packets, flits_due, credits_due, routes_due, counts,
                tables, router, scratch[WINS + win], now,
            )  # fmt: skip
        m["moved"] += wins
        if r["ready"] or (r["want"] and can_allocate(m, r, vcs, tables, router * span)):
            kept += 1
        else:
            r["listed"] = 0
    if kept < visited:
        kept = 0
        for index in range(visited):
            if routers[active[index]]["listed"]:
                active[kept] = active[index]
                kept += 1
    m["active"] = kept

    visited = m["sending"]
    kept = 0
    for index in range(visited):
        at = visited - 1 - index if backwards else index
        node = sending[at]
        if inject(m, vcs, sources, order, packets, flits_due, counts, node, now):
            kept += 1
        else:
            sources[node]["listed"] = 0
    if kept < visited:
        kept = 0
        for index in range(visited):
            if sources[sending[index]]["listed"]:
                sending[kept] = sending[index]
                kept += 1
    m["sending"] = kept

    if m["moved"]:
        m["cycles_moving"] += 1
        m["since"] = now + 1
    else:
        _charge(m, now + 1)
    if m["active"] or m["sending"]:
        return now + 1
    return _next_due(m, packets, counts, now)


@inlined
def _all(m, routers, sources, active, sending):
    """Visit every router and every node in the coming cycle."""
    for router in range(m["routers"]):
        rouse(m, routers, active, router)
        rouse_node(m, sources, sending, router)


@njit
def run(mesh, routers, ports, vcs, queue, sources, order, packets, active, sending, flits_due,
        credits_due, routes_due, counts, tables, scratch, now, until, forced,
        backwards):  # fmt: skip
    """Cycles from ``now`` on, up to ``until`` at most; arrays as of ``PacketState``.

    ``forced``: every router in every cycle, which changes nothing. Returns the cycle to go on
    with, which may lie beyond ``until``, and DONE (all packets delivered, all credits back), STUCK
    or PAUSED.
    """
    m = mesh[0]
    while now < until:
        if m["packets_delivered"] == len(packets) and m["due"] == 0:
            return now, DONE
        if forced:
            _all(m, routers, sources, active, sending)
        receive(
            m, routers, vcs, queue, sources, packets, active, sending, flits_due, credits_due,
            routes_due, counts, now,
        )  # fmt: skip
        following = act(
            m, routers, ports, vcs, queue, sources, order, packets, active, sending, flits_due,
            credits_due, routes_due, counts, tables, scratch, now, backwards,
        )  # fmt: skip
        if forced and following != NEVER:
            following = now + 1
        if following == NEVER:
            finished = m["packets_delivered"] == len(packets)
            return now + 1, DONE if finished else STUCK
        now = following
    _charge(m, until)
    return now, PAUSED
