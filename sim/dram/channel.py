"""A channel's controller: takes requests, picks commands, issues them."""

from sim.dram.picking import locate_all, waits_long
from sim.dram.state import (
    ACTIVATED,
    ACTIVATING,
    BANKS,
    CLOSED,
    FIRST,
    HAZARD,
    KEYS,
    LATENCY_BINS,
    NOWHERE,
    ONE,
    OPENING,
    ORDER,
    READS,
    ROWS,
    WRITES,
)
from sim.dram.tables import ACTIVATE, ACTIVATE_1, NEVER, READ, WRITE
from sim.dram.timing import apply_rules, change_banks
from sim.jit import njit


@njit
def latency_bin(cycles):
    """Bin of a histogram with 16 bins for each power of two."""
    if cycles < 16:
        return cycles
    power = 0
    rest = cycles
    while rest >= 32:
        rest >>= 1
        power += 1
    return min(LATENCY_BINS - 1, 16 * (power + 1) + (rest - 16))


@njit
def end_request(s, finished, sequence, tag, cycle):
    """Tell that a request has its data, or its command if it writes, at ``cycle``."""
    place = finished[s["finished"]]
    place["sequence"] = sequence
    place["tag"] = tag
    place["cycle"] = cycle
    s["finished"] += 1


@njit
def note_read(s, latencies, arrival, cycle):
    """A read has its data at ``cycle``."""
    s["latency_sum"] += cycle - arrival
    latencies[latency_bin(cycle - arrival)] += 1
    s["last_done"] = max(s["last_done"], cycle)


@njit
def waits(s, entries, kind, write, address):
    """Whether a list has a read or write to an address."""
    for i in range(s["counts"][kind]):
        if entries[kind, i]["address"] == address and entries[kind, i]["write"] == write:
            return True
    return False


@njit
def opens_for(s, entries, write, address):
    """Whether a read or write to an address has begun to activate its row."""
    if waits(s, entries, ACTIVATED, write, address):
        return True
    return waits(s, entries, ACTIVATING, write, address)


@njit
def take(c, s, entries, keys, latencies, finished, given):
    """Offer a request in cycle ``now`` - 1; whether it is taken. If not it is to be offered again
    when ``refused`` is 0: an entry has left its list."""
    arrival = s["now"] - 1
    request = s["taken"]
    kind = WRITES if given["write"] else READS
    if waits(s, entries, WRITES, WRITES, given["address"]) or (
        c["ordered"] and opens_for(s, entries, WRITES, given["address"])
    ):
        if given["write"]:
            s["coalesced"] += 1
        else:
            s["forwarded"] += 1
            note_read(s, latencies, arrival, arrival + 1)
        end_request(s, finished, request, given["tag"], arrival + 1)
        s["taken"] += 1
        return True
    if (
        c["ordered"]
        and given["write"]
        and (
            waits(s, entries, READS, READS, given["address"])
            or opens_for(s, entries, READS, given["address"])
        )
    ):
        s["refused"] = HAZARD
        return False
    room = c["write_entries"] if given["write"] else c["read_entries"]
    if s["counts"][kind] >= room:
        s["refused"] = 1 + kind
        return False
    at = s["counts"][kind]
    if at == 0:
        s["oldest"][kind] = arrival
    entry = entries[kind, at]
    keys[ORDER, kind, at] = request
    keys[BANKS, kind, at] = given["bank"]
    entry["bank"] = given["bank"]
    entry["row"] = given["row"]
    entry["column"] = given["column"]
    entry["address"] = given["address"]
    entry["write"] = given["write"]
    entry["sequence"] = request
    entry["tag"] = given["tag"]
    entry["arrival"] = arrival
    entry["noted"] = 0
    s["counts"][kind] = at + 1
    s["taken"] += 1
    return True


@njit
def move(s, entries, keys, kind, i, to):
    """Move an entry to another list, or out if ``to`` is negative."""
    last = s["counts"][kind] - 1
    if to >= 0:
        at = s["counts"][to]
        entries[to, at] = entries[kind, i]
        keys[ORDER, to, at] = keys[ORDER, kind, i]
        keys[BANKS, to, at] = keys[BANKS, kind, i]
        s["counts"][to] = at + 1
    if i != last:
        entries[kind, i] = entries[kind, last]
        for key in range(KEYS):
            keys[key, kind, i] = keys[key, kind, last]
    s["counts"][kind] = last
    if s["refused"] in (HAZARD, 1 + kind):
        s["refused"] = 0


@njit
def note_row(s, banks, entry):
    """Count a request as hit, miss or conflict when its first command issues."""
    if entry["noted"]:
        return
    entry["noted"] = 1
    opened = banks[entry["bank"]]["row"]
    if opened == entry["row"]:
        s["hits"][entry["write"]] += 1
    elif opened in (CLOSED, OPENING):
        s["misses"][entry["write"]] += 1
    else:
        s["conflicts"][entry["write"]] += 1


@njit
def issue(c, s, commands, rules, banks, ready, history, issued, log, command, bank, row, column):
    """Put a command on the bus in cycle ``now``."""
    now = s["now"]
    apply_rules(c, commands, rules, ready, history, command, bank, now)
    change_banks(commands, banks, command, bank, row)
    issued[command] += 1
    s["last_command"] = now
    s["last_action"] = commands[command]["action"]
    at = s["logged"]
    if at < log.shape[0]:
        log[at]["cycle"] = now
        log[at]["command"] = command
        log[at]["bank"] = bank
        log[at]["row"] = row
        log[at]["column"] = column
        s["logged"] = at + 1
    if c["half_clocks"] and commands[command]["slot"] == ROWS and now & 1:
        s["edge_command"] = command
        s["edge_node"] = bank
        longer = c["activate_cycles"] if command == c["command_activate"] else 1
        s["edge_at"] = now + longer


@njit
def serve(c, s, commands, rules, entries, keys, banks, ready, history, issued,
          latencies, finished, log, kind, i, command):  # fmt: skip
    """Issue the command of an entry, and move it on."""
    entry = entries[kind, i]
    bank, row, column = entry["bank"], entry["row"], entry["column"]
    note_row(s, banks, entry)
    action = commands[command]["action"]
    issue(c, s, commands, rules, banks, ready, history, issued, log, command, bank, row, column)
    if action in (READ, WRITE):
        finish(c, s, entry, latencies, finished)
        if c["close_after_cycles"] < NEVER:
            banks[bank]["close_at"] = s["now"] + c["close_after_cycles"]
        move(s, entries, keys, kind, i, NOWHERE)
        if kind == ACTIVATED:
            banks[bank]["owners"] -= 1
        return
    if action == ACTIVATE:
        banks[bank]["owners"] += 1
        move(s, entries, keys, kind, i, ACTIVATED)
    elif action == ACTIVATE_1:
        s["deadline"] = s["now"] + c["two_step_deadline_cycles"]
        move(s, entries, keys, kind, i, ACTIVATING)
        # No bank may begin to open before this one has its second step.
        locate_all(c, s, commands, entries, keys, banks, FIRST, c["banks"])
        return
    locate_all(c, s, commands, entries, keys, banks, bank, ONE)


@njit
def finish(c, s, entry, latencies, finished):
    """A request has its column command."""
    write = entry["write"]
    now = s["now"]
    s["served"][write] += 1
    s["data_until"] = now + c["burst_cycles"]
    until = now
    if not write:
        until += c["read_latency_cycles"]
        note_read(s, latencies, entry["arrival"], until)
    end_request(s, finished, entry["sequence"], entry["tag"], until)


@njit
def choose_drain(c, s, entries):
    """Whether writes go first from now on; returns whether that changes."""
    before = s["draining"]
    reads, writes = s["counts"][READS], s["counts"][WRITES]
    long_read = waits_long(c, s, entries, READS, s["now"])
    long_write = waits_long(c, s, entries, WRITES, s["now"])
    if long_read or long_write:
        older = s["oldest"][WRITES] < s["oldest"][READS]
        s["draining"] = 1 if long_write and (older or not long_read) else 0
    elif before:
        if writes < c["drain_below"] and reads > 0:
            s["draining"] = 0
    elif writes > c["drain_above"] or reads == 0:
        s["draining"] = 1
    return s["draining"] != before
