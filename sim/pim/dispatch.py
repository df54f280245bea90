"""What sends instructions to the channels: in order, so many a cycle, each to all its channels."""

from sim.dram.tables import NEVER
from sim.jit import njit
from sim.pim.requests import offer_request
from sim.pim.state import ACTIVATED, FENCE, NONE, PIM, READS, SKIP, WRITE, WRITES


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
def send(c, s, runs, entries, pending, line, now):
    """Send an instruction to a channel; whether the channel has room for all of it."""
    s["due"] = now
    kind = line["kind"]
    if kind in (PIM, FENCE):
        run = runs[(s["first_run"] + s["runs"]) % runs.shape[0]]
        run["command"] = line["command"]
        run["bank"] = line["bank"]
        run["row"] = line["row"]
        run["column"] = 0
        run["left"] = line["count"]
        run["waits"] = line["waits"]
        s["runs"] += 1
        s["held"] = line["count"]
        return take_held(c, s)
    write = 1 if kind == WRITE else 0
    if offer_request(c, s, entries, pending, line["bank"], line["row"], write, now):
        return True
    s["held_request"] = 1
    s["held_bank"] = line["bank"]
    s["held_row"] = line["row"]
    s["held_write"] = write
    return False


@njit
def send_held(c, e, channels, entries, pending):
    """Offer again what has had no room; whether there was any."""
    if e["held_channels"] == 0:
        return False
    now = e["now"]
    for channel in range(c["channels"]):
        s = channels[channel]
        if s["held"] > 0:
            idle = s["queued"] == 0
            if take_held(c, s):
                e["held_channels"] -= 1
            if idle and s["queued"] > 0:
                s["due"] = now
        elif s["held_request"] and offer_request(
            c, s, entries[channel], pending[channel], s["held_bank"], s["held_row"],
            s["held_write"], now,
        ):  # fmt: skip
            s["held_request"] = 0
            s["due"] = now
            e["held_channels"] -= 1
    return True


@njit
def dispatch(c, e, channels, runs, entries, pending, program):
    """Send what may be sent in this cycle. Returns the next cycle at which it is to be tried, if
    no channel makes room before."""
    now = e["now"]
    if send_held(c, e, channels, entries, pending):
        if e["held_channels"] == 0 and e["waits_for"] == 0:
            e["cursor"] += 1
            return now + 1
        return NEVER
    if e["waits_for"] > 0:
        return NEVER
    for _ in range(c["dispatch_width"]):
        if e["cursor"] == program.shape[0]:
            break
        line = program[e["cursor"]]
        e["dispatched"] += 1
        if line["kind"] != SKIP:
            answers = line["count"] if line["waits"] else 0
            for channel in range(c["channels"]):
                if (line["channels"] >> channel) & 1:
                    e["waits_for"] += answers
                    if not send(c, channels[channel], runs[channel], entries[channel],
                                pending[channel], line, now):  # fmt: skip
                        e["held_channels"] += 1
            if e["held_channels"] > 0 or e["waits_for"] > 0:
                return NEVER
        e["cursor"] += 1
    return now + 1


@njit
def next_run(s, runs):
    """The run of PIM commands at the head of the queue has given one more."""
    run = runs[s["first_run"]]
    run["left"] -= 1
    run["column"] += 1
    s["queued"] -= 1
    s["noted"] = 0
    if run["left"] == 0:
        run["command"] = NONE
        s["first_run"] = (s["first_run"] + 1) % runs.shape[0]
        s["runs"] -= 1
