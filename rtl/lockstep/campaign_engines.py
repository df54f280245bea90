"""What the campaign of arrays of SIMD engines builds: small grids of all kinds of engines."""

from dataclasses import dataclass
from random import Random
from typing import Any

from arch.array import Array
from arch.mac.engine import Engine, Mode
from rtl.lockstep.array import ArrayTwin
from rtl.lockstep.campaign_builds import Build
from rtl.lockstep.twin import Twin

SHAPES = ((4, 4), (1, 1), (2, 3), (3, 2))
CYCLES = 110_000
OPTIONS: dict[str, tuple[Any, ...]] = {
    "pe_latency_cycles": (1, 2, 3),
    "drain": ("overlapped", "serial"),
    "edge_folds": ("clipped", "full"),
}


def modes(*names: str) -> tuple[Mode, ...]:
    """Modes by name: of one format, or ``inputs x weights``."""
    pairs = [name.split(" x ") for name in names]
    return tuple(
        Mode(input_format=pair[0], weight_format=pair[1] if len(pair) > 1 else None)
        for pair in pairs
    )


ENGINES = {
    "quire of XR-NPE": Engine(),
    "chained posit16_1": Engine(accumulation="chained", chain_format="posit16_1"),
    "quire of mixed formats": Engine(
        modes=modes("int8", "posit8_0 x fp4_e2m1", "fp8_e4m3", "posit6_1"),
        result_formats=("int8", "posit8_0", "fp16", "fp4_e2m1", "uint8"),
    ),
    "chained fp16": Engine(
        accumulation="chained",
        chain_format="fp16",
        word_bits=20,
        modes=modes("fp8_e5m2", "fp8_e4m3 x fp8_e5m2", "fp4_e2m1"),
        result_formats=("fp8_e5m2", "fp16", "fp4_e2m1", "posit8_0", "int8"),
    ),
    "quire with infinities": Engine(
        word_bits=8,
        carry_bits=4,
        modes=modes("fp8_e5m2", "fp8_e5m2 x posit4_1", "fp4_e2m1"),
        result_formats=("fp8_e5m2", "fp8_e4m3", "posit8_1", "int8", "fp8_e4m3_fnuz"),
    ),
    "int8": Engine(word_bits=32, modes=modes("int8"), carry_bits=17),
    "chained fp8": Engine(
        accumulation="chained",
        chain_format="fp8_e5m2",
        word_bits=8,
        modes=modes("fp8_e5m2"),
    ),
    "quire of fp16": Engine(modes=modes("fp16", "int4"), result_formats=("fp16", "posit16_1")),
}


@dataclass
class EngineBuild:
    """An array of one of the engines."""

    engine: str
    array: Array
    seed: int
    cycles: int = CYCLES

    @property
    def group(self) -> str:
        engine = self.array.engine
        assert engine is not None
        return engine.accumulation

    @property
    def large(self) -> bool:
        return (self.array.rows, self.array.cols) == SHAPES[0]

    @property
    def parameters(self) -> dict[str, Any]:
        array = self.array.model_dump(mode="json", exclude_defaults=True)
        return {"name": self.engine, "mac_array": array}

    def twin(self) -> Twin:
        return ArrayTwin(self.array)


def engine_builds(count: int, seed: int) -> list[Build]:
    """The arrays of a campaign: engines in turn, and shapes in turn for each of them."""
    random = Random(seed)
    chosen: list[Build] = []
    for i in range(count):
        name = list(ENGINES)[i % len(ENGINES)]
        rows, cols = SHAPES[(i + i // len(ENGINES)) % len(SHAPES)]
        options = {option: random.choice(values) for option, values in OPTIONS.items()}
        options |= {"drain": ("serial", "overlapped")[i // 2 % 2]}
        array = Array(rows=rows, cols=cols, dataflow="os", engine=ENGINES[name], **options)
        chosen.append(EngineBuild(name, array, random.randrange(2**32)))
    return chosen
