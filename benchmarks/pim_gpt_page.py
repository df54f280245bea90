"""The text of ``pim_gpt.py``'s page."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pim_gpt_figures import GROUPS
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
from sim.report.text import count, percent, si

RECALLED = {
    *(f"timings.{name}" for name in ("nRCDRD", "nRCDWR", "nRP", "nWR", "nCCDS", "nCCDL", "nRFCab",
                                     "nREFI")),
    "channels", "organisation", "asic.clock_khz", "asic.sram_kib", "asic.adders",
    "asic.multipliers",
}  # fmt: skip
"""What the files' sources have from the paper, as recalled; all else is assumed."""
SHOWN_SHARES = (1024, 8192)
UNSEEN = 0.005
"""Percent; less reads as nothing."""
REFRESH = "controller.refresh"
Found = Mapping[str, Numbers]


def table(head: Iterable[str], rows: Iterable[Iterable[str]], left: int = 1) -> str:
    """Markdown; so many columns are of words."""
    head = list(head)
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *map(list, rows))) + "\n"


def at(found: Found, name: str, tokens: int) -> Numbers | None:
    """What a model's first so many tokens have shown."""
    result: Numbers | None = found[f"growth {name}"]["snapshots"].get(str(tokens))
    return result


def clock_khz() -> int:
    return load_pim(PIM).device().device.clock_khz


def millijoules(shot: Numbers) -> float:
    return float(sum(shot["energy_mj"].values()))


def hit_share(shot: Numbers) -> str:
    columns = shot["row_hits"] + shot["row_misses"] + shot["row_conflicts"]
    return percent(shot["row_hits"], columns)


def shares(shot: Numbers) -> dict[str, float]:
    """Of the time, by group of operators."""
    kinds = shot["kinds"]
    found = {
        group: sum(kinds[kind]["cycles"] for kind in inside) / shot["cycles"]
        for group, inside in GROUPS.items()
    }
    assert abs(sum(found.values()) - 1) < 1e-9, "a kind of operator belongs to no group"
    return found


def recent(found: Found, name: str, tokens: int) -> Callable[..., float] | None:
    """Of the last few of so many tokens: the mean of a number, by its path."""
    end = at(found, name, tokens)
    begin = at(found, name, tokens - WINDOW)
    if end is None:
        return None
    many = end["tokens"] - (begin["tokens"] if begin else 0)

    def mean(*path: str) -> float:
        values = []
        for shot in (end, begin or {}):
            value: Any = shot
            for each in path:
                value = value.get(each, {})
            values.append(value or 0)
        return float(values[0] - values[1]) / many

    return mean


def by_tokens(found: Found, text: Callable[[Numbers], str]) -> str:
    """A row a model, a column a number of tokens."""
    head = ["tokens", *map(str, TOKENS)]
    rows = []
    for name in MODELS:
        shots = (at(found, name, tokens) for tokens in TOKENS)
        rows.append([f"`{name}`", *(text(shot) if shot else "-" for shot in shots)])
    return table(head, rows)


def latency(found: Found) -> str:
    return by_tokens(found, lambda shot: si(shot["cycles"] * 1e-3 / clock_khz(), "s"))


def energy(found: Found) -> str:
    return by_tokens(found, lambda shot: si(millijoules(shot) * 1e-3, "J"))


def unknown(found: Found) -> str:
    names = {name for model in MODELS for name in (at(found, model, 1) or {})["energy_unknown"]}
    return " and ".join(f"`{name}`" for name in sorted(names))


def notes(found: Found) -> str:
    told = []
    for name in MODELS:
        own = found[f"growth {name}"]
        told += [f"- {each}." for each in own["refused"]]
    for name in MODELS:
        told += [f"- {note.rstrip('.')}." for note in found[f"growth {name}"]["notes"]]
    return "\n".join(dict.fromkeys(told)) + "\n"


def utilisation(found: Found) -> str:
    shown = SHOWN_SHARES
    head = ["model", "parameters", "rows of a bank", *(f"row hits, {n}" for n in shown),
            *(f"MACs busy, {n}" for n in shown)]  # fmt: skip
    rows = []
    for name in MODELS:
        own = found[f"growth {name}"]
        shots = [at(found, name, tokens) for tokens in shown]
        rows.append([
            f"`{name}`", f"{own['parameters'] / 1e6:,.0f} M", count(own["rows"]),
            *(f"{hit_share(shot)} %" if shot else "-" for shot in shots),
            *(f"{percent(shot['mac_busy_share'], 1)} %" if shot else "-" for shot in shots),
        ])  # fmt: skip
    return table(head, rows)


def operator_shares(found: Found, tokens: int) -> str:
    rows = []
    for name in MODELS:
        shot = at(found, name, tokens)
        found_shares = shares(shot) if shot else {}
        rows.append([f"`{name}`", *(f"{percent(found_shares.get(g, 0), 1)} %" for g in GROUPS)])
    return table(["model", *GROUPS], rows)


def row_change_cycles() -> int:
    """From the last column of a row to the first of the next, beyond those of a row."""
    timings = load_pim(PIM).device().device.timings
    return int(timings["nRTP"] + timings["nRP"] + timings["nRCDRD"] - timings["nCCDL"])


def channel_time(found: Found) -> str:
    pim = load_pim(PIM)
    change, refresh = row_change_cycles(), pim.device().device.timings["nRFCab"]
    head = ["", "cycles", "MAC16", "WRGB", "RDMAC16", "RD, WR", "ACT16", "REFab", "rest"]
    rows = []
    for name in CHANGED_MODELS:
        for tokens in (CONTEXT, TOKENS[-1]):
            mean = recent(found, name, tokens)
            if mean is None:
                continue
            each = {
                command: mean("commands", command) / pim.channels
                for command in ("MAC16", "WRGB", "RDMAC16", "RD", "WR", "ACT16", "REFab")
            }
            spent = [
                each["MAC16"], each["WRGB"], each["RDMAC16"], each["RD"] + each["WR"],
                each["ACT16"] * change, each["REFab"] * refresh,
            ]  # fmt: skip
            cycles = mean("cycles")
            rows.append([
                f"`{name}`, context {tokens}", count(round(cycles)),
                *(f"{percent(value, cycles)} %" for value in (*spent, cycles - sum(spent))),
            ])  # fmt: skip
    return table(head, rows)


def growing(found: Found) -> str:
    """Of a token, by group and context."""
    contexts = (1, CONTEXT, TOKENS[-1])
    groups = ("append", "scores", "softmax", "values")
    head = ["cycles of a token", *(f"`{n}`, {c}" for n in CHANGED_MODELS for c in contexts)]
    means = [recent(found, name, context) for name in CHANGED_MODELS for context in contexts]
    rows = [
        [group, *(count(round(mean("kinds", group, "cycles"))) if mean else "-" for mean in means)]
        for group in groups
    ]
    all_else = []
    for mean in means:
        inside = sum(mean("kinds", group, "cycles") for group in groups) if mean else 0
        all_else.append(count(round(mean("cycles") - inside)) if mean else "-")
    rows.append(["all else", *all_else])
    rows.append(["together", *(count(round(mean("cycles"))) if mean else "-" for mean in means)])
    rows.append(["columns of keys and values", *(
        count(round(sum(mean("kinds", g, "mac_cycles") for g in groups))) if mean else "-"
        for mean in means
    )])  # fmt: skip
    rows.append(["the chip, softmax", *(
        count(round(mean("kinds", "softmax", "vector_cycles"))) if mean else "-" for mean in means
    )])  # fmt: skip
    return table(head, rows)


def last_tokens(found: Found) -> str:
    """How much longer the last token takes than the first, and what a token of context adds."""
    rows = []
    for name in MODELS:
        tokens = len(found[f"growth {name}"]["token_cycles"])
        shown = [recent(found, name, at_tokens) for at_tokens in (1, tokens // 2, tokens)]
        first, middle, last = (mean("cycles") if mean else 0.0 for mean in shown)
        slope = (last - middle) / (tokens - tokens // 2)
        rows.append([
            f"`{name}`", *(si(cycles * 1e-3 / clock_khz(), "s") for cycles in (first, last)),
            f"{last / first:.2f}", f"{slope:.1f}",
        ])  # fmt: skip
    head = ["model", "first token", "last token", "times", "cycles a token of context"]
    return table(head, rows)


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


def sensitivity(found: Found) -> tuple[str, str]:
    """Those that have an effect, and those that have none."""
    all_effects = {change: effects(found, change) for change in changes(load_pim(PIM))}
    most = {c: max(abs(e) if e is not None else 1e9 for e in es) for c, es in all_effects.items()}
    seen = sorted((c for c in most if most[c] >= UNSEEN), key=lambda c: (-most[c], c.path))
    rows = [
        [
            f"`{change.path}`", change.before, change.after,
            "recalled" if change.path in RECALLED else "assumed",
            *("does not run" if e is None else f"{e:+.2f} %" for e in all_effects[change]),
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
        rows.append([f"`energy.{path}`", *(f"{effect(m, part):+.2f} %" for m in CHANGED_MODELS)])
    return table(["parameter", *(f"`{name}`" for name in CHANGED_MODELS)], rows)


def refresh(found: Found) -> str:
    rows = []
    for name in MODELS:
        kept = base(found, name)["cycles"] / WINDOW
        none = found[key((tokens_with, name, REFRESH, "none"))]["cycles"] / WINDOW
        rows.append([f"`{name}`", count(round(none)), count(round(kept)),
                     f"{100 * (kept / none - 1):+.2f} %"])  # fmt: skip
    return table(["cycles of a token", "without", "with", "more"], rows)
