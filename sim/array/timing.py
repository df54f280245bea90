"""The timing kernel of the systolic array: when folds load, stream and leave.

The array advances as a whole. Its *beat* is one advance; a beat takes one cycle, or more where
the scratchpads' ports cannot serve in one cycle all that the array wants. In beats, a fold of a
rows, b columns and t vectors, on PEs of latency p, goes like this (docs/systolic_array.md shows
why):

- load (``ws``, ``is``): a beats, or what is given for an empty array;
- stream: t beats, or as many as t vectors take where copies share them;
- its results leave in t beats from ``a p + b - 2`` after the start of the stream (``ws``,
  ``is``), or in a beats from ``t + p + a + b - 3`` after it (``os``).

A fold is picked when all that its command depends on is there, loads as soon as the registers
it needs are free, and streams as soon as its results cannot overtake those of the fold before, or
these have left.
"""

from sim.array.demand import demand_of, publish_demand
from sim.array.events import count_operands, count_results
from sim.array.folds import OS, next_fold, stream_beats
from sim.array.state import LOADED, LOADING, NO_FOLD, OVERLAPPED, PICKED, SERIAL
from sim.contract import (
    BUSY_DRAIN,
    BUSY_LOAD,
    BUSY_STREAM,
    IDLE,
    NEVER,
    STALL_PORTS,
    cause_of_waiting,
    charge,
    finish,
    first_missing,
    seen_at,
    wake,
)
from sim.jit import njit


@njit
def pick(s, command, commands):
    """Take the next fold of a command to the array's entry."""
    cursor = s["cursor"]
    row = commands[command]
    if cursor["groups_left"] == 0:
        cursor["groups_left"] = row["groups"]
        cursor["outer"] = 0
        cursor["inner"] = 0
    entry = s["entry"]
    entry["command"] = command
    next_fold(
        cursor, entry, s["dataflow"], s["rows"], s["cols"], s["full_edges"] == 1,
        row["m"], row["n"], row["k"], row["pack"],
    )  # fmt: skip
    if entry["last"]:
        s["head"] += 1
    if s["dataflow"] == OS:
        s["stage"] = LOADED
    else:
        s["stage"] = PICKED


@njit
def load_from(s):
    """Earliest beat at which the fold at the entry may load: not before the registers that it
    shares with the fold before it are free."""
    if s["drain"] == SERIAL:
        return s["order_left"]
    shared = min(s["order_rows"], s["entry"]["timed_rows"])
    free = s["order_start"]
    if not s["overlapped_load"]:
        free = s["order_end"] - 1
    return free + (shared - 1) * (s["pe_latency"] - 1)


@njit
def load_beats(s):
    """Beats in which the fold at the entry loads, from this one on."""
    if s["empty_load"] > 0 and s["beat"] >= s["order_left"]:
        return s["empty_load"]
    return s["entry"]["timed_rows"]


@njit
def stream_from(s):
    """Earliest beat at which the fold at the entry may stream after the one before it."""
    entry = s["entry"]
    if s["drain"] != OVERLAPPED:
        return s["order_left"]
    rows = entry["timed_rows"]
    cols = entry["timed_cols"]
    p = s["pe_latency"]
    earliest = s["order_end"]
    if s["dataflow"] == OS:
        shrink = max(0, s["order_rows"] - rows)
        leads = entry["length"] + p + rows + cols - 3
        earliest = max(earliest, s["order_end"] + s["order_rows"] + shrink - entry["length"])
    else:
        shrink = max(0, s["order_rows"] - rows)
        leads = rows * p + cols - 2
        earliest += shrink * p
    return max(earliest, s["order_out"] + s["order_out_beats"] - leads)


@njit
def start_stream(s, outs, core, commands):
    """Let the fold at the entry stream, and schedule its results."""
    fold = s["stream"]
    entry = s["entry"]
    fold["command"] = entry["command"]
    fold["rows"] = entry["rows"]
    fold["cols"] = entry["cols"]
    fold["length"] = entry["length"]
    fold["groups"] = entry["groups"]
    fold["timed_rows"] = entry["timed_rows"]
    fold["timed_cols"] = entry["timed_cols"]
    fold["first_depth"] = entry["first_depth"]
    fold["last_depth"] = entry["last_depth"]
    fold["last"] = entry["last"]
    beat = s["beat"]
    p = s["pe_latency"]
    rows = fold["timed_rows"]
    cols = fold["timed_cols"]
    length = stream_beats(s, fold["length"])
    s["streaming"] = 1
    s["stage"] = NO_FOLD
    s["stream_end"] = beat + length
    if s["dataflow"] == OS:
        beats = rows
        start = beat + length + p + rows + cols - 3
        if not s["drain_counted"]:
            start -= rows
    else:
        beats = length
        start = beat + rows * p + cols - 2
    s["order_start"] = beat
    s["order_end"] = beat + length
    s["order_rows"] = rows
    s["order_cols"] = cols
    s["order_out"] = start
    s["order_out_beats"] = beats
    s["order_left"] = start + beats
    out = outs[core, s["out_tail"] % outs.shape[1]]
    out["start"] = start
    out["beats"] = beats
    out["command"] = fold["command"] if fold["last"] else -1
    count_operands(s, fold)
    count_results(s, fold, commands[fold["command"]], out)
    s["out_tail"] += 1


@njit
def next_beat(s, outs, core):
    """The next beat at which something inside the array is due, NEVER if nothing is."""
    due = NEVER
    if s["stage"] == PICKED:
        due = load_from(s)
    elif s["stage"] == LOADING:
        due = s["load_end"]
    elif s["stage"] == LOADED and not s["streaming"]:
        due = stream_from(s)
    if s["streaming"]:
        due = min(due, s["stream_end"])
    if s["out_head"] < s["out_tail"]:
        out = outs[core, s["out_head"] % outs.shape[1]]
        if out["start"] > s["beat"]:
            due = min(due, out["start"])
        else:
            due = min(due, out["start"] + out["beats"])
    return due


@njit
def advance(s, outs, core, units, unit, runtime, commands, dependencies, queue, now):
    """Do all that is due at this beat; return what the next command lacks, or -1."""
    missing = -1
    moved = True
    while moved:
        moved = False
        if s["streaming"] and s["beat"] >= s["stream_end"]:
            s["streaming"] = 0
            moved = True
        if s["out_head"] < s["out_tail"]:
            out = outs[core, s["out_head"] % outs.shape[1]]
            if s["beat"] >= out["start"] + out["beats"]:
                if out["command"] >= 0:
                    finish(units, runtime, unit, out["command"], now)
                s["out_head"] += 1
                moved = True
        if s["stage"] == NO_FOLD and s["head"] < s["queue_end"]:
            command = queue[s["head"]]
            if s["cursor"]["groups_left"] == 0:
                missing = first_missing(units, commands, dependencies, runtime, unit, command, now)
            if missing < 0:
                pick(s, command, commands)
                moved = True
        if s["stage"] == PICKED and s["beat"] >= load_from(s):
            s["stage"] = LOADING
            s["load_end"] = s["beat"] + load_beats(s)
            note_start(s["entry"], runtime, now)
            moved = True
        if s["stage"] == LOADING and s["beat"] >= s["load_end"]:
            s["stage"] = LOADED
            moved = True
        if s["stage"] == LOADED and not s["streaming"] and s["beat"] >= stream_from(s):
            note_start(s["entry"], runtime, now)
            start_stream(s, outs, core, commands)
            moved = True
    return missing


@njit
def note_start(fold, runtime, now):
    """Note when the first fold of a command enters."""
    if runtime[fold["command"]]["start"] < 0:
        runtime[fold["command"]]["start"] = now


@njit
def cause(s, commands, missing):
    """What the array does from here on."""
    if s["streaming"]:
        return BUSY_STREAM
    if s["stage"] == LOADING:
        return BUSY_LOAD
    if missing >= 0:
        return cause_of_waiting(commands, missing)
    if s["stage"] != NO_FOLD or s["out_head"] < s["out_tail"]:
        return BUSY_DRAIN
    return IDLE


@njit
def charge_beats(s, accounts, ticks_by_cause, row, now, period):
    """Charge the time since the last charge: of a beat that takes several cycles, only the last
    one to what it does, the others to the ports."""
    account = accounts[row]
    since = account["since"]
    why = account["why"]
    beat_ticks = s["beat_cycles"] * period
    if s["beat_cycles"] > 1:
        beats = (now - s["since"]) // beat_ticks - (since - s["since"]) // beat_ticks
        waited = (now - since) - beats * period
        ticks_by_cause[row, STALL_PORTS] += waited
        ticks_by_cause[row, why] -= waited
    charge(accounts, ticks_by_cause, row, why, now)


@njit
def step_array(
    units, unit, now, arrays, outs, demands, demand_tails, accounts, ticks_by_cause, commands,
    dependencies, runtime, queue,
):  # fmt: skip
    """Between beats do nothing; at the end of a beat do all that is due."""
    core = units[unit]["index"]
    period = units[unit]["period"]
    row = units[unit]["first_account"]
    s = arrays[core]
    beat_ticks = s["beat_cycles"] * period
    passed = (now - s["since"]) // beat_ticks
    charge_beats(s, accounts, ticks_by_cause, row, now, period)
    if s["since"] + passed * beat_ticks != now:
        return s["since"] + (passed + 1) * beat_ticks
    missing = -1
    if s["stage"] == NO_FOLD and s["head"] < s["queue_end"] and s["cursor"]["groups_left"] == 0:
        command = queue[s["head"]]
        missing = first_missing(units, commands, dependencies, runtime, unit, command, now)
    enters = s["stage"] == NO_FOLD and s["head"] < s["queue_end"] and missing < 0
    if enters or next_beat(s, outs, core) <= s["beat"] + passed:
        s["beat"] += passed
        s["since"] = now
        missing = advance(s, outs, core, units, unit, runtime, commands, dependencies, queue, now)
        s["beat_cycles"] = demand_of(s, outs, core)
        if publish_demand(s, core, demands, demand_tails, now):
            wake(units, unit + 1, now + period)
    accounts[row]["why"] = cause(s, commands, missing)
    due = next_beat(s, outs, core)
    if due < NEVER:
        due = s["since"] + (due - s["beat"]) * s["beat_cycles"] * period
    if missing >= 0:
        due = min(due, seen_at(units, runtime, unit, missing))
    return due
