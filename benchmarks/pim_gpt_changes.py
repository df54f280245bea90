"""What changed parameters have done, as ``pim_gpt.py``'s page tells."""

from pim_gpt_page import Found, recent, table
from pim_gpt_runs import (
    CHANGED_MODELS,
    CONTEXT,
    MODELS,
    PIM,
    TOKENS,
    WINDOW,
    Change,
    Numbers,
    changes,
    key,
    tokens_with,
)

from arch.pim.system import load_pim
from sim.report.text import count

RECALLED = {
    *(f"timings.{name}" for name in ("nRCDRD", "nRCDWR", "nRP", "nWR", "nCCDS", "nCCDL", "nRFCab",
                                     "nREFI")),
    "channels", "organisation", "asic.clock_khz", "asic.sram_kib", "asic.adders",
    "asic.multipliers",
}  # fmt: skip
"""What the files' sources have from the paper, as recalled; all else is assumed."""
UNSEEN = 0.005
"""Percent; less reads as nothing."""
REFRESH = "controller.refresh"
REFRESH = "controller.refresh"


def base(found: Found, name: str) -> Numbers:
    """The runs that changes are compared with."""
    return found[key((tokens_with, name, REFRESH, "all_bank"))]


def effects(found: Found, change: Change) -> list[float | None]:
    """In percent of the cycles, by model; None where it does not run."""
    told: list[float | None] = []
    for name in CHANGED_MODELS:
        run = found[key((tokens_with, name, change.path, change.after))]
        whole = base(found, name)["cycles"]
        told.append(None if "error" in run else 100 * (run["cycles"] / whole - 1))
    return told


def signed(effect: float) -> str:
    """In percent; nothing has no sign."""
    return f"{effect:+.2f} %" if abs(effect) >= UNSEEN else "0.00 %"


def sensitivity(found: Found) -> tuple[str, str]:
    """Those that have an effect, and those that have none."""
    all_effects = {change: effects(found, change) for change in changes(load_pim(PIM))}
    most = {c: max(abs(e) if e is not None else 1e9 for e in es) for c, es in all_effects.items()}
    seen = sorted((c for c in most if most[c] >= UNSEEN), key=lambda c: (-most[c], c.path))
    rows = [
        [
            f"`{change.path}`", change.before, change.after,
            "recalled" if change.path in RECALLED else "assumed",
            *("does not run" if e is None else signed(e) for e in all_effects[change]),
        ]
        for change in seen
    ]  # fmt: skip
    head = ["parameter", "is", "becomes", "source", *(f"`{name}`" for name in CHANGED_MODELS)]
    seen_paths = {change.path for change in seen}
    unseen = sorted({change.path for change in most} - seen_paths)
    return table(head, rows, left=4), ", ".join(f"`{path}`" for path in unseen)


def energy_shares(found: Found) -> str:
    """Half more of each energy: half its share."""
    rows = []
    parts = {name: base(found, name)["energy_mj"] for name in CHANGED_MODELS}
    names = {part for each in parts.values() for part, value in each.items() if value}
    fields = {"adders": "add_pj", "multipliers": "multiply_pj"}

    def effect(model: str, part: str) -> float:
        return 50 * float(parts[model].get(part, 0) / sum(parts[model].values()))

    for part in sorted(names, key=lambda part: (-effect(CHANGED_MODELS[-1], part), part)):
        path = fields.get(part, f"command_pj.{part}")
        rows.append([f"`energy.{path}`", *(signed(effect(m, part)) for m in CHANGED_MODELS)])
    return table(["parameter", *(f"`{name}`" for name in CHANGED_MODELS)], rows)


def refresh(found: Found) -> str:
    rows = []
    for name in MODELS:
        kept = base(found, name)["cycles"] / WINDOW
        none = found[key((tokens_with, name, REFRESH, "none"))]["cycles"] / WINDOW
        rows.append([f"`{name}`", count(round(none)), count(round(kept)),
                     f"{100 * (kept / none - 1):+.2f} %"])  # fmt: skip
    return table(["cycles of a token", "without", "with", "more"], rows)


def layouts(found: Found) -> str:
    """A token with one and with the other layout of the caches."""
    told = []
    for name in CHANGED_MODELS:
        wide = recent(found, name, CONTEXT)
        if wide is not None:
            narrow = base(found, name)["cycles"] / WINDOW
            told.append(
                f"`{name}` {count(round(narrow))} cycles with room for {CONTEXT} tokens, "
                f"{count(round(wide('cycles')))} with room for {TOKENS[-1]}"
            )
    return "; ".join(told)
