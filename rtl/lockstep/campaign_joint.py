"""The channels with memory and PIM commands of a campaign: every pair of their options occurs."""

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from pydantic import Field

from arch.dram.device import Device
from arch.pim.joint import JointPim, load_joint_pim
from rtl.lockstep.campaign_builds import Build
from rtl.lockstep.joint import JointTwin
from rtl.lockstep.pairs import Choice, choices

SHAPES = ((1, 2, 4), (2, 2, 2), (3, 2, 2), (1, 3, 4), (2, 2, 4), (1, 4, 4))
"""Ranks, groups of each, banks of each."""
ROWS = 16
SYSTEMS = ("dual concurrent", "dual blocked", "single blocked")
"""Row buffers and mode."""
OPTIONS: dict[str, tuple[Any, ...]] = {
    "shape": SHAPES,
    "system": SYSTEMS,
    "composites": ("counted", "whole"),
    "priority": ("pim_first", "memory_first", "alternating"),
    "fairness_cycles": (None, 8, 60, 400),
    "slack_checked": (True, False),
    "refresh": ("all_bank", "all_bank", "none"),
    "tile_ends_first": (True, False),
    "group_ready": ("all_banks", "one_bank"),
    "row_reserved": ("tile", "next_tile"),
    "deadline": ("kept", "lenient"),
    "open_tile": ("goes_on", "waits"),
    "pim_transactions_in": ("own", "reads"),
    "pim_transactions": (1, 2, 4),
    "pim_commands": (1, 2, 4),
    "read_entries": (2, 3, 6),
    "write_entries": (1, 3, 10),
    "bank_entries": (1, 2, 3),
}
OF_MACHINE = ("shape", "system", "composites")
PIM = "neupims"
BOUND_CYCLES = 200
"""In place of no bound, where that is refused."""
SHORT = {"nRFC": 90, "nGW": 60, "nCOMP": 6, "nRES": 6, "nFILL": 24}
"""Timings that would take too much of a run."""
TIMINGS_MAX = 40
"""Of those that are changed, but for these."""
CYCLES = 100_000


class SizedPim(JointPim):
    """A PIM with another shape than any preset."""

    shape: tuple[int, int, int]
    """Ranks, groups of each, banks of each."""
    rows: int = Field(default=ROWS, ge=2)
    """Of a bank."""

    def device(self) -> Device:
        return replace(super().device(), sizes=(1, *self.shape), rows=self.rows)


@dataclass
class JointBuild:
    """A channel."""

    pim: SizedPim
    seed: int
    cycles: int

    @property
    def group(self) -> str:
        return f"{self.pim.row_buffers} {self.pim.controller.mode}"

    @property
    def large(self) -> bool:
        return self.pim.device().banks == max(a * b * c for a, b, c in SHAPES)

    @property
    def parameters(self) -> dict[str, Any]:
        own = self.pim
        return {
            "joint": own.controller.model_dump(mode="json"),
            "row_buffers": own.row_buffers,
            "variant": own.variant,
            "shape": own.shape,
            "timings": own.timings,
        }

    def twin(self) -> JointTwin:
        return JointTwin(self.pim)


def sized(name: str, settings: list[str], shape: tuple[int, int, int]) -> SizedPim:
    """A PIM that is shipped, with fewer banks and rows."""
    pim = load_joint_pim(name, settings)
    return SizedPim.model_validate({**dict(pim), "shape": shape})


def joint_builds(count: int, seed: int) -> list[Build]:
    """The channels of a campaign."""
    random = Random(seed)
    found = zip(range(count), choices(OPTIONS, random), strict=False)
    return [_build(random, choice) for _, choice in found]


def _build(random: Random, choice: Choice) -> JointBuild:
    rows, mode = choice["system"].split()
    controller = {name: value for name, value in choice.items() if name not in OF_MACHINE}
    controller["mode"] = mode
    if mode == "blocked":
        if controller["priority"] != "pim_first" and controller["fairness_cycles"] is None:
            controller["fairness_cycles"] = BOUND_CYCLES
        if controller["refresh"] == "none":
            # Requests for a row that is kept would wait for the next tile, which waits for them.
            controller["row_reserved"] = "tile"
    variant = rows if choice["composites"] == "counted" else f"simulated_{rows}"
    plain = load_joint_pim(PIM)
    pim = SizedPim.model_validate(
        {
            **dict(plain),
            "row_buffers": rows,
            "variant": variant,
            "timings": _timings(random, plain, choice["shape"][0]),
            "controller": controller,
            "shape": choice["shape"],
        }
    )
    return JointBuild(pim, random.randrange(2**32), CYCLES)


def _timings(random: Random, plain: JointPim, ranks: int) -> dict[str, int]:
    """Some timings other than the preset's, and refreshes often."""
    names = sorted(set(plain.device().timings) - {"rate", "nREFI", *SHORT})
    changed = {name: random.randint(2, TIMINGS_MAX) for name in random.sample(names, 5)}
    changed |= {name: random.randint(1, most) for name, most in SHORT.items()}
    return changed | {"nREFI": random.randint(800, 2400) * ranks}
