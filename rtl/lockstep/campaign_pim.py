"""The MAC units and vector units of campaigns: random sizes, formats, trees and times."""

from dataclasses import dataclass
from random import Random
from typing import Any

from arch.pim.command_set import MacUnit
from arch.vector import Vector
from rtl.lockstep.campaign_builds import Build, cycles_of
from rtl.lockstep.pim import PimTwin
from rtl.lockstep.vector import VectorTwin
from rtl.pim.parameters import BANKS_MAX
from rtl.pim.parameters import LANES_MAX as MAC_LANES_MAX
from rtl.pim.parameters import Parameters as PimParameters
from rtl.vector.parameters import Parameters as VectorParameters

LARGE_SHARE = 18
"""One build in so many is of the largest size."""
LANE_CYCLES = 7_000_000
"""Cycles of a build times its lanes in all banks, as more cost more."""
SMALL_LANES = 24
"""In all banks of a build that is not large, unless a bank has more."""
CYCLES_MAX, CYCLES_MIN = 500_000, 20_000
AIM = (16, 16)
"""Lanes and banks of the largest."""


@dataclass
class PimBuild:
    """MAC units of a channel."""

    mac: MacUnit
    sizes: dict[str, int]
    """Banks, columns of the buffer and of a row, levels of the tree between registers."""
    seed: int
    cycles: int

    @property
    def group(self) -> str:
        return self.mac.operand_format

    @property
    def large(self) -> bool:
        return self.mac.lanes == AIM[0] and self.sizes["banks"] == BANKS_MAX

    @property
    def parameters(self) -> dict[str, Any]:
        return {"pim": self.mac.model_dump(), **self.sizes}

    def twin(self) -> PimTwin:
        sizes = self.sizes
        return PimTwin(
            PimParameters(
                self.mac,
                sizes["banks"],
                sizes["buffer_columns"],
                sizes["row_columns"],
                levels_per_stage=sizes["levels_per_stage"],
            )
        )


def pim_builds(count: int, seed: int) -> list[Build]:
    """The channels of a campaign, of bf16 and fp16 in turn; the first is as large as AiM's."""
    random = Random(seed)
    chosen: list[Build] = []
    for i in range(count):
        lanes = random.choice((2, 4, 4, 8, 8, 16, MAC_LANES_MAX))
        banks = min(random.choice((1, 1, 2, 3, 4)), max(1, SMALL_LANES // lanes))
        if i % LARGE_SHARE == 0:
            lanes, banks = AIM
        mac = MacUnit(
            lanes=lanes,
            operand_format=("bf16", "fp16")[i % 2],
            accumulator_format="fp32",
            accumulators=random.choice((1, 2, 2, 3, 4, 8)),
        )
        sizes = {
            "banks": banks,
            "buffer_columns": random.choice((2, 4, 16, 64)),
            "row_columns": random.choice((2, 5, 64, 128)),
            "levels_per_stage": min(random.choice((1, 1, 2, 3)), lanes.bit_length() - 1),
        }
        cycles = cycles_of(lanes * banks, LANE_CYCLES, CYCLES_MIN, CYCLES_MAX)
        chosen.append(PimBuild(mac, sizes, random.randrange(2**32), cycles))
    return chosen


VECTOR_LANE_CYCLES = 3_000_000
VECTOR_LARGE_LANES = 16


@dataclass
class VectorBuild:
    """A vector unit's datapath."""

    vector: Vector
    operand_format: str
    elements_bits: int
    seed: int
    cycles: int

    @property
    def group(self) -> str:
        return self.operand_format

    @property
    def large(self) -> bool:
        return self.vector.lanes == VECTOR_LARGE_LANES

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "vector": self.vector.model_dump(mode="json"),
            "operand_format": self.operand_format,
            "elements_bits": self.elements_bits,
        }

    def twin(self) -> VectorTwin:
        bits = self.elements_bits
        return VectorTwin(VectorParameters(self.vector, self.operand_format, elements_bits=bits))


def vector_builds(count: int, seed: int) -> list[Build]:
    """The datapaths of a campaign, formats of operands in turn."""
    random = Random(seed)
    chosen: list[Build] = []
    for i in range(count):
        lanes = random.choice((1, 2, 2, 4, 4, 8))
        if i % LARGE_SHARE == 0:
            lanes = VECTOR_LARGE_LANES
        timings = {
            op: {
                "interval_cycles": random.choice((1, 1, 1, 2, 3, 7)),
                "latency_cycles": random.choice((1, 1, 2, 3, 4, 6, 12)),
            }
            for op in ("add", "mul", "max", "sum")
            if random.random() < 0.8
        }
        vector = Vector.model_validate({"lanes": lanes, "operations": timings})
        form = ("fp32", "bf16", "fp16")[i % 3]
        bits = random.choice((3, 5, 8, 16))
        cycles = cycles_of(lanes, VECTOR_LANE_CYCLES, CYCLES_MIN, CYCLES_MAX)
        chosen.append(VectorBuild(vector, form, bits, random.randrange(2**32), cycles))
    return chosen
