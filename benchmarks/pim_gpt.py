"""GPTs on PIM-GPT: ``PYTHONPATH=. python benchmarks/pim_gpt.py``.

Runs eight models to 8192 tokens each, and one of them and the largest again for each parameter that
is changed, in two processes, and writes docs/pim_gpt.md and its figures. Numbers are kept in a file
if one is named, a line a run, and what is in it already is not run again.
"""

import json
import sys
from contextlib import ExitStack
from pathlib import Path

import pim_gpt_changes as changed
import pim_gpt_page as page
from pim_gpt_figures import growth_figure, shares_figure
from pim_gpt_runs import (
    CHANGED_MODELS,
    CONTEXT,
    MODELS,
    PIM,
    TOKENS,
    WINDOW,
    Numbers,
    machine_hash,
    measure,
)

from arch import __version__
from arch.pim.system import load_pim
from sim.report.text import count, percent
from sim.report.writing import write_folder

WORKERS = 2
HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"


def numbers(kept: Path | None) -> dict[str, Numbers]:
    """All results by name."""
    found: dict[str, Numbers] = {}
    machine = {"machine": machine_hash()}
    if kept is not None and kept.exists():
        first, *lines = (json.loads(line) for line in kept.read_text().splitlines())
        if first != machine:
            raise SystemExit(f"{kept}: is of another machine; name a new file")
        found = dict(lines)
    with ExitStack() as stack:
        file = stack.enter_context(kept.open("a")) if kept is not None else None
        if file is not None and not file.tell():
            file.write(json.dumps(machine) + "\n")
            file.flush()
        for name, result in measure(WORKERS, found):
            found[name] = result
            if file is not None:
                file.write(json.dumps([name, result]) + "\n")
                file.flush()
    return found


def text(found: dict[str, Numbers]) -> str:
    """The page."""
    pim = load_pim(PIM)
    device = pim.device().device
    change = page.row_change_cycles()
    refreshed = device.timings["nRFCab"] / device.timings["nREFI"]
    busy = device.columns / (device.columns + change) * (1 - refreshed)
    sensitivity, unseen = changed.sensitivity(found)
    cycles = (changed.base(found, name)["cycles"] / WINDOW for name in CHANGED_MODELS)
    base = (f"{count(round(n))} of `{m}`" for n, m in zip(cycles, CHANGED_MODELS, strict=True))
    return (HERE / "pim_gpt_text.md").read_text().format(
        version=__version__, pim=PIM, hash=machine_hash(), longest=TOKENS[-1],
        notes=page.notes(found), latency=page.latency(found), unknown=page.unknown(found),
        energy=page.energy(found), utilisation=page.utilisation(found), columns=device.columns,
        change=change, refresh_share=f"{percent(refreshed, 1)} %", ceiling=f"{percent(busy, 1)} %",
        share_tokens=CONTEXT, operator_shares=page.operator_shares(found, CONTEXT),
        channel_time=page.channel_time(found), last_tokens=page.last_tokens(found),
        layouts=changed.layouts(found),
        growing=page.growing(found), context=CONTEXT, window=WINDOW, base=" and ".join(base),
        sensitivity=sensitivity, unseen=unseen, energy_shares=changed.energy_shares(found),
        refresh=changed.refresh(found),
    )  # fmt: skip


def figures(found: dict[str, Numbers]) -> dict[str, bytes]:
    """By name of the file."""
    panels = {}
    for tokens in page.SHOWN_SHARES:
        shots = {name: page.at(found, name, tokens) for name in MODELS}
        there = {name: page.shares(shot) for name, shot in shots.items() if shot is not None}
        panels[f"{count(tokens)} tokens"] = there
    cycles = {name: found[f"growth {name}"]["token_cycles"] for name in MODELS}
    return {
        "pim_gpt_shares.svg": shares_figure(panels),
        "pim_gpt_growth.svg": growth_figure(cycles, 1e-3 / page.clock_khz()),
    }


def main(arguments: list[str]) -> int:
    """Write the page and the figures."""
    found = numbers(Path(arguments[0]) if arguments else None)
    write_folder(DOCS, {**figures(found), "pim_gpt.md": text(found).encode()})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
