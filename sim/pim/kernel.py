"""The loop over cycles: instructions are sent, then each channel that is due is stepped."""

from sim.dram.tables import NEVER
from sim.jit import njit
from sim.pim.channel import step
from sim.pim.dispatch import dispatch

DONE, REFILL, LOG_FULL, STUCK, TOO_MANY_READS = range(5)
PENDING_SPARE = 4
"""Reads that a channel may take in one cycle, and some more."""


@njit
def run(config, commands, pim, rules, whole, engine, channels, runs, entries, pending, rows, ready,
        history, issued, program, more, every, log):  # fmt: skip
    """Run instructions until all are done; returns why it has come back.

    - ``config``, ``commands``, ``pim``, ``rules``, ``whole``: as of ``sim.pim.tables.Tables``
    - ``engine`` to ``issued``: as of ``sim.pim.state.State``
    - ``program`` [instruction] of PROGRAM; ``more``: others follow these
    - ``every``: step each channel in each cycle, which changes nothing but the time it takes
    - ``log`` [command] of LOG, or empty
    """
    c, e = config[0], engine[0]
    while True:
        if e["cursor"] == program.shape[0]:
            if more:
                return REFILL
            if e["waits_for"] == 0:
                return DONE
        if log.shape[0] > 0 and log.shape[0] - e["logged"] < channels.shape[0]:
            return LOG_FULL
        now = e["now"]
        if every or now >= e["dispatch_at"]:
            e["dispatch_at"] = dispatch(c, e, channels, runs, entries, pending, program)
        soonest = NEVER
        for channel in range(channels.shape[0]):
            s = channels[channel]
            if every or s["due"] <= now:
                gave = step(
                    c, commands, pim, rules, whole, e, s, runs[channel], entries[channel],
                    pending[channel], rows[channel], ready[channel], history[channel],
                    issued[channel], log, channel,
                )  # fmt: skip
                if gave and e["held_channels"] > 0:
                    e["dispatch_at"] = now + 1
                if s["pending"] > pending.shape[1] - PENDING_SPARE:
                    return TOO_MANY_READS
            soonest = min(soonest, s["due"])
        soonest = min(soonest, e["dispatch_at"])
        if e["cursor"] == program.shape[0] and e["waits_for"] == 0:
            if not more:
                return DONE
            e["now"] = now + 1
        elif soonest >= NEVER:
            return STUCK
        else:
            e["now"] = now + 1 if every else soonest
