"""What ``pim_gpt.py`` measures: runs in processes of their own, whose results are plain JSON."""

import hashlib
import re
import sys
from collections.abc import Container, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from arch.catalog import read_text
from arch.errors import InputError
from arch.pim.asic import Steps
from arch.pim.files import COMMAND_SETS
from arch.pim.system import Pim, load_pim
from arch.vector import VECTOR_OPS
from sim.pim.generate import Generation, generate, generated, place
from sim.pim.generation_report import energy_of
from sim.pim.report import row_counts
from traces.mapping.pim.model_layout import ModelLayout

PIM = "pim_gpt"
MODELS = (
    "gpt2", "gpt2_medium", "gpt2_large", "gpt2_xl",
    "gpt3_small", "gpt3_medium", "gpt3_large", "gpt3_xl",
)  # fmt: skip
TOKENS = (1, 4, 16, 64, 256, 1024, 2048, 4096, 8192)
WINDOW = 16
"""Tokens of which a mean is taken where single ones are told of: refreshes fall into some."""
CONTEXT = 1024
"""Of the last token of the runs in which parameters change."""
CHANGED_MODELS = ("gpt2", "gpt3_xl")
REPORT_EVERY = 1024
SET = "command_set."
"""Before paths in the command set's file, not the PIM's."""
SWITCHES = {
    "organisation": "GDDR6_16Gb_x16",
    "controller.pim_entry": "command",
    "controller.partly_open": "activate",
    "controller.forwarding": "any",
    "controller.activated_first": "false",
}
"""Parameters that are no numbers, and another of their values."""
HALVED = ("controller.dispatch_width", "controller.pim_entries", "asic.clock_khz")
"""Of which more changes little and less may change much."""
Numbers = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """Another value of a parameter."""

    path: str
    before: str
    after: str


def machine_hash() -> str:
    """Of all parameters, those of the command set in cycles included."""
    pim = load_pim(PIM)
    text = f"{pim.model_dump_json()}{pim.device()!r}{pim.command_set()!r}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def changes(pim: Pim) -> list[Change]:
    """Each number half more, rounded up, and each switch the other way; energies are no part."""
    timings = pim.command_set().speeds[pim.speed].timings
    numbers = {f"timings.{name}": value for name, value in timings.items()}
    numbers["channels"] = pim.channels
    controller = pim.controller.model_dump()
    numbers |= {
        f"controller.{name}": controller[name]
        for name in ("dispatch_width", "pim_entries", "read_entries", "write_entries",
                     "drain_above", "drain_below")
    }  # fmt: skip
    assert pim.asic is not None
    asic = pim.asic.model_dump()
    numbers |= {
        f"asic.{name}": asic[name]
        for name in ("clock_khz", "synchroniser_cycles", "sram_kib", "adders", "multipliers")
    }
    for op in VECTOR_OPS:
        steps = pim.asic.operations.get(op, Steps(adds=1))
        for name, value in steps.model_dump().items():
            numbers[f"asic.operations.{op}.{name}"] = value
    commands = pim.command_set()
    numbers[f"{SET}global_buffer_columns"] = commands.global_buffer_columns
    numbers[f"{SET}mac.accumulators"] = commands.mac.accumulators
    found = [
        Change(path, str(value), str(max(value + 1, -(-3 * value // 2))))
        for path, value in numbers.items()
    ]
    found += [Change(path, str(numbers[path]), str(numbers[path] // 2)) for path in HALVED]
    switched = pim.model_dump(mode="json")
    for path, after in SWITCHES.items():
        at: Any = switched
        for name in path.split("."):
            at = at[name]
        found.append(Change(path, str(at).lower() if isinstance(at, bool) else str(at), after))
    return found


def changed(path: str, value: str, folder: Path) -> Pim:
    """The PIM with another value; a changed command set is written to a folder."""
    if not path.startswith(SET):
        return load_pim(PIM, [f"{path}={value}"])
    name = path.rpartition(".")[2]
    text = read_text(COMMAND_SETS.find(load_pim(PIM).commands))
    text, count = re.subn(rf"(?m)^( *{name}:) \d+$", rf"\1 {value}", text)
    assert count == 1, path
    file = folder / "commands.yaml"
    file.write_text(text)
    return load_pim(PIM, [f"commands={file}"])


def largest(pim: Pim, name: str) -> tuple[ModelLayout, list[str]]:
    """A model with room for as many tokens as fit, and why no more do."""
    refused = []
    for tokens in reversed(TOKENS):
        try:
            return place(pim, name, tokens), refused
        except InputError as error:
            refused.append(str(error))
    raise InputError("; ".join(refused))


def snapshot(done: Generation) -> Numbers:
    """What has come so far, cycles of the memory."""
    run, spent = done.run, energy_of(done)
    period = int(run.tables.config["period"][0])
    banks = run.pim.channels * run.pim.device().device.banks
    return {
        "tokens": done.tokens,
        "cycles": run.cycles,
        "commands": run.commands,
        "elements": dict(done.operators.elements),
        **row_counts(run),
        "mac_busy_share": run.mac_busy_share,
        "energy_mj": dict(spent.components_mj),
        "energy_unknown": list(spent.unknown),
        "kinds": {
            name: {
                "cycles": kind.ticks / period,
                "span_cycles": kind.span_ticks / period,
                "mac_cycles": kind.mac_ticks / (period * banks),
                "vector_cycles": kind.vector_ticks / period,
            }
            for name, kind in done.operators.kinds.items()
        },
    }


def growth(name: str) -> Numbers:
    """Tokens one after the other, from an empty cache until it is full."""
    pim = load_pim(PIM)
    layout, refused = largest(pim, name)
    last = layout.tokens_max
    wanted = {*TOKENS} | {tokens - WINDOW for tokens in TOKENS}
    snapshots = {}
    for done in generated(pim, layout, 1, last):
        if done.tokens in wanted:
            snapshots[str(done.tokens)] = snapshot(done)
        if done.tokens % REPORT_EVERY == 0 and done.tokens < last:
            sys.stderr.write(f"{name}: {done.tokens} of {last} tokens\n")
    return {
        "snapshots": snapshots,
        "token_cycles": done.token_cycles,
        "notes": list(layout.notes),
        "refused": refused,
        "positions": layout.model.positions,
        "parameters": layout.model.parameters,
        "rows": layout.rows,
    }


def tokens_with(name: str, path: str, value: str) -> Numbers:
    """The last few tokens up to CONTEXT of a PIM with another value of a parameter."""
    with TemporaryDirectory() as folder:
        try:
            pim = changed(path, value, Path(folder))
            layout = place(pim, name, CONTEXT)
        except InputError as error:
            return {"error": str(error)}
        return snapshot(generate(pim, layout, CONTEXT - WINDOW + 1, CONTEXT))


def tasks() -> list[tuple[Any, ...]]:
    """Functions and their arguments, the longest first."""
    by_size = sorted(MODELS, key=lambda name: "small medium large xl".find(name.split("_")[-1]))
    found: list[tuple[Any, ...]] = [(growth, name) for name in reversed(by_size)]
    found += [(tokens_with, name, "controller.refresh", value) for name in MODELS
              for value in ("all_bank", "none")]  # fmt: skip
    return found + [
        (tokens_with, name, change.path, change.after)
        for name in CHANGED_MODELS
        for change in changes(load_pim(PIM))
    ]


def key(task: Sequence[Any]) -> str:
    """Name of a task's result."""
    return " ".join([task[0].__name__, *task[1:]])


def measure(workers: int, known: Container[str]) -> Iterator[tuple[str, Numbers]]:
    """Results by name that are not known, as they come; tells on stderr how far it is."""
    todo = [task for task in tasks() if key(task) not in known]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(*task): key(task) for task in todo}
        for count, future in enumerate(as_completed(running), start=1):
            sys.stderr.write(f"{count} of {len(todo)}: {running[future]}\n")
            yield running[future], future.result()
