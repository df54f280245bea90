"""A controller with a command queue for each bank: what it takes, and what its queues hold.

The policy is that of DRAMsim3 (umd-memsys/DRAMsim3, commit 2981759). Requests wait as transactions,
reads and writes apart. One a cycle moves to the command queue of its bank: the oldest whose queue
has room, a read, or in a drain a write. In turn, the banks give their first command that may issue.
"""

import numpy as np

from sim.dram.bank_queues_places import first_row, slot, wants
from sim.dram.bank_queues_state import HITS, IDLE_DRAIN, MARKS, NONE
from sim.dram.channel import end_request, note_read
from sim.dram.state import CLOSED, COLUMNS, READS, ROWS, WRITES
from sim.dram.tables import NEVER
from sim.jit import njit


@njit
def mark_of(given):
    """What tells most addresses apart."""
    row, bank = np.int64(given["row"]), np.int64(given["bank"])
    return (1024 * row + 32 * bank + given["column"]) & (MARKS - 1)


@njit
def find(s, q, entries, lists, queue, queues, marks, kind, given):
    """The read or write of an address that waits, or NONE: there is one at most."""
    if kind == WRITES and s["counts"][WRITES] + q["writes"] == 0:
        return NONE
    bank, row, address = given["bank"], given["row"], given["address"]
    if marks[mark_of(given), kind] == 0:
        return NONE
    for i in range(s["counts"][kind]):
        if entries[lists[kind, i]]["address"] == address:
            return lists[kind, i]
    wanted = wants(row, kind)
    for i in range(queue[bank]["count"]):
        place = queues[bank, slot(queue, queues, bank, i)]
        if place["wants"] == wanted and entries[place["entry"]]["address"] == address:
            return np.int64(place["entry"])
    return NONE


@njit
def take(c, s, q, entries, lists, queue, queues, shared, marks, latencies, finished, given):
    """Offer a request in cycle ``now`` - 1; whether it is taken.

    A write has ended when it is taken. A read of an address for which a write waits is served by
    it, and one for which a read waits shares its data.
    """
    kind = WRITES if given["write"] else READS
    arrival = s["now"] - 1
    room = c["write_entries"] if kind == WRITES else c["read_entries"]
    if s["counts"][kind] >= room:
        return False
    write = find(s, q, entries, lists, queue, queues, marks, WRITES, given)
    read = NONE
    if write == NONE and (kind == READS or c["ordered"]):
        read = find(s, q, entries, lists, queue, queues, marks, READS, given)
    if kind == WRITES and read != NONE:
        return False
    if kind == READS and read != NONE:
        if q["free_shared"] == NONE:
            return False
        share(s, q, entries[read], shared, given["tag"])
    elif write == NONE:
        add(s, q, entries, lists, marks, kind, given)
    elif kind == WRITES:
        s["coalesced"] += 1
    else:
        s["forwarded"] += 1
        note_read(s, latencies, arrival, arrival + 2)
    if kind == WRITES or write != NONE:
        end_request(s, finished, s["taken"], given["tag"], arrival + 2)
    s["taken"] += 1
    return True


@njit
def share(s, q, entry, shared, tag):
    """Let a read wait for the data of another."""
    at = q["free_shared"]
    place = shared[at]
    q["free_shared"] = place["next"]
    place["sequence"] = s["taken"]
    place["tag"] = tag
    place["arrival"] = s["now"] - 1
    place["next"] = entry["next"]
    entry["next"] = at
    q["shared"] += 1


@njit
def add(s, q, entries, lists, marks, kind, given):
    """Put a request behind the transactions of its kind."""
    at = q["free"]
    if at == NONE:
        at = q["used"]
        q["used"] += 1
    else:
        q["free"] = entries[at]["next"]
    entry = entries[at]
    entry["next"] = NONE
    entry["bank"] = given["bank"]
    entry["row"] = given["row"]
    entry["column"] = given["column"]
    entry["address"] = given["address"]
    entry["write"] = kind
    entry["sequence"] = s["taken"]
    entry["tag"] = given["tag"]
    entry["arrival"] = s["now"] - 1
    entry["noted"] = 0
    lists[kind, s["counts"][kind]] = at
    s["counts"][kind] += 1
    marks[mark_of(given), kind] += 1
    q["changed"] = 1


@njit
def end_entry(s, q, entries, shared, marks, latencies, finished, at, until):
    """The column command of an entry has issued; a read has its data at ``until``."""
    entry = entries[at]
    kind = entry["write"]
    s["served"][kind] += 1
    marks[mark_of(entry), kind] -= 1
    if kind == READS:
        note_read(s, latencies, entry["arrival"], until)
        end_request(s, finished, entry["sequence"], entry["tag"], until)
        other = np.int64(entry["next"])
        while other != NONE:
            place = shared[other]
            note_read(s, latencies, place["arrival"], until)
            end_request(s, finished, place["sequence"], place["tag"], until)
            after = place["next"]
            place["next"] = q["free_shared"]
            q["free_shared"] = other
            other = after
    entry["next"] = q["free"]
    q["free"] = at


@njit
def look(banks, queue, soon, queues, bank):
    """The row of a bank has changed: note what may come next of its queue."""
    own, opened = queue[bank], banks[bank]["row"]
    own["read"] = own["write"] = NONE
    if opened != CLOSED:
        writes = own["writes"]
        find_hits(queue, queues, bank, opened, 0, writes < own["count"], writes > 0)
    note_next(queue, soon, queues, bank, opened)


@njit
def find_hits(queue, queues, bank, opened, place, reads, writes):
    """Find the first read and write of the open row from a place on, if wanted."""
    own, read, write = queue[bank], wants(opened, READS), wants(opened, WRITES)
    while (reads or writes) and place < own["count"]:
        wanted = queues[bank, slot(queue, queues, bank, place)]["wants"]
        if reads and wanted == read:
            own["read"] = place
            reads = False
        elif writes and wanted == write:
            own["write"] = place
            writes = False
        place += 1


@njit
def note_next(queue, soon, queues, bank, opened):
    """What may come next of a queue has changed: note whether its first may close the row, and
    that ready times are to be asked anew."""
    own = queue[bank]
    own["may_close"] = 0
    soon[COLUMNS, bank] = soon[ROWS, bank] = NEVER
    if own["count"] == 0:
        return
    hit = own["read"] != NONE or own["write"] != NONE
    if hit:
        soon[COLUMNS, bank] = 0
    if opened == CLOSED:
        soon[ROWS, bank] = 0
    elif first_row(queue, queues, bank) != opened and (not hit or own["hits"] >= HITS):
        own["may_close"] = 1
        soon[ROWS, bank] = 0


@njit
def long_since(c, s, entries, lists, kind):
    """Arrival of the oldest transaction of a kind, if it has waited for long, or NEVER."""
    if s["counts"][kind] == 0:
        return NEVER
    arrival = entries[lists[kind, 0]]["arrival"]
    return arrival if s["now"] - arrival >= c["cap_cycles"] else NEVER


@njit
def move_transaction(c, k, s, q, banks, entries, lists, queue, soon, queues, marks):
    """Move a transaction to the queue of its bank; whether anything changes by that."""
    long_read = long_since(c, s, entries, lists, READS)
    long_write = long_since(c, s, entries, lists, WRITES)
    long = min(long_read, long_write)
    if q["changed"] == 0 and long == NEVER:
        return False
    before = s["draining"]
    writes = s["counts"][WRITES]
    full = writes >= c["write_entries"]
    idle = writes > IDLE_DRAIN and q["queued"] == 0
    if before == 0 and (full or idle or (long < NEVER and long == long_write)):
        s["draining"] = writes
    kind = WRITES if s["draining"] > 0 else READS
    if long < NEVER:
        kind = WRITES if long == long_write else READS
    moved = move_of(k, s, q, banks, entries, lists, queue, soon, queues, marks, kind)
    q["changed"] = 1 if moved or s["draining"] != before else 0
    return q["changed"] == 1


@njit
def move_of(k, s, q, banks, entries, lists, queue, soon, queues, marks, kind):
    """Move the oldest read or write whose bank's queue has room; whether one has moved."""
    for i in range(s["counts"][kind]):
        at = lists[kind, i]
        if queue[entries[at]["bank"]]["count"] == k["bank_entries"]:
            continue
        if kind == WRITES:
            if find(s, q, entries, lists, queue, queues, marks, READS, entries[at]) != NONE:
                # The read came first.
                s["draining"] = 0
                return False
            s["draining"] -= 1
        for j in range(i, s["counts"][kind] - 1):
            lists[kind, j] = lists[kind, j + 1]
        s["counts"][kind] -= 1
        enqueue(s, q, banks, entries, queue, soon, queues, at)
        return True
    return False


@njit
def enqueue(s, q, banks, entries, queue, soon, queues, at):
    """Put a transaction behind the commands of its bank."""
    entry = entries[at]
    bank, arrival = np.int64(entry["bank"]), entry["arrival"]
    own, opened = queue[bank], banks[bank]["row"]
    place = own["count"]
    last = queues[bank, slot(queue, queues, bank, place)]
    last["entry"] = at
    last["wants"] = wants(entry["row"], entry["write"])
    own["count"] = place + 1
    own["writes"] += entry["write"]
    q["writes"] += entry["write"]
    changed = place == 0
    if entry["row"] == opened:
        if entry["write"]:
            if own["write"] == NONE:
                own["write"] = place
                changed = True
        elif own["read"] == NONE:
            own["read"] = place
            changed = True
    q["oldest"] = arrival if q["queued"] == 0 else min(q["oldest"], arrival)
    q["queued"] += 1
    s["refused"] = 0
    if changed:
        note_next(queue, soon, queues, bank, opened)


@njit
def dequeue(s, q, banks, queue, soon, queues, bank, place):
    """Take a column command out of the queue of its bank."""
    own, opened = queue[bank], banks[bank]["row"]
    own["count"] -= 1
    writes = queues[bank, slot(queue, queues, bank, place)]["wants"] & 1
    own["writes"] -= writes
    q["writes"] -= writes
    for i in range(place, 0, -1):
        here, before = slot(queue, queues, bank, i), slot(queue, queues, bank, i - 1)
        queues[bank, here]["entry"] = queues[bank, before]["entry"]
        queues[bank, here]["wants"] = queues[bank, before]["wants"]
    own["first"] = slot(queue, queues, bank, 1)
    read, write = own["read"], own["write"]
    if read >= place:
        own["read"] = NONE if read == place else read - 1
    if write >= place:
        own["write"] = NONE if write == place else write - 1
    # Those before were no hits, or one of them is the first.
    find_hits(queue, queues, bank, opened, place, read == place, write == place)
    note_next(queue, soon, queues, bank, opened)
    q["queued"] -= 1
    q["changed"] = 1
    s["refused"] = 0
