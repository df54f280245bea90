"""What a scheduler issued: enough to run it again, whatever would be scheduled now."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from arch.errors import InputError
from sim.serving.scheduler import Slot
from traces.reading import read_text

SCHEMA = "lockstep-serving-record-1"


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
    try:
        found = json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError):
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
    return record


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(value)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value
