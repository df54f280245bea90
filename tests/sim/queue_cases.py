"""What the queue of a bank keeps of itself, found anew."""

from typing import Any

import numpy as np

from sim.dram.bank_queues_state import HITS
from sim.dram.state import CLOSED

NONE = -1


def assert_kept(arbiter: Any, banks: Any, entries: Any, queue: Any, queues: Any) -> None:
    """Each queue's notes are those of its commands and of its bank's row."""
    writes = 0
    for bank, own in enumerate(queue):
        order = (own["first"] + np.arange(own["count"])) % queues.shape[1]
        places = queues[bank, order]
        waiting = [entries[at] for at in places["entry"]]
        opened = banks[bank]["row"]
        first = [NONE, NONE]
        for place, entry in reversed(list(enumerate(waiting))):
            if entry["row"] == opened:
                first[entry["write"]] = place
        wanted_ = [2 * int(entry["row"]) + int(entry["write"]) for entry in waiting]
        assert places["wants"].tolist() == wanted_
        assert own["writes"] == sum(int(entry["write"]) for entry in waiting)
        assert [own["read"], own["write"]] == first
        held = first != [NONE, NONE] and own["hits"] < HITS
        wanted = len(waiting) > 0 and opened not in (CLOSED, waiting[0]["row"])
        assert own["may_close"] == (wanted and not held)
        writes += int(own["writes"])
    assert arbiter[0]["queued"] == queue["count"].sum()
    assert arbiter[0]["writes"] == writes
