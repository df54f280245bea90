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
    Numbers,
)

from arch.pim.system import load_pim
from sim.report.text import count, percent, si

SHOWN_SHARES = (1024, 8192)
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
    """What does not fit and what is assumed of models; those of which the same is said together."""
    models: dict[str, list[str]] = {}
    for name in MODELS:
        own = found[f"growth {name}"]
        for note in (*own["refused"], *own["notes"]):
            models.setdefault(note.removeprefix(f"{name}: ").rstrip("."), []).append(f"`{name}`")
    lines = (f"- {', '.join(names)}: {note}." for note, names in models.items())
    return "\n".join(lines) + "\n"


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
    """Cycles of a channel by what it does, of a token; of the longest, what is more than before."""
    rows = []
    for name in CHANGED_MODELS:
        short, long = (parts(found, name, tokens) for tokens in (CONTEXT, TOKENS[-1]))
        if short is None or long is None:
            continue
        more = [after - before for after, before in zip(long, short, strict=True)]
        for what, values in (
            (f"context {CONTEXT}", short), (f"context {TOKENS[-1]}", long), ("the more", more),
        ):  # fmt: skip
            cycles = sum(values)
            rows.append([
                f"`{name}`, {what}", count(round(cycles)),
                *(f"{percent(value, cycles)} %" for value in values),
            ])  # fmt: skip
    head = ["", "cycles", "MAC16", "WRGB", "RDMAC16", "RD, WR", "ACT16", "REFab", "rest"]
    return table(head, rows)


def parts(found: Found, name: str, tokens: int) -> list[float] | None:
    """Cycles of a channel in commands of each kind, rows that change, refreshes, and the rest."""
    pim, mean = load_pim(PIM), recent(found, name, tokens)
    if mean is None:
        return None

    def given(command: str) -> float:
        return mean("commands", command) / pim.channels

    spent = [
        given("MAC16"), given("WRGB"), given("RDMAC16"), given("RD") + given("WR"),
        given("ACT16") * row_change_cycles(),
        given("REFab") * pim.device().device.timings["nRFCab"],
    ]  # fmt: skip
    return [*spent, mean("cycles") - sum(spent)]


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
