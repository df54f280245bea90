"""Results of tokens generated on a PIM: a table to read, and JSON."""

import textwrap
from typing import Any

from arch import __version__
from sim.pim.energy import PimEnergyResult, energy
from sim.pim.generate import Generation
from sim.pim.operators import Kind
from sim.pim.report import row_counts
from sim.report.text import count, line, percent, si
from sim.unproven import as_lines, pim_options, unproven_among


def energy_of(done: Generation) -> PimEnergyResult:
    """Of all tokens."""
    return energy(done.run.pim, done.run.commands, done.operators.elements, done.seconds)


def as_dict(done: Generation) -> dict[str, Any]:
    """All numbers, cycles of the memory; docs/pim.md defines them."""
    run = done.run
    device = run.pim.device().device
    spent = energy_of(done)
    tokens = done.token_cycles
    return {
        "lockstep": __version__,
        "pim": run.pim.model_dump(mode="json"),
        "device": device.name,
        "model": done.layout.name,
        "first_context": done.first,
        "last_context": done.last,
        "clock_khz": device.clock_khz,
        "cycles": run.cycles,
        "seconds": done.seconds,
        "token_cycles": tokens,
        "instructions": run.instructions,
        "commands": run.commands,
        **row_counts(run),
        "mac_busy_share": run.mac_busy_share,
        "rows_used": done.layout.rows,
        "energy_mj": dict(spent.components_mj),
        "energy_unknown": list(spent.unknown),
        "operators": {
            name: _kind(done, kind) for name, kind in done.operators.kinds.items()
        },
        "notes": list(done.layout.notes),
        "unproven_options": list(unproven_among(pim_options(run.pim))),
    }  # fmt: skip


def _kind(done: Generation, kind: Kind) -> dict[str, Any]:
    tables = done.run.tables.config
    period, banks = int(tables["period"][0]), int(tables["banks"][0]) * done.run.pim.channels
    span = max(1, kind.span_ticks)
    return {
        "operators": kind.operators,
        "cycles": kind.ticks / period,
        "span_cycles": kind.span_ticks / period,
        "mac_busy_share": kind.mac_ticks / (banks * span),
        "vector_busy_share": kind.vector_ticks / span,
    }


def table(done: Generation) -> str:
    """For a reader, in 80 columns."""
    found = as_dict(done)
    rows = found["row_hits"] + found["row_misses"] + found["row_conflicts"]
    tokens = found["token_cycles"]
    period = 1e-3 / found["clock_khz"]
    spent = energy_of(done)
    contexts = f"{done.first}" if done.tokens == 1 else f"{done.first} to {done.last}"
    bound = ", a lower bound" if spent.unknown else ""
    what = f"{done.layout.name}, {count(done.tokens)} token" + "s" * (done.tokens > 1)
    lines = [
        f"{done.run.pim.name}: {what}, context{'s' * (done.tokens > 1)} {contexts}",
        line("cycles", count(found["cycles"]), si(found["seconds"], "s")),
        line("a token", count(round(found["cycles"] / done.tokens)), _growth(tokens, period)),
        line("row hits", f"{percent(found['row_hits'], rows)} %", f"of {count(rows)} columns"),
        line("MACs busy", f"{percent(found['mac_busy_share'], 1)} %", "of all banks"),
        line("energy", f"{spent.total_mj / done.tokens:.4g} mJ", f"a token{bound}"),
        line("rows", count(found["rows_used"]), f"of {count(_rows(done))} in each bank"),
        "",
        f"  {'operators':<18} {'time':>8} {'cycles of each':>16} {'MACs busy':>11} {'vector':>10}",
    ]
    for name, kind in found["operators"].items():
        share = percent(kind["cycles"], found["cycles"])
        each = count(round(kind["span_cycles"] / kind["operators"]))
        macs, vector = kind["mac_busy_share"], kind["vector_busy_share"]
        lines.append(
            f"  {name:<18} {share:>6} % {each:>16} "
            f"{percent(macs, 1):>9} % {percent(vector, 1):>8} %"
        )
    if spent.unknown:
        lines += ["", f"  no energy is known of {', '.join(spent.unknown)}"]
    for note in found["notes"]:
        lines += textwrap.wrap(note, 80)
    lines += as_lines(found["unproven_options"])
    return "\n".join(lines) + "\n"


def _growth(tokens: list[int], period: float) -> str:
    if len(tokens) == 1:
        return si(tokens[0] * period, "s")
    return f"{si(tokens[0] * period, 's')} the first, {si(tokens[-1] * period, 's')} the last"


def _rows(done: Generation) -> int:
    return done.run.pim.device().device.rows
