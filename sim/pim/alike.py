"""Channels that are in the same state and are sent the same: one is stepped for all of them.

The one that is stepped is the leader of its class; the others, its followers, hold in their
counters what they had counted more than their leader when they joined it. A class parts before some
of its channels are sent what the others are not, and leaders that have nothing to do join when
nothing tells them apart any more.
"""

from sim.jit import njit
from sim.pim.state import LISTS


@njit
def is_idle(s):
    """Whether a channel has nothing to do but its refreshes, of which none is due."""
    waiting = s["runs"] + s["held"] + s["held_requests"] + s["pending"] + s["refreshes_due"]
    for kind in range(LISTS):
        waiting += s["counts"][kind]
    return waiting == 0


@njit
def are_alike(c, now, a, b, rows, ready, history, i, j):
    """Whether two idle channels will do the same from now on."""
    if (
        a["register_mode"] != b["register_mode"]
        or a["draining"] != b["draining"]
        or a["next_refresh"] != b["next_refresh"]
        or max(a["writes_until"], now - 1) != max(b["writes_until"], now - 1)
    ):
        return False
    for bank in range(c["banks"]):
        if rows[i, bank] != rows[j, bank]:
            return False
    for at in range(ready.shape[1]):
        if max(ready[i, at], now) != max(ready[j, at], now):
            return False
    # What lies longer ago holds nothing back.
    past = now - c["window_cycles"]
    for kind in range(history.shape[1]):
        for bank in range(c["banks"]):
            for at in range(history.shape[3]):
                mine, others = history[i, kind, bank, at], history[j, kind, bank, at]
                if max(mine, past) != max(others, past):
                    return False
    return True


@njit
def add_counters(a, b, issued_a, issued_b, sign):
    """Add the counters of ``b``, or take them away."""
    a["hits"] += sign * b["hits"]
    a["misses"] += sign * b["misses"]
    a["conflicts"] += sign * b["conflicts"]
    a["forwarded"] += sign * b["forwarded"]
    a["refresh_cycles"] += sign * b["refresh_cycles"]
    a["active_cycles"] += sign * b["active_cycles"]
    for command in range(issued_a.shape[0]):
        issued_a[command] += sign * issued_b[command]


@njit
def join(c, e, channels, rows, ready, history, issued):
    """Let leaders that are alike be one class."""
    for i in range(c["channels"]):
        a = channels[i]
        if a["members"] == 0 or not is_idle(a):
            continue
        for j in range(i + 1, c["channels"]):
            b = channels[j]
            if b["members"] == 0 or not is_idle(b):
                continue
            if not are_alike(c, e["now"], a, b, rows, ready, history, i, j):
                continue
            if a["open_banks"] > 0:
                b["active_cycles"] += a["open_since"] - b["open_since"]
            for other in range(c["channels"]):
                if other != j and channels[other]["leader"] == j:
                    add_counters(channels[other], b, issued[other], issued[j], 1)
                    add_counters(channels[other], a, issued[other], issued[i], -1)
                    channels[other]["leader"] = i
            add_counters(b, a, issued[j], issued[i], -1)
            b["leader"] = i
            a["members"] += b["members"]
            b["members"] = 0
            e["classes"] -= 1


@njit
def lead(c, channels, runs, entries, pending, rows, ready, history, issued, i, j):
    """Take a follower, ``j``, out of the class of ``i``; it leads a class of its own."""
    a, b = channels[i], channels[j]
    # Of its record only the counters count so far.
    add_counters(b, a, issued[j], issued[i], 1)
    hits, misses, conflicts = b["hits"], b["misses"], b["conflicts"]
    forwarded, refresh, active = b["forwarded"], b["refresh_cycles"], b["active_cycles"]
    channels[j] = channels[i]
    b["hits"], b["misses"], b["conflicts"] = hits, misses, conflicts
    b["forwarded"], b["refresh_cycles"], b["active_cycles"] = forwarded, refresh, active
    b["leader"] = j
    b["members"] = 1
    a["members"] -= 1
    for kind in range(LISTS):
        for at in range(a["counts"][kind]):
            entries[j, kind, at] = entries[i, kind, at]
    for at in range(a["runs"]):
        place = (a["first_run"] + at) % runs.shape[1]
        runs[j, place] = runs[i, place]
    for at in range(a["pending"]):
        place = (a["first_pending"] + at) % pending.shape[1]
        pending[j, place] = pending[i, place]
    for bank in range(c["banks"]):
        rows[j, bank] = rows[i, bank]
    for at in range(ready.shape[1]):
        ready[j, at] = ready[i, at]
    for kind in range(history.shape[1]):
        for bank in range(c["banks"]):
            for at in range(history.shape[3]):
                history[j, kind, bank, at] = history[i, kind, bank, at]


@njit
def part(c, e, channels, runs, entries, pending, rows, ready, history, issued, mask):
    """Part each class of which some channels are in a mask and some are not."""
    for i in range(c["channels"]):
        a = channels[i]
        if a["members"] < 2:
            continue
        inside = (mask >> i) & 1
        leader = -1
        for j in range(c["channels"]):
            b = channels[j]
            if j == i or b["leader"] != i or (mask >> j) & 1 == inside:
                continue
            if leader < 0:
                leader = j
                lead(c, channels, runs, entries, pending, rows, ready, history, issued, i, j)
                e["classes"] += 1
            else:
                # What it had more than its leader; now, more than its new leader.
                add_counters(b, a, issued[j], issued[i], 1)
                add_counters(b, channels[leader], issued[j], issued[leader], -1)
                b["leader"] = leader
                a["members"] -= 1
                channels[leader]["members"] += 1


@njit
def part_all(c, e, channels, runs, entries, pending, rows, ready, history, issued):
    """Let each channel have its own state and counters."""
    for j in range(c["channels"]):
        part(c, e, channels, runs, entries, pending, rows, ready, history, issued, 1 << j)
