"""What sends instructions to the channels: in order, so many a cycle, each to all its channels."""

from sim.dram.tables import NEVER
from sim.jit import njit
from sim.pim.alike import join, part
from sim.pim.progress import operands_at, time_vectors
from sim.pim.requests import offer_request
from sim.pim.state import ACTIVATED, FENCE, NONE, PIM, READ, READS, SKIP, VECTOR, WRITE, WRITES


@njit
def take_held(c, s):
    """Let PIM commands into the queue, as many as have room; whether all have."""
    if s["counts"][READS] + s["counts"][WRITES] > 0:
        return False
    if c["activated_first"] and s["counts"][ACTIVATED] > 0:
        return False
    taken = min(s["held"], c["pim_entries"] - s["queued"])
    s["queued"] += taken
    s["held"] -= taken
    return s["held"] == 0


@njit
def take_held_request(c, e, s, entries, pending, progress):
    """Offer the read or write that is held; whether it was taken, and was the last."""
    if not offer_request(c, e, s, entries, pending, progress):
        return False
    s["due"] = e["now"]
    s["held_requests"] -= 1
    s["held_column"] += 1
    return s["held_requests"] == 0


@njit
def send(c, e, s, runs, entries, pending, program, progress):
    """Send the next instruction to a channel; whether the channel has room for all of it."""
    s["due"] = e["now"]
    line = program[e["cursor"]]
    kind = line["kind"]
    instruction = e["cursor"] if line["tracked"] else NONE
    if kind in (PIM, FENCE):
        run = runs[(s["first_run"] + s["runs"]) % runs.shape[0]]
        run["command"] = line["command"]
        run["bank"] = line["bank"]
        run["row"] = line["row"]
        run["column"] = line["column"]
        run["left"] = line["count"]
        run["waits"] = line["waits"]
        run["instruction"] = instruction
        s["runs"] += 1
        s["held"] = 1 if c["whole_instructions"] else line["count"]
        return take_held(c, s)
    s["held_requests"] = line["count"]
    s["held_bank"] = line["bank"]
    s["held_row"] = line["row"]
    s["held_column"] = line["column"]
    s["held_write"] = 1 if kind == WRITE else 0
    s["held_instruction"] = instruction
    return take_held_request(c, e, s, entries, pending, progress)


@njit
def send_held(c, e, channels, entries, pending, progress):
    """Offer again what has had no room. Returns the next cycle at which more may be taken, if no
    channel makes room before; ``now`` if all has been."""
    now = e["now"]
    soonest = NEVER
    for channel in range(c["channels"]):
        s = channels[channel]
        if s["members"] == 0:
            continue
        if s["held"] > 0:
            idle = s["queued"] == 0
            if take_held(c, s):
                e["held_channels"] -= 1
            if idle and s["queued"] > 0:
                s["due"] = now
        elif s["held_requests"] > 0:
            before = s["held_requests"]
            if take_held_request(c, e, s, entries[channel], pending[channel], progress):
                e["held_channels"] -= 1
            elif s["held_requests"] < before:
                soonest = now + 1
    return now if e["held_channels"] == 0 else soonest


@njit
def begin(c, e, program, progress):
    """An instruction is sent: nothing of it is done."""
    line = program[e["cursor"]]
    e["dispatched"] += 1
    if not line["tracked"]:
        return
    one = progress[e["cursor"]]
    one["start"] = one["latest"] = e["now"] * c["period"]
    if line["kind"] == SKIP:
        one["done"] = one["start"]
        return
    channels = 0
    for channel in range(c["channels"]):
        channels += (line["channels"] >> channel) & 1
    one["left"] = channels * (line["count"] if line["kind"] in (READ, WRITE) else 1)
    e["open"] += 1


@njit
def dispatch(c, e, channels, runs, entries, pending, rows, ready, history, issued, program, after,
             progress, together):  # fmt: skip
    """Send what may be sent in this cycle; ``together``: step channels that are alike as one.

    Returns the next cycle at which it is to be tried, if no channel makes room and nothing is done
    before.
    """
    now = e["now"]
    time_vectors(c, e, program, after, progress)
    if e["held_channels"] > 0:
        when = send_held(c, e, channels, entries, pending, progress)
        if when == now and e["waits_for"] == 0:
            e["cursor"] += 1
            return now + 1
        return when if when > now else NEVER
    if e["waits_for"] > 0:
        return NEVER
    e["blocked"] = 0
    sent = 0
    while sent < c["dispatch_width"] and e["cursor"] < program.shape[0]:
        line = program[e["cursor"]]
        if line["after_end"] > line["after_begin"] and line["kind"] != VECTOR:
            when = operands_at(c, program, after, progress, e["cursor"], c["period"])
            if when > now * c["period"]:
                e["blocked"] = 1 if when == NEVER else 0
                return when if when == NEVER else (when + c["period"] - 1) // c["period"]
        if line["kind"] == VECTOR:
            e["cursor"] += 1
            continue
        begin(c, e, program, progress)
        sent += 1
        more = False
        if line["kind"] != SKIP:
            answers = line["count"] if line["waits"] else 0
            if together and e["classes"] > 1:
                join(c, e, channels, rows, ready, history, issued)
            if e["classes"] < c["channels"]:
                part(c, e, channels, runs, entries, pending, rows, ready, history, issued,
                     line["channels"])  # fmt: skip
            for channel in range(c["channels"]):
                s = channels[channel]
                if s["members"] > 0 and (line["channels"] >> channel) & 1:
                    e["waits_for"] += answers * s["members"]
                    if not send(c, e, s, runs[channel], entries[channel], pending[channel],
                                program, progress):  # fmt: skip
                        e["held_channels"] += 1
                        more = more or (0 < s["held_requests"] < line["count"])
            if e["held_channels"] > 0 or e["waits_for"] > 0:
                return now + 1 if more else NEVER
        e["cursor"] += 1
    return NEVER if e["open"] > 0 and e["cursor"] == program.shape[0] else now + 1


@njit
def next_run(c, s, runs):
    """The run of PIM commands at the head of the queue has given one more."""
    run = runs[s["first_run"]]
    run["left"] -= 1
    run["column"] += 1
    s["noted"] = 0
    if run["left"] == 0 or not c["whole_instructions"]:
        s["queued"] -= 1
    if run["left"] == 0:
        run["command"] = NONE
        s["first_run"] = (s["first_run"] + 1) % runs.shape[0]
        s["runs"] -= 1
