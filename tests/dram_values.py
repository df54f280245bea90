"""What reads get, from requests, their ends and the commands: an oracle in plain Python.

Each write writes its own number. A write or read has a column command of its own or joins a write
that waits: then it ends in the cycle after it came. So of each address the cycles of the write
commands are enough: what joined a write is written with it.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

NOTHING = -1
"""What is in an address that no write has written."""


def wrong_values(
    requests: Any, done: Any, log: Any, actions: Sequence[str], read_latency_cycles: int
) -> list[str]:
    """A line for each read that does not get the last write before it in the trace, and for each
    end and column command that is of no request.

    - ``requests``, ``log``: arrays with the fields of ``sim.dram.state``
    - ``done`` [request]: cycle of the data (reads) or of the command (writes)
    - ``actions`` [command]: what each does, ``read`` and ``write`` here
    """
    wrong: list[str] = []
    columns: dict[tuple[str, int, tuple[int, int, int]], bool] = {}
    written_at: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    places = zip(log["bank"].tolist(), log["row"].tolist(), log["column"].tolist(), strict=True)
    for cycle, command, place in zip(
        log["cycle"].tolist(), log["command"].tolist(), places, strict=True
    ):
        if actions[command] in ("read", "write"):
            columns[actions[command], cycle, place] = False
        if actions[command] == "write":
            written_at[place].append(cycle)

    joined: dict[tuple[tuple[int, int, int], int], list[int]] = defaultdict(list)
    last_write: dict[tuple[int, int, int], int] = {}
    reads: list[tuple[int, tuple[int, int, int], int, bool, int]] = []
    places = zip(
        requests["bank"].tolist(),
        requests["row"].tolist(),
        requests["column"].tolist(),
        strict=True,
    )
    given = zip(requests["write"].tolist(), done.tolist(), places, strict=True)
    for number, (write, end, place) in enumerate(given):
        key = ("write", end, place) if write else ("read", end - read_latency_cycles, place)
        own = columns.get(key) is False
        if own:
            columns[key] = True
        if not write:
            reads.append((number, place, end, own, last_write.get(place, NOTHING)))
            continue
        cycles = written_at[place]
        at = bisect_left(cycles, end)
        if at == len(cycles):
            wrong.append(f"write {number} ends in cycle {end} and is never written")
        elif not own and not joined[place, cycles[at]]:
            wrong.append(f"write {number} joins one that comes after it, of cycle {cycles[at]}")
        else:
            joined[place, cycles[at]].append(number)
        last_write[place] = number

    for number, place, end, own, expected in reads:
        cycles = written_at[place]
        if own:
            at = bisect_left(cycles, end - read_latency_cycles) - 1
            values = joined[place, cycles[at]] if at >= 0 else []
        else:
            at = bisect_left(cycles, end)
            values = joined[place, cycles[at]] if at < len(cycles) else []
            values = values[: bisect_left(values, number)]
            if not values:
                wrong.append(f"read {number} ends in cycle {end} without a command or a write")
                continue
        value = values[-1] if values else NOTHING
        if value != expected:
            wrong.append(f"read {number} gets the value of {value}, not of {expected}")
    left = [key for key, used in columns.items() if not used]
    return wrong + [f"{name} of cycle {cycle} is of no request" for name, cycle, _ in left]
