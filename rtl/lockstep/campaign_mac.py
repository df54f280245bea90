"""The SIMD engines of the campaign: formats mixed, both sums, all numbers of stages."""

from dataclasses import dataclass
from random import Random
from typing import Any

from arch.errors import InputError
from arch.mac.engine import Engine, Mode
from arch.mac.formats import scalar_named
from arch.mac.ranges import has_infinity, has_nan
from rtl.lockstep.campaign_builds import Build
from rtl.lockstep.mac import MacTwin

CYCLES = 250_000
LARGE_SHARE = 8
"""One build in so many has the modes of XR-NPE."""
OPERANDS = (
    "int2", "int3", "int4", "int5", "int8", "int12", "int16", "fp4_e2m1", "fp4_e1m2", "fp4_e3m0",
    "fp6_e2m3", "fp6_e3m2", "fp8_e4m3", "fp8_e5m2", "fp8_e3m4_ieee", "fp8_e4m3_fnuz",
    "fp8_e5m2_fnuz", "bf16", "fp16", "posit4_0", "posit4_1", "posit4_2", "posit6_1", "posit8_0",
    "posit8_1", "posit8_2", "posit16_1", "posit16_2", "mxint8_element", "nvint4_element",
)  # fmt: skip
RESULTS = (*OPERANDS, "int32", "uint8", "fp32", "ue4m3", "e8m0", "posit32_2")
CHAINS = (
    "fp16",
    "fp32",
    "bf16",
    "posit8_0",
    "posit16_1",
    "posit32_2",
    "fp8_e5m2",
    "int32",
    "int16",
)
GIVEN: tuple[dict[str, Any], ...] = (
    {},
    {"accumulation": "chained", "chain_format": "posit16_1"},
    {
        "modes": (
            Mode(input_format="posit8_0", weight_format="fp4_e2m1"),
            Mode(input_format="int8"),
            Mode(input_format="fp8_e5m2"),
        ),
        "result_formats": ("fp32", "int8", "fp8_e5m2", "posit8_0"),
    },
    {
        "modes": (
            Mode(input_format="fp8_e5m2"),
            Mode(input_format="fp8_e4m3", weight_format="int4"),
        ),
        "accumulation": "chained",
        "chain_format": "fp32",
        "result_formats": ("fp32", "fp8_e4m3"),
    },
)
"""The first builds; the others are drawn."""


@dataclass
class MacBuild:
    """A SIMD engine on its own."""

    engine: Engine
    latency: int
    seed: int
    cycles: int

    @property
    def group(self) -> str:
        return self.engine.accumulation

    @property
    def large(self) -> bool:
        return self.engine.modes == Engine().modes

    @property
    def parameters(self) -> dict[str, Any]:
        return {"mac": self.engine.model_dump(mode="json"), "latency_cycles": self.latency}

    def twin(self) -> MacTwin:
        return MacTwin(self.engine, self.latency)


def mac_builds(count: int, seed: int) -> list[Build]:
    """The engines of a campaign, quires and chains in turn."""
    random = Random(seed)
    chosen: list[Build] = []
    for i in range(count):
        if i < len(GIVEN):
            engine = Engine(**GIVEN[i])
        elif i % LARGE_SHARE == 0:
            engine = Engine(
                accumulation="chained", chain_format=random.choice(("fp16", "posit8_0"))
            )
        else:
            engine = drawn(random, chained=i % 2 == 1)
        chosen.append(MacBuild(engine, 1 + i % 4, random.randrange(2**32), CYCLES))
    return chosen


def drawn(random: Random, *, chained: bool) -> Engine:
    """A random engine; drawn again where it cannot be."""
    while True:
        modes = tuple(_mode(random) for _ in range(random.choice((1, 2, 2, 3, 4))))
        options: dict[str, Any] = {
            "word_bits": random.choice((16, 16, 16, 24, 32, 37)),
            "modes": modes,
            "result_formats": tuple(random.sample(RESULTS, random.choice((1, 2, 3)))),
        }
        if chained:
            forms = [form for mode in modes for form in mode.forms]
            chains = [
                name
                for name in CHAINS
                if (has_nan(scalar_named(name)) or not any(map(has_nan, forms)))
                and (has_infinity(scalar_named(name)) or not any(map(has_infinity, forms)))
            ]
            if not chains:
                continue
            options |= {"accumulation": "chained", "chain_format": random.choice(chains)}
        else:
            options["carry_bits"] = random.choice((0, 1, 7, 15, 31))
        try:
            return Engine(**options)
        except (InputError, ValueError):
            continue


def _mode(random: Random) -> Mode:
    inputs = random.choice(OPERANDS)
    weights = random.choice((inputs, inputs, random.choice(OPERANDS)))
    return Mode(
        input_format=inputs,
        weight_format=None if weights == inputs else weights,
        lanes=random.choice((None, None, 1, 2)),
    )
