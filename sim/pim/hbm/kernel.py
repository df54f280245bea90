"""The loop: each channel goes on by itself, until a cycle or the end of a part of the trace."""

from sim.jit import njit
from sim.pim.hbm.channel import NEVER_AGAIN, seek, step

DONE, LOG_FULL, FAULT, STUCK = range(4)
LOG_SPARE = 80
"""Lines of the log that a cycle may take: JUMPs, a command, and changes of registers and mode."""


@njit
def run(config, where, commands, rules, whole, spans, engine, channels, units, entries, order, rows,
        ready, history, issued, program, words, more, until, idle, every, log, steps):  # fmt: skip
    """Run channels; returns why it has come back.

    - ``config`` to ``spans``: as of ``sim.pim.hbm.tables.Tables``
    - ``engine`` [1]: ``channel`` that goes next, ``logged``
    - ``channels`` to ``issued``: as of ``sim.pim.hbm.state.State``
    - ``program``, ``words``: as of ``traces.pim.hbm_dtype.HbmChunk``; ``more``: others follow
    - ``until``: the last cycle to be run; ``idle``: channels that have nothing left go on too
    - ``every``: step in each cycle, which changes nothing but the time it takes
    - ``log`` [line] of LOG, or empty; ``steps`` [STEPS_MAX], room
    """
    c, w, e = config[0], where[0], engine[0]
    t = (commands, rules, whole, spans)
    while e["channel"] < channels.shape[0]:
        channel = e["channel"]
        s, u = channels[channel], units[channel]
        own = (entries[channel], order[channel], rows[channel], ready[channel], history[channel],
               issued[channel])  # fmt: skip
        while s["now"] <= until:
            if not idle and s["queued"] == 0 and not more and not seek(s, program, channel):
                break
            if log.shape[0] > 0 and log.shape[0] - e["logged"] < LOG_SPARE:
                return LOG_FULL
            if not every and s["due"] > s["now"]:
                s["now"] = min(s["due"], until + 1)
                continue
            if not step(c, w, t, e, s, u, own, program, words, more, log, steps, channel):
                break
            if s["fault"] > 0:
                return FAULT
            if s["due"] == NEVER_AGAIN:
                return STUCK
            s["now"] += 1
        e["channel"] += 1
    return DONE
