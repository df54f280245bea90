"""Programs for a PIM and the chip beside it, made from a seed; and what is left of a run."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.pim.system import Pim, load_pim
from arch.vector import VECTOR_OPS
from sim.pim.run import PimRun, run_program
from traces.pim.dtype import CODES, INSTRUCTION, PimTrace

WAYS = {
    "due", "dispatch_at", "logged", "writes_until", "first_run", "first_pending", "sequence",
    "open_since", "active_cycles", "refresh_since", "held_bank", "held_row", "held_column",
    "held_write", "held_instruction",
}  # fmt: skip
"""Bounds, which skipping alone uses; places in rings and lists; what counts together with others
only; what was held last."""
Records = npt.NDArray[np.void]


def pim(*changes: str, channels: int = 2) -> Pim:
    """Channels that refresh often."""
    often = ("timings.nREFI=700", f"channels={channels}")
    return load_pim("pim_gpt", (*often, *changes))


def program(lines: list[dict[str, Any]]) -> PimTrace:
    """Instructions by field; ``after`` are places of others."""
    given = np.zeros(len(lines), INSTRUCTION)
    after: list[int] = []
    for one, line in zip(given, lines, strict=True):
        fields_ = {"count": 1, "bank": -1, "row": -1, "gpr": -1, "gpr2": -1, **line}
        waits = fields_.pop("after", ())
        one["op"] = CODES[str(fields_.pop("op"))]
        for name, value in fields_.items():
            one[name] = value
        one["after_begin"] = len(after)
        after.extend(waits)
        one["after_end"] = len(after)
    return PimTrace(given, np.array(after, np.int64), ("layer0.first", "layer0.second"))


def random_program(seed: int, length: int, channels: int = 2) -> PimTrace:
    """Each may wait for up to three of those before it; the last is one of the chip. Half of those
    of the memory go to all channels."""
    draw = random.Random(seed)
    all_channels = (1 << channels) - 1
    lines: list[dict[str, Any]] = []
    for at in range(length):
        after = draw.sample(range(at), min(at, draw.choice([0, 0, 1, 3])))
        line: dict[str, Any] = {"operator": at % 2, "after": after}
        line["channels"] = draw.choice([all_channels, draw.randint(1, all_channels)])
        op = draw.choice(["VECTOR", "VECTOR", "MAC_ABK", "MAC_ABK", "MAC_ABK", "WR_GB", "RD_MAC",
                          "WR_SBK", "RD_SBK", "SYNC"])  # fmt: skip
        op = "VECTOR" if at == length - 1 else op
        column = draw.randrange(64)
        if op == "VECTOR":
            line |= {"vector_op": draw.randrange(len(VECTOR_OPS)), "channels": 0,
                     "elements": draw.choice([1, 100, 1000])}  # fmt: skip
        elif op != "SYNC" and op != "RD_MAC":
            line |= {"column": column, "count": draw.randint(1, 64 - column)}
        if op in ("MAC_ABK", "WR_SBK", "RD_SBK"):
            line["row"] = draw.randrange(3)
        if op in ("WR_SBK", "RD_SBK"):
            line["bank"] = draw.randrange(16)
        lines.append({"op": op, **line})
    return program(lines)


def run(
    given: Pim, traces: list[PimTrace], *, every: bool = False, logged: bool = False
) -> tuple[PimRun, list[Records], Records | None]:
    """A run, PROGRESS of each trace, and its log."""
    chunks: list[Records] = []
    progress: list[Records] = []
    log: Callable[[Records], None] | None = None
    if logged:
        log = lambda chunk: chunks.append(chunk.copy())  # noqa: E731
    done = run_program(
        given, traces, every=every, watch=lambda _, found, __: progress.append(found), log=log
    )
    return done, progress, np.concatenate(chunks) if logged else None


def state(done: PimRun) -> dict[str, npt.NDArray[np.int64]]:
    """All that a run leaves and that counts: of times, those that are not past."""
    found = {}
    now = done.cycles
    past = now - int(done.tables.config["window_cycles"][0])
    for name in ("engine", "channels"):
        array = getattr(done.state, name)
        found |= {f"{name}.{field}": array[field] for field in set(array.dtype.names) - WAYS}
    found |= {"rows": done.state.rows, "issued": done.state.issued}
    channels = done.state.channels
    found["active"] = np.array([done.active_cycles(channel) for channel in range(len(channels))])
    found["refresh_since"] = np.where(channels["refreshes_due"], channels["refresh_since"], 0)
    found["ready"] = np.maximum(done.state.ready, now)
    found["history"] = np.maximum(done.state.history, past)
    return found
