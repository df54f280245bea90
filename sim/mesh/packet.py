"""The cycles of a mesh of packet-switched routers.

Only routers and nodes that may do something are visited; the others sleep until a flit, a credit
or a new packet reaches them. Wheels hold what is on links. Within a cycle first everything that is
due arrives, then each router allocates on what it was at the start, then nodes inject: nobody sees
what another does in that cycle, so the order of routers does not matter.
"""

from sim.jit import inlined, njit
from sim.mesh.packet_state import DONE, HEAD, NEVER, NODE, NONE, PAUSED, STUCK, TAIL, WINS
from sim.mesh.packet_switch import PORTS, switch_wins
from sim.mesh.packet_vcs import allocate_vcs, can_allocate


@njit
def _rouse(m, routers, active, router):
    """Put a router into the list of active ones."""
    r = routers[router]
    if r["listed"] == 0:
        r["listed"] = 1
        active[m["active"]] = router
        m["active"] += 1


@njit
def _rouse_node(m, sources, sending, node):
    s = sources[node]
    if s["listed"] == 0:
        s["listed"] = 1
        sending[m["sending"]] = node
        m["sending"] += 1


@njit
def _send_flit(m, flits_due, counts, when, vc, flit):
    slot = when & (m["slots"] - 1)
    place = counts[slot * 3]
    entry = flits_due[slot * m["flit_slot"] + place]
    entry["vc"] = vc
    entry["flit"] = flit
    counts[slot * 3] = place + 1
    m["due"] += 1


@njit
def _send_credit(m, credits_due, counts, when, code):
    slot = when & (m["slots"] - 1)
    place = counts[slot * 3 + 1]
    credits_due[slot * m["credit_slot"] + place] = code
    counts[slot * 3 + 1] = place + 1
    m["due"] += 1


@njit
def _route(m, routers, vcs, queue, packets, router, vc):
    """The head in front of an input VC is routed, x before y, and wants an output VC."""
    r = routers[router]
    record = vcs[vc]
    p = packets[queue[vc * m["depth"] + record["head"]] >> 2]
    out = NODE
    if p["x"] != r["x"]:
        out = 0 if p["x"] > r["x"] else 1
    elif p["y"] != r["y"]:
        out = 2 if p["y"] > r["y"] else 3
    record["out"] = out * m["vcs"]
    r["want"] |= 1 << (vc - router * PORTS * m["vcs"])


@njit
def _meet_head(m, routers, vcs, queue, packets, routes_due, counts, router, vc, when):
    """A head is in front from cycle ``when`` on: it is routed, or will be."""
    if m["routing"] == 0:
        _route(m, routers, vcs, queue, packets, router, vc)
        return
    slot = (when + m["routing"]) & (m["slots"] - 1)
    place = counts[slot * 3 + 2]
    routes_due[slot * m["route_slot"] + place] = vc
    counts[slot * 3 + 2] = place + 1
    m["due"] += 1


@njit
def _arrive(m, routers, vcs, queue, packets, active, flits_due, routes_due, counts, slot, now):
    """Flits reach the queues of routers."""
    span = PORTS * m["vcs"]
    first = slot * m["flit_slot"]
    for index in range(first, first + counts[slot * 3]):
        vc = flits_due[index]["vc"]
        record = vcs[vc]
        place = record["head"] + record["count"]
        if place >= m["depth"]:
            place -= m["depth"]
        queue[vc * m["depth"] + place] = flits_due[index]["flit"]
        record["count"] += 1
        if record["count"] > 1:
            continue
        router = vc // span
        if record["out"] == NONE:
            _meet_head(
                m, routers, vcs, queue, packets, routes_due, counts, router, vc, now
            )  # fmt: skip
            if m["routing"]:
                continue
        elif vcs[router * span + record["out"]]["credits"] > 0:
            routers[router]["ready"] |= 1 << (vc - router * span)
        else:
            continue
        _rouse(m, routers, active, router)


@njit
def _repay(m, routers, vcs, sources, active, sending, credits_due, counts, slot):
    """Credits reach routers and nodes."""
    span = PORTS * m["vcs"]
    first = slot * m["credit_slot"]
    for index in range(first, first + counts[slot * 3 + 1]):
        code = credits_due[index]
        if code < 0:
            vcs[-1 - code]["node_credits"] += 1
            node = (-1 - code) // span
            s = sources[node]
            if s["left"] > 0 or s["next"] < s["created"]:
                _rouse_node(m, sources, sending, node)
            continue
        record = vcs[code]
        record["credits"] += 1
        owner = record["owner"]
        if owner != NONE and record["credits"] == 1:
            router = code // span
            if vcs[router * span + owner]["count"] > 0:
                routers[router]["ready"] |= 1 << owner
                _rouse(m, routers, active, router)


@njit
def _create(m, sources, packets, sending, now):
    """Packets enter the queues of their nodes."""
    front = m["front"]
    while front < len(packets) and packets[front]["created"] <= now:
        node = packets[front]["src"]
        sources[node]["created"] += 1
        m["queued"] += 1
        _rouse_node(m, sources, sending, node)
        front += 1
    m["front"] = front


@njit
def _cross(m, routers, ports, vcs, queue, packets, flits_due, credits_due, routes_due, counts,
           tables, router, bit, now):  # fmt: skip
    """The flit in front of input VC ``bit`` leaves a router."""
    count = m["vcs"]
    base = router * PORTS * count
    r = routers[router]
    vc = base + bit
    record = vcs[vc]
    flit = queue[vc * m["depth"] + record["head"]]
    record["head"] = record["head"] + 1 if record["head"] + 1 < m["depth"] else 0
    record["count"] -= 1
    out = record["out"] + 0
    port = tables[67 + bit]
    out_port = tables[67 + out]
    output = vcs[base + out]
    output["credits"] -= 1
    if record["count"] == 0 or output["credits"] == 0 or flit & TAIL:
        r["ready"] ^= 1 << bit
    if flit & TAIL:
        r["free"] |= 1 << out
        output["owner"] = NONE
        record["out"] = NONE
        if record["count"] > 0:
            _meet_head(
                m, routers, vcs, queue, packets, routes_due, counts, router, vc, now + 1
            )  # fmt: skip
    ports[router * PORTS + out_port]["flits"] += 1
    m["flit_hops"] += 1
    if out_port == NODE:
        m["inside"] -= 1
        m["flits_delivered"] += 1
        if flit & TAIL:
            packets[flit >> 2]["arrived"] = now + m["to_node"]
            m["packets_delivered"] += 1
            m["last_arrival"] = now + m["to_node"]
        _send_credit(m, credits_due, counts, now + m["credit_sink"], base + out)
    else:
        target = ports[router * PORTS + out_port]["behind"] + out - out_port * count
        _send_flit(m, flits_due, counts, now + m["to_router"], target, flit)
    if port == NODE:
        _send_credit(m, credits_due, counts, now + m["credit_source"], -1 - vc)
    else:
        target = ports[router * PORTS + port]["behind"] + bit - port * count
        _send_credit(m, credits_due, counts, now + m["credit_link"], target)


@njit
def _inject(m, vcs, sources, order, packets, flits_due, counts, node, now):
    """A node sends a flit if it can; returns whether it may be able to in the next cycle."""
    count = m["vcs"]
    s = sources[node]
    first = (node * PORTS + NODE) * count
    if s["left"] == 0 and s["next"] == s["created"]:
        return False
    number = order[s["next"]]
    p = packets[number]
    flit = number * 4
    if s["left"] == 0:
        vc = s["vc"] + 0
        for _ in range(count):
            vc = vc + 1 if vc + 1 < count else 0
            if vcs[first + vc]["node_credits"] > 0:
                break
        if vcs[first + vc]["node_credits"] == 0:
            return False
        s["vc"] = vc
        s["left"] = p["flits"]
        p["injected"] = now
        flit |= HEAD
    vc = first + s["vc"]
    record = vcs[vc]
    if record["node_credits"] == 0:
        return False
    record["node_credits"] -= 1
    s["left"] -= 1
    if s["left"] == 0:
        flit |= TAIL
        s["next"] += 1
        m["queued"] -= 1
    m["inside"] += 1
    m["moved"] += 1
    m["flits_injected"] += 1
    _send_flit(m, flits_due, counts, now + m["from_node"], vc, flit)
    return s["left"] > 0 or s["next"] < s["created"]


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
        for when in range(now + 1, now + m["slots"] + 1):
            slot = (when & (m["slots"] - 1)) * 3
            if counts[slot] + counts[slot + 1] + counts[slot + 2]:
                return min(soonest, when)
    return soonest


@inlined
def _step(m, routers, ports, vcs, queue, sources, order, packets, active, sending, flits_due,
          credits_due, routes_due, counts, tables, scratch, now, backwards):  # fmt: skip
    """One cycle; returns the next one in which something may happen.

    ``backwards``: visit routers and nodes from the end of the lists, which changes nothing.
    """
    _charge(m, now)
    m["moved"] = 0
    span = PORTS * m["vcs"]
    slot = now & (m["slots"] - 1)
    _repay(m, routers, vcs, sources, active, sending, credits_due, counts, slot)
    _arrive(m, routers, vcs, queue, packets, active, flits_due, routes_due, counts, slot, now)
    first = slot * m["route_slot"]
    for index in range(first, first + counts[slot * 3 + 2]):
        vc = routes_due[index]
        router = vc // span
        _route(m, routers, vcs, queue, packets, router, vc)
        _rouse(m, routers, active, router)
    m["due"] -= counts[slot * 3] + counts[slot * 3 + 1] + counts[slot * 3 + 2]
    counts[slot * 3] = 0
    counts[slot * 3 + 1] = 0
    counts[slot * 3 + 2] = 0
    _create(m, sources, packets, sending, now)

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
            _cross(
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
        if _inject(m, vcs, sources, order, packets, flits_due, counts, node, now):
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
        _rouse(m, routers, active, router)
        _rouse_node(m, sources, sending, router)


@njit
def run(mesh, routers, ports, vcs, queue, sources, order, packets, active, sending, flits_due,
        credits_due, routes_due, counts, tables, scratch, now, until, forced, backwards):  # fmt: skip
    """Cycles from ``now`` on, up to ``until`` at most; arrays as of ``PacketState``.

    ``forced``: every router in every cycle, which changes nothing. Returns the next cycle, and
    DONE (all packets delivered, all credits back), STUCK or PAUSED.
    """
    m = mesh[0]
    while now < until:
        if m["packets_delivered"] == len(packets) and m["due"] == 0:
            return now, DONE
        if forced:
            _all(m, routers, sources, active, sending)
        following = _step(
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
    return until, PAUSED
