"""The DRAM channels of a campaign: random standards, sizes, timings and controllers."""

from dataclasses import dataclass
from random import Random
from typing import Any

from arch.dram.controller import Controller
from arch.dram.device import Device, resolve
from arch.dram.load import load_standard
from rtl.dram.parameters import BANKS_MAX, ENTRIES_MAX
from rtl.lockstep.campaign_builds import Build
from rtl.lockstep.dram import DramTwin

CYCLES = 400_000
LARGE_SHARE = 9
"""One build in so many has most banks and entries."""
STANDARDS = ("ddr4", "gddr6", "lpddr4", "ddr5")
REFRESHES = ("all_bank", "per_bank", "none")
TIMINGS_MAX = 40
"""Of those that are changed, but for refreshes."""
REFRESH_TIMINGS = {"nRFC": 90, "nRFCab": 90, "nRFCpb": 60, "nRFCsb": 60}
"""Short, so that there are many refreshes in a run."""
OPTIONS: dict[str, tuple[Any, ...]] = {
    "scheduler": ("frfcfs", "frfcfs", "frfcfs", "fcfs"),
    "cap_cycles": (None, 1, 60, 400, 3000),
    "postponed_refreshes": (0, 0, 1, 3),
    "hazards": ("ordered", "ordered", "unordered"),
    "drain_high": (0.5, 0.8, 1.0),
    "drain_low": (0.0, 0.2, 0.5),
}


@dataclass
class DramBuild:
    """A channel."""

    standard: str
    levels: dict[str, int]
    timings: dict[str, int]
    controller: Controller
    seed: int
    cycles: int

    @property
    def group(self) -> str:
        return self.standard

    @property
    def large(self) -> bool:
        given = self.controller
        full = min(given.read_entries, given.write_entries) == ENTRIES_MAX
        return full and self.device.banks == BANKS_MAX

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "dram": self.controller.model_dump(mode="json"),
            "standard": self.standard,
            "levels": self.levels,
            "timings": self.timings,
        }

    @property
    def device(self) -> Device:
        """Of the typical presets."""
        standard = load_standard(self.standard)
        return resolve(standard, None, None, levels=self.levels, timings=self.timings)

    def twin(self) -> DramTwin:
        return DramTwin(self.device, self.controller)


def dram_builds(count: int, seed: int) -> list[Build]:
    """The channels of a campaign: standards and refreshes in turn."""
    random = Random(seed)
    return [_build(random, STANDARDS[i % len(STANDARDS)], i) for i in range(count)]


def _build(random: Random, standard: str, number: int) -> DramBuild:
    plain = resolve(load_standard(standard), None, None)
    large = number % LARGE_SHARE == LARGE_SHARE - 1
    options = {name: random.choice(values) for name, values in OPTIONS.items()}
    entries = [ENTRIES_MAX if large else random.choice((2, 3, 4, 5, 8)) for _ in "rw"]
    options |= dict(zip(("read_entries", "write_entries"), entries, strict=True))
    options["refresh"] = REFRESHES[number // len(STANDARDS) % len(REFRESHES)]
    if options["refresh"] == "per_bank" and "REFpb" not in plain.commands:
        options["refresh"] = "all_bank"
    sizes = {"rank": (1, 2, 3), "bank_group": (1, 2, 4), "bank": (2, 3, 4)}
    full = {"rank": 1, "bank_group": 4, "bank": 4}
    levels = {"rank": 4, "bank_group": 4, "bank": 4}
    while _banks(levels) > (BANKS_MAX if large else 12) or _banks(levels) < 2:
        levels = full if large else {name: random.choice(values) for name, values in sizes.items()}
    levels = {name: size for name, size in levels.items() if name in plain.levels}
    # In turn, the banks of a rank share an interval.
    in_turn = options["refresh"] == "per_bank"
    turns = levels["bank_group"] * levels["bank"] if in_turn else 1
    return DramBuild(
        standard,
        levels,
        _timings(random, plain, turns),
        Controller(**options),
        random.randrange(2**32),
        CYCLES,
    )


def _banks(levels: dict[str, int]) -> int:
    return levels["rank"] * levels["bank_group"] * levels["bank"]


def _timings(random: Random, plain: Device, turns: int) -> dict[str, int]:
    """Some timings other than the preset's, and refreshes often."""
    names = sorted(name for name in plain.timings if name not in ("rate", "nREFI"))
    changed = {name: random.randint(1, TIMINGS_MAX) for name in random.sample(names, 5)}
    for name, cycles in REFRESH_TIMINGS.items():
        if name in plain.timings:
            changed[name] = random.randint(10, cycles)
    return changed | {"nREFI": random.randint(450, 2400) * turns}
