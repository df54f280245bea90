"""The loop over cycles: instructions are sent, then each channel that is due is stepped."""

from sim.dram.tables import NEVER
from sim.jit import njit
from sim.pim.alike import part_all
from sim.pim.channel import step
from sim.pim.dispatch import dispatch
from sim.pim.state import ACTIVATED, READS, WRITES

DONE, REFILL, LOG_FULL, STUCK, TOO_MANY_READS = range(5)
PENDING_SPARE = 4
"""Reads that a channel may take in one cycle, and some more."""


@njit
def done_at(c, e, program):
    """Cycle at which all instructions are done, but for answers that are waited for; NEVER if that
    is not known."""
    if e["cursor"] < program.shape[0] or e["open"] > 0 or e["vectors_left"] > 0:
        return NEVER
    return (e["last_done"] + c["period"] - 1) // c["period"]


@njit
def run(config, commands, pim, rules, whole, engine, channels, runs, entries, pending, rows, ready,
        history, issued, program, after, progress, more, every, log):  # fmt: skip
    """Run instructions until all are done; returns why it has come back.

    - ``config``, ``commands``, ``pim``, ``rules``, ``whole``: as of ``sim.pim.tables.Tables``
    - ``engine`` to ``issued``: as of ``sim.pim.state.State``
    - ``program`` [instruction] of PROGRAM; ``more``: others follow these; ``after``: instructions
      that must be done before, in the ranges that ``program`` names; ``progress`` [instruction] of
      PROGRESS
    - ``every``: step each channel in each cycle, which changes nothing but the time it takes
    - ``log`` [command] of LOG, or empty
    """
    c, e = config[0], engine[0]
    together = c["whole_instructions"] == 1 and log.shape[0] == 0 and not every
    while True:
        if e["now"] >= done_at(c, e, program):
            if more:
                e["dispatch_at"] = min(e["dispatch_at"], e["now"])
            if more or e["waits_for"] == 0:
                part_all(c, e, channels, runs, entries, pending, rows, ready, history, issued)
                return REFILL if more else DONE
        if log.shape[0] > 0 and log.shape[0] - e["logged"] < channels.shape[0]:
            return LOG_FULL
        now = e["now"]
        if every or now >= e["dispatch_at"]:
            e["dispatch_at"] = dispatch(
                c, e, channels, runs, entries, pending, rows, ready, history, issued, program,
                after, progress, together,
            )  # fmt: skip
        soonest = NEVER
        for channel in range(channels.shape[0]):
            s = channels[channel]
            if s["members"] == 0:
                continue
            if every or s["due"] <= now:
                held = s["queued"] + s["counts"][READS] + s["counts"][WRITES]
                activated = s["counts"][ACTIVATED]
                step(
                    c, commands, pim, rules, whole, e, s, runs[channel], entries[channel],
                    pending[channel], rows[channel], ready[channel], history[channel],
                    issued[channel], progress, log, channel, together,
                )  # fmt: skip
                left = s["queued"] + s["counts"][READS] + s["counts"][WRITES]
                if e["held_channels"] > 0 and (left != held or s["counts"][ACTIVATED] != activated):
                    e["dispatch_at"] = now + 1
                if s["pending"] > pending.shape[1] - PENDING_SPARE:
                    return TOO_MANY_READS
            soonest = min(soonest, s["due"])
        soonest = min(soonest, e["dispatch_at"])
        until = done_at(c, e, program) if e["waits_for"] == 0 else NEVER
        if until <= now:
            if not more:
                part_all(c, e, channels, runs, entries, pending, rows, ready, history, issued)
                return DONE
            e["now"] = now + 1
            continue
        soonest = min(soonest, until)
        if soonest >= NEVER:
            return STUCK
        e["now"] = now + 1 if every else soonest
