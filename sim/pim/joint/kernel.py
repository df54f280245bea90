"""Runs the PIM instructions and ordinary requests of one channel."""

from sim.dram.state import READS, WRITES
from sim.dram.tables import NEVER
from sim.jit import njit
from sim.pim.joint.cycle import advance, offer, settle, stuck, take_pim

DONE, LOG_FULL, STUCK = range(3)
COMMANDS_A_CYCLE = 2


@njit
def over(s, q, m, future):
    """Whether all is given, but for a few writes that stay until there are more."""
    if m["head"] < m["tail"] or s["counts"][READS] + q["queued"] > 0:
        return False
    return s["counts"][WRITES] == 0 or future == s["next_refresh"]


@njit
def run(config, commands, rules, limits, joint, channel, arbiter, state, entries, lists, queue,
        soon, queues, shared, marks, banks, pim_rows, ready, history, issued, latencies, finished,
        items, came, requests, until, every, done, pim_done, log):  # fmt: skip
    """Serve PIM instructions and requests until all are given; returns why it has come back.

    - ``config``, ``commands``, ``rules``: as of ``sim.dram.tables.Tables``; ``joint``: JOINT
    - ``limits``, ``arbiter``, ``entries`` to ``marks``: as of ``sim.dram.bank_queues_state``
    - ``channel``, ``banks``, ``ready`` to ``finished``: as of ``sim.dram.state.State``
    - ``state`` [1] of JOINT_STATE, ``pim_rows`` [bank]
    - ``items``: ring of ITEM; ``came``: as of ``JointState``
    - ``requests`` [request] of REQUEST, by cycle
    - ``until``: it goes on to this cycle at least
    - ``every``: step in each cycle, which changes nothing but the time it takes
    - ``done`` [request], ``pim_done`` [tag]: cycle at which each is done, where there is room
    - ``log`` [command] of LOG, or empty
    """
    c, k, j = config[0], limits[0], joint[0]
    s, q, m = channel[0], arbiter[0], state[0]
    while True:
        if log.shape[0] > 0 and log.shape[0] - s["logged"] < COMMANDS_A_CYCLE:
            return LOG_FULL
        now = s["now"]
        settle(s, m)
        s["finished"] = 0
        offered = s["cursor"] < requests.shape[0] and not s["refused"]
        if offered and requests[s["cursor"]]["cycle"] < now:
            if offer(c, j, s, q, m, entries, lists, queue, queues, shared, marks, latencies,
                     finished, requests[s["cursor"]]):  # fmt: skip
                s["cursor"] += 1
            else:
                s["refused"] = 1
        future = take_pim(c, j, s, m, items, came)
        future = min(future, advance(
            c, k, j, s, q, m, commands, rules, banks, pim_rows, ready, history, issued, latencies,
            finished, log, entries, lists, queue, soon, queues, shared, marks, items, came,
        ))  # fmt: skip
        for i in range(s["finished"]):
            if finished[i]["sequence"] < done.shape[0]:
                done[finished[i]["sequence"]] = finished[i]["cycle"]
        if 0 <= m["done_tag"] < pim_done.shape[0]:
            pim_done[m["done_tag"]] = m["done_at"]
        if s["cursor"] < requests.shape[0]:
            if not s["refused"]:
                future = min(future, max(now, requests[s["cursor"]]["cycle"]) + 1)
        elif over(s, q, m, future):
            if now + 1 >= until:
                s["now"] = now + 1
                return DONE
            future = min(future, until - 1)
        if stuck(c, j, s, q, m):
            return STUCK
        if future >= NEVER:
            return STUCK
        s["now"] = now + 1 if every else max(future, now + 1)
