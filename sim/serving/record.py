"""What a scheduler issued: enough to run it again, whatever would be scheduled now."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from arch.errors import InputError
from sim.serving.requests import TOKENS_MAX
from sim.serving.scheduler import Slot
from traces.reading import read_text

SCHEMA = "lockstep-serving-record-1"
LENGTH_MAX = 2 * TOKENS_MAX
NUMBER_MAX = 2**62


@dataclass(frozen=True)
class Issued:
    """An iteration."""

    slots: tuple[Slot, ...]
    finished: int
    """Requests that it ends."""


@dataclass(frozen=True)
class Record:
    """Iterations in order, and where the requests are after them."""

    iterations: tuple[Issued, ...]
    arrived: int
    """Requests that came, those of the warm-up too."""
    finished: int
    """Requests that ended, those of the warm-up too."""
    active: int
    """Requests that have begun and not ended."""
    waiting: int
    """Requests that came and have not begun."""
    origin: str
    """Which requests they were, and how they were scheduled."""


def record_text(record: Record) -> str:
    """As JSON, a line an iteration."""
    rows = [
        json.dumps(
            {"finished": each.finished, "sequences": [[*vars(s).values()] for s in each.slots]},
            separators=(",", ":"),
        )
        for each in record.iterations
    ]
    totals = {name: value for name, value in asdict(record).items() if name != "iterations"}
    head = json.dumps({"schema": SCHEMA, **totals})[:-1]
    return head + ', "iterations": [\n' + ",\n".join(rows) + "\n]}\n"


def read_record(path: Path) -> Record:
    """A file that ``record_text`` made. Raises InputError for what is none."""
    text = read_text(path)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"{path}: is not JSON; give the record.json that --out wrote") from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise InputError(f"{path}: schema must be {SCHEMA}; give the record.json that --out wrote")
    try:
        iterations = tuple(
            Issued(
                tuple(Slot(*map(_whole, slot)) for slot in each["sequences"]),
                _whole(each["finished"]),
            )
            for each in found["iterations"]
        )
        record = Record(
            iterations,
            arrived=_whole(found["arrived"]),
            finished=_whole(found["finished"]),
            active=_whole(found["active"]),
            waiting=_whole(found["waiting"]),
            origin=_text(found["origin"]),
        )
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{path}: must hold iterations, each with its finished requests and its sequences as "
            "[number, channel, length], arrived, finished, active and waiting requests, and origin"
        ) from None
    if not iterations or not all(each.slots for each in iterations):
        raise InputError(f"{path}: must hold at least one iteration, each with a sequence")
    for at, issued in enumerate(iterations):
        _check(issued, f"{path}: iterations[{at}]")
    if record.arrived != record.finished + record.active + record.waiting:
        raise InputError(
            f"{path}: arrived: must be {record.finished + record.active + record.waiting:,}, the "
            f"finished, active and waiting requests together, not {record.arrived:,}"
        )
    return record


def _check(issued: Issued, where: str) -> None:
    """Raises InputError for sequences that no scheduler issues."""
    seen = set[int]()
    for slot in issued.slots:
        if slot.number in seen:
            raise InputError(f"{where}: sequence {slot.number} is there twice; remove one")
        seen.add(slot.number)
        if not 1 <= slot.length <= LENGTH_MAX:
            raise InputError(
                f"{where}: sequence {slot.number}: length must be 1 to {LENGTH_MAX:,}, not "
                f"{slot.length:,}"
            )
    if issued.finished > len(issued.slots):
        raise InputError(
            f"{where}: finished must be {len(issued.slots):,} at most, as many as its sequences, "
            f"not {issued.finished:,}"
        )


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= NUMBER_MAX:
        raise ValueError(value)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value
