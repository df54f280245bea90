"""Which request goes next: the oldest whose command may issue, of each list.

The policy is that of Ramulator 2.1 (CMU-SAFARI/ramulator2, commit c5b1c3a): requests that have
activated their row come first, then refreshes, then reads or writes. A pick stays right until its
list or a bank changes: of all candidates it is the one that may issue first, the oldest of those.
"""

from sim.dram.state import ACTIVATING, BANKS, COLUMNS, ENTRIES_MAX, ORDER, WRITES
from sim.dram.tables import NEVER, PRECHARGE
from sim.dram.timing import next_command
from sim.jit import njit

PLACES, AGES, FAR = 1 << 8, 1 << 32, 1 << 22
"""Entries, requests since an entry came, and cycles that it waits: less of them fit into one
number of 62 bits."""
WAIT = PLACES * AGES


@njit
def edge_after(c, s, commands, command, bank, when):
    """First cycle from ``when`` on at whose clock edge a command may start."""
    if not c["half_clocks"]:
        return when
    if when & 1:
        return when
    if not commands[command]["any_edge"]:
        return when + 1
    if when == s["edge_at"] and pairs_badly(commands, s, command, bank):
        return when + 1
    return when


@njit
def pairs_badly(commands, s, command, bank):
    """Whether a precharge on the falling edge clashes with the row command of the rising one."""
    before = commands[s["edge_command"]]["span"]
    here = commands[command]["span"]
    span = max(before, here)
    if span == 1:
        return bank == s["edge_node"]
    return bank // span == s["edge_node"] // span


@njit
def closes_owned(commands, banks, command, bank):
    """Whether a command closes a row for which a request has asked and not come."""
    if commands[command]["action"] != PRECHARGE:
        return False
    span = commands[command]["span"]
    first = bank - bank % span
    waiting = 0
    for other in range(first, first + span):
        waiting += banks[other]["owners"]
    return waiting > 0


@njit
def locate(c, s, commands, entries, keys, banks, kind, i):
    """Note where the ready time of an entry's next command is, for each bus.

    The last place is never ready: for a command of the other bus, and one that would close a row
    for which another request has asked, or open one while another bank is between its two steps.
    """
    entry = entries[kind, i]
    bank = entry["bank"]
    command = next_command(c, banks, bank, entry["row"], entry["write"])
    place = command * c["banks"] + bank
    never = c["commands"] * c["banks"]
    if kind <= WRITES and command == c["command_precharge"] and banks[bank]["owners"] > 0:
        place = never
    opens = command in (c["command_activate"], c["command_activate_2"])
    if opens and s["counts"][ACTIVATING] > 0:
        place = never
    if c["slots"] == 1:
        keys[COLUMNS, kind, i] = place
        return
    slot = commands[command]["slot"]
    keys[slot, kind, i] = place
    keys[1 - slot, kind, i] = never


@njit
def locate_all(c, s, commands, entries, keys, banks, bank, span):
    """The rows of some banks have changed: what their requests need has, too."""
    for kind in range(ACTIVATING):
        for i in range(s["counts"][kind]):
            if bank <= keys[BANKS, kind, i] < bank + span:
                locate(c, s, commands, entries, keys, banks, kind, i)


@njit
def when_at(c, s, commands, ready, place, now):
    """Cycle from which on the command at a place may issue."""
    when = max(now, ready[place])
    if c["half_clocks"] and when < NEVER:
        banks = c["banks"]
        when = edge_after(c, s, commands, place // banks, place % banks, when)
    return when


@njit
def waits_long(c, s, entries, kind, now):
    """Whether the oldest read or write has waited for so long that it goes before all others."""
    if s["counts"][kind] == 0 or now - s["oldest"][kind] < c["cap_cycles"]:
        return False
    oldest = NEVER
    for i in range(s["counts"][kind]):
        oldest = min(oldest, entries[kind, i]["arrival"])
    s["oldest"][kind] = oldest
    return now - oldest >= c["cap_cycles"]


@njit
def pick_anew(c, s, commands, entries, keys, ready, kind, slot, now, pick):
    """The pick of a list for a bus: of the entries that may go first, the oldest."""
    when, sequence, found = NEVER, NEVER, -1
    pick["stale"] = 0
    pick["until"] = NEVER
    if kind <= WRITES:
        long = waits_long(c, s, entries, kind, now)
        if long or c["first_come"]:
            for i in range(s["counts"][kind]):
                if entries[kind, i]["sequence"] < sequence:
                    sequence, found = entries[kind, i]["sequence"], i
            pick["entry"] = found
            pick["when"] = NEVER
            if found >= 0:
                pick["when"] = when_at(c, s, commands, ready, keys[slot, kind, found], now)
            return
        if c["cap_cycles"] < NEVER and s["counts"][kind] > 0:
            pick["until"] = s["oldest"][kind] + c["cap_cycles"]
    if c["half_clocks"]:
        for i in range(s["counts"][kind]):
            at = when_at(c, s, commands, ready, keys[slot, kind, i], now)
            if at <= when and (at < when or keys[ORDER, kind, i] < sequence):
                when, sequence, found = at, keys[ORDER, kind, i], i
    else:
        when, found = first_of(keys, ready, slot, kind, s["counts"][kind], now, s["taken"])
    pick["entry"] = found
    pick["when"] = when


@njit
def first_of(keys, ready, slot, kind, count, now, taken):
    """When the first of a list may go, and which of those that then may is the oldest.

    Wait, order and place are one number, so that one loop without a branch finds the least. What
    does not fit takes two.
    """
    least = FAR * WAIT
    for i in range(count):
        wait = min(max(0, ready[keys[slot, kind, i]] - now), FAR)
        order = max(0, keys[ORDER, kind, i] - taken + AGES)
        least = min(least, wait * WAIT + order * PLACES + i)
    if least < FAR * WAIT and count <= PLACES:
        return now + least // WAIT, least % PLACES
    when = first_ready(keys, ready, slot, kind, count, now)
    return when, oldest_ready(keys, ready, slot, kind, count, when)


@njit
def first_ready(keys, ready, slot, kind, count, now):
    """Cycle at which the first of some entries may go."""
    when = NEVER
    for i in range(count):
        when = min(when, ready[keys[slot, kind, i]])
    return max(when, now)


@njit
def oldest_ready(keys, ready, slot, kind, count, when):
    """The oldest of the entries that may go at a cycle, or -1.

    Order and place are one number, so that the loop has no branch.
    """
    least = NEVER
    for i in range(count):
        own = keys[ORDER, kind, i] * ENTRIES_MAX + i
        least = min(least, own if ready[keys[slot, kind, i]] <= when else NEVER)
    return least % ENTRIES_MAX if least < NEVER else -1


@njit
def restricted(c, pick):
    """Whether the pick is of the oldest entry alone."""
    return c["first_come"] == 1 or (c["cap_cycles"] < NEVER and pick["until"] == NEVER)


@njit
def pick_again(c, s, commands, entries, keys, banks, ready, kind, slot, bank, pick):
    """The pick of a list after a column command to a bank, of a request that had activated it.

    All commands may issue later than before, if at all, but the precharge that waited for the
    request: so the pick stays if it may issue as early as before and no such precharge is earlier.
    One that could have issued in this cycle has to stand against others that may in the next.
    """
    when = pick["when"]
    if pick["stale"] or when <= s["now"] or pick["until"] <= s["now"] or restricted(c, pick):
        pick["stale"] = 1
        return
    place = keys[slot, kind, max(0, pick["entry"])]
    if pick["entry"] >= 0 and when_at(c, s, commands, ready, place, when) > when:
        pick["stale"] = 1
        return
    if banks[bank]["owners"] > 0:
        return
    for i in range(s["counts"][kind]):
        if entries[kind, i]["bank"] == bank:
            at = when_at(c, s, commands, ready, keys[slot, kind, i], s["now"] + 1)
            chosen = pick["entry"]
            if at < pick["when"] or (
                at == pick["when"]
                and chosen >= 0
                and entries[kind, i]["sequence"] < entries[kind, chosen]["sequence"]
            ):
                pick["when"] = at
                pick["entry"] = i
