"""What moves in one cycle: flits and credits that arrive, cross a router or leave a node."""

from sim.jit import njit
from sim.mesh.packet_state import HEAD, NODE, NONE, TAIL
from sim.mesh.packet_switch import PORTS


@njit
def rouse(m, routers, active, router):
    """Put a router into the list of active ones."""
    r = routers[router]
    if r["listed"] == 0:
        r["listed"] = 1
        active[m["active"]] = router
        m["active"] += 1


@njit
def rouse_node(m, sources, sending, node):
    s = sources[node]
    if s["listed"] == 0:
        s["listed"] = 1
        sending[m["sending"]] = node
        m["sending"] += 1


@njit
def send_flit(m, flits_due, counts, when, vc, flit):
    slot = when & (m["slots"] - 1)
    place = counts[slot * 3]
    entry = flits_due[slot * m["flit_slot"] + place]
    entry["vc"] = vc
    entry["flit"] = flit
    counts[slot * 3] = place + 1
    m["due"] += 1


@njit
def send_credit(m, credits_due, counts, when, code):
    slot = when & (m["slots"] - 1)
    place = counts[slot * 3 + 1]
    credits_due[slot * m["credit_slot"] + place] = code
    counts[slot * 3 + 1] = place + 1
    m["due"] += 1


@njit
def route(m, routers, vcs, queue, packets, router, vc):
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
def meet_head(m, routers, vcs, queue, packets, routes_due, counts, router, vc, when):
    """A head is in front from cycle ``when`` on: it is routed, or will be."""
    if m["routing"] == 0:
        route(m, routers, vcs, queue, packets, router, vc)
        return
    slot = (when + m["routing"]) & (m["slots"] - 1)
    place = counts[slot * 3 + 2]
    routes_due[slot * m["route_slot"] + place] = vc
    counts[slot * 3 + 2] = place + 1
    m["due"] += 1


@njit
def arrive(m, routers, vcs, queue, packets, active, flits_due, routes_due, counts, slot, now):
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
        router = record["router"] + 0
        if record["out"] == NONE:
            meet_head(
                m, routers, vcs, queue, packets, routes_due, counts, router, vc, now
            )  # fmt: skip
            if m["routing"]:
                continue
        elif vcs[router * span + record["out"]]["credits"] > 0:
            routers[router]["ready"] |= 1 << (vc - router * span)
        else:
            continue
        rouse(m, routers, active, router)


@njit
def repay(m, routers, vcs, sources, active, sending, credits_due, counts, slot):
    """Credits reach routers and nodes."""
    span = PORTS * m["vcs"]
    first = slot * m["credit_slot"]
    for index in range(first, first + counts[slot * 3 + 1]):
        code = credits_due[index]
        if code < 0:
            vcs[-1 - code]["node_credits"] += 1
            node = vcs[-1 - code]["router"] + 0
            s = sources[node]
            if s["left"] > 0 or s["next"] < s["created"]:
                rouse_node(m, sources, sending, node)
            continue
        record = vcs[code]
        record["credits"] += 1
        owner = record["owner"]
        if owner != NONE and record["credits"] == 1:
            router = record["router"] + 0
            if vcs[router * span + owner]["count"] > 0:
                routers[router]["ready"] |= 1 << owner
                rouse(m, routers, active, router)


@njit
def create(m, sources, packets, sending, now):
    """Packets enter the queues of their nodes."""
    front = m["front"]
    while front < len(packets) and packets[front]["created"] <= now:
        node = packets[front]["src"]
        sources[node]["created"] += 1
        m["queued"] += 1
        rouse_node(m, sources, sending, node)
        front += 1
    m["front"] = front


@njit
def cross(m, routers, ports, vcs, queue, packets, flits_due, credits_due, routes_due, counts,
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
            meet_head(
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
        send_credit(m, credits_due, counts, now + m["credit_sink"], base + out)
    else:
        target = ports[router * PORTS + out_port]["behind"] + out - out_port * count
        send_flit(m, flits_due, counts, now + m["to_router"], target, flit)
    if port == NODE:
        send_credit(m, credits_due, counts, now + m["credit_source"], -1 - vc)
    else:
        target = ports[router * PORTS + port]["behind"] + bit - port * count
        send_credit(m, credits_due, counts, now + m["credit_link"], target)


@njit
def inject(m, vcs, sources, order, packets, flits_due, counts, node, now):
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
    send_flit(m, flits_due, counts, now + m["from_node"], vc, flit)
    return s["left"] > 0 or s["next"] < s["created"]
