"""Each number of PIM-GPT's files counts: one more or less changes when some token is done."""

from collections.abc import Iterator

import pytest
import yaml

from arch.catalog import CONFIGS
from arch.pim.system import load_pim
from sim.pim.generate import generate
from traces.mapping.pim.model_layout import place_model
from traces.transformer import Transformer

pytestmark = pytest.mark.compiled

OFTEN = {"channels": 2, "timings.nREFI": 1500}
"""Refreshes in each token."""
FEW = {
    "controller.dispatch_width": 1, "controller.read_entries": 2, "controller.write_entries": 2,
    "controller.drain_above": 1, "controller.drain_below": 1,
}  # fmt: skip
CASES = {
    "longer than the global buffer": ((1040, 5, 24, 1100), 90, 64, OFTEN),
    "one head, nothing beside its softmax": ((48, 1, 16, 300), 4010, 4000, OFTEN),
    "little room to wait": ((600, 3, 40, 1600), 90, 32, OFTEN | FEW),
    "two clocks, one instruction waits": (
        (48, 4, 40, 300),
        300,
        260,
        OFTEN | {"asic.clock_khz": 1_300_000, "controller.pim_entries": 1},
    ),
}
"""Dimensions, room for tokens, first context, and what is not as in the files."""
BY_MULTIPLICATIONS = "an element's multiplications take longer than its additions"
NOT_EXERCISED = {
    "asic.operations.act.adds": BY_MULTIPLICATIONS,
    "asic.operations.div.adds": BY_MULTIPLICATIONS,
    "asic.operations.exp.adds": BY_MULTIPLICATIONS,
    "asic.operations.sqrt.adds": BY_MULTIPLICATIONS,
    "asic.operations.div.multiplies": "of one element, whose latency counts",
    "asic.operations.sqrt.multiplies": "of one element, whose latency counts",
    "asic.operations.copy.adds": "done before the position's vector has come",
    "asic.operations.copy.latency_cycles": "done before the position's vector has come",
    "asic.sram_kib": "all vectors fit",
    "controller.dispatch_width": "a channel takes an instruction a cycle at most",
    "controller.drain_above": "no read waits beside a write",
    "controller.drain_below": "no read waits beside a write",
    "timings.nFAW": "four activates are 28 cycles apart anyway, by nRRDS",
    "timings.nPPD": "precharges of banks are further apart",
    "timings.nRFCpb": "no bank is refreshed alone",
    "timings.nRREFD": "no bank is refreshed alone",
    "timings.nWTRL": "a row that is written closes before it is multiplied",
}


def numeric(data: object, path: str = "") -> Iterator[tuple[str, int]]:
    """Paths of whole numbers in YAML."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield from numeric(value, f"{path}.{name}" if path else name)
    elif isinstance(data, int) and not isinstance(data, bool):
        yield path, data


def numbers() -> dict[str, int]:
    """All but energies and the place of tables; defaults too."""
    pim = load_pim("pim_gpt")
    data = yaml.safe_load((CONFIGS / "pims" / "pim_gpt.yaml").read_text())
    data |= {"controller": pim.controller.model_dump(), "energy": None}
    assert pim.asic is not None
    data["asic"]["synchroniser_cycles"] = pim.asic.synchroniser_cycles
    commands = yaml.safe_load((CONFIGS / "pim" / "pim_gpt.yaml").read_text())
    timings = {"timings": commands["speeds"]["PIM_GPT"]["timings"]}
    found = dict(numeric(data | timings)) | OFTEN
    del found["activation_first_row"]
    return found


def ends(case: str, changes: dict[str, int]) -> list[int]:
    (hidden, heads, head_dim, ffn), room, first, base = CASES[case]
    model = Transformer(
        source="made up", kind="decoder", layers=1, hidden=hidden, heads=heads, kv_heads=heads,
        head_dim=head_dim, ffn=ffn, activation="gelu", norm="layer", norm_first=True, rotary=False,
        positions=64, vocabulary=40, bias="all",
    )  # fmt: skip
    pim = load_pim("pim_gpt", [f"{path}={value}" for path, value in (base | changes).items()])
    layout = place_model(case, model, pim, room)
    # Cycles, so that a longer tick is no other time.
    return generate(pim, layout, first, first + 1).token_cycles


def test_one_more_or_less_is_seen() -> None:
    unseen = numbers()
    for case, (_, _, _, base) in CASES.items():
        before = ends(case, {})
        for path, value in list(unseen.items()):
            value = base.get(path, value)
            near = [value + 1] if value <= 1 else [value + 1, value - 1]
            if any(ends(case, {path: other}) != before for other in near):
                del unseen[path]
    assert set(unseen) == set(NOT_EXERCISED)
