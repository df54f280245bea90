"""The engine's kernels against Fractions, and against the dots that are proven elsewhere."""

import numpy as np
import pytest
from engine_oracle import bits_of, engine_code, packed

from arch.mac.engine import Engine, Mode
from arch.mac.formats import scalar_named
from arch.mac.kinds import Float
from sim.mac import engine as kernels
from sim.mac import formats

pytestmark = pytest.mark.compiled

XR_NPE = ("fp4_e2m1", "posit4_1", "posit8_0", "posit16_1")


def modes(*names: str | tuple[str, str]) -> tuple[Mode, ...]:
    pairs = [(name, name) if isinstance(name, str) else name for name in names]
    return tuple(Mode(input_format=a, weight_format=None if a == b else b) for a, b in pairs)


ENGINES = {
    "default": Engine(),
    "mixed": Engine(modes=modes("int8", ("posit8_0", "fp4_e2m1"), ("int4", "fp8_e4m3")),
                    result_formats=("posit8_0", "int8", "fp16")),
    "infinities": Engine(modes=modes("fp8_e5m2", ("fp8_e5m2", "posit8_1"), "fp4_e2m1"),
                         result_formats=("fp8_e5m2", "fp4_e2m1", "int8", "posit8_0", "bf16")),
    "int8": Engine(modes=modes("int8"), word_bits=32, carry_bits=18, result_formats=("int16",)),
    "wide": Engine(modes=modes("bf16", "fp16", "fp8_e5m2"), word_bits=64,
                   result_formats=("bf16", "fp16", "posit16_2")),
    "no carry": Engine(modes=modes("fp4_e2m1", "int4"), carry_bits=0),
    "chained": Engine(accumulation="chained", chain_format="posit16_1", modes=modes(*XR_NPE)),
    "chained fp16": Engine(accumulation="chained", chain_format="fp16", word_bits=32,
                           modes=modes("fp8_e5m2", "fp8_e4m3", "fp4_e2m1"),
                           result_formats=("fp8_e5m2", "fp16", "fp4_e2m1", "posit8_0")),
    "chained fp32": Engine(accumulation="chained", chain_format="fp32", word_bits=32,
                           modes=modes("fp8_e5m2", "posit8_2", "int8"),
                           result_formats=("fp8_e5m2", "int8", "bf16")),
}  # fmt: skip


def words(engine: Engine, mode: Mode, rows: int, length: int, seed: int, rare: float):
    """Words of random codes; all but ``rare`` of the codes that are no number are 0."""
    random = np.random.default_rng(seed)
    lanes, made = engine.lanes(mode), []
    for name in (mode.input_format, mode.weight):
        form = scalar_named(name)
        codes = random.integers(0, 2**form.bits, (rows, length * lanes))
        special = ~np.isfinite(formats.decode(codes, form))
        codes[special & (random.random(codes.shape) > rare)] = 0
        made.append((packed(codes, bits_of(name), lanes), codes))
    (left, _), (top, weights) = made
    # The second half of some rows cancels the first.
    half = length // 2
    form = scalar_named(mode.weight)
    mirrored = formats.encode(-np.nan_to_num(formats.decode(weights, form)), form)
    left[::4, half : 2 * half] = left[::4, :half]
    top[::4, half : 2 * half] = packed(mirrored, form.bits, lanes)[::4, :half]
    above = engine.word_bits - max(f.bits for f in mode.forms) * lanes
    if above:
        left = left | random.integers(0, 2**above, left.shape).astype(object) << (
            engine.word_bits - above)  # fmt: skip
    return left, top


def signed64(given: np.ndarray) -> np.ndarray:
    return np.array([int(x) - (int(x) >> 63 << 64) for x in given.flat], np.int64).reshape(
        given.shape
    )


def computed(engine: Engine, mode: int, result: int, left, top) -> list[int]:
    record = kernels.engine_record(engine)
    sums = np.zeros(kernels.limbs_of(engine.sum_bits), np.int64)
    out = np.empty(len(left), np.int64)
    kernels.engine_dots(
        record, mode, result, signed64(left), signed64(top), sums,
        kernels.product_scratch(engine), kernels.wide_scratch(engine), out,
    )  # fmt: skip
    return out.tolist()


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("rare", [0, 0.02])
def test_against_fractions(name: str, rare: float) -> None:
    engine = ENGINES[name]
    for mode, chosen in enumerate(engine.modes):
        left, top = words(engine, chosen, 24, 10, mode + 10 * bool(rare), rare)
        for result in range(len(engine.results)):
            got = computed(engine, mode, result, left, top)
            expected = [engine_code(engine, mode, result, a, b)
                        for a, b in zip(left.tolist(), top.tolist(), strict=True)]  # fmt: skip
            assert got == expected, (chosen.name, engine.results[result])


@pytest.mark.parametrize("name", ["default", "wide"])
def test_quire_against_dots(name: str) -> None:
    engine = ENGINES[name]
    for mode, chosen in enumerate(engine.modes):
        lanes, form = engine.lanes(chosen), chosen.input_format
        random = np.random.default_rng(mode)
        a, b = (random.integers(0, 2 ** bits_of(form), (500, 8 * lanes)) for _ in "ab")
        for result, out in enumerate(engine.results):
            if isinstance(scalar_named(out), Float) and not out.startswith("bf"):
                a, b = np.where(np.isfinite(formats.decode([a, b], form)), [a, b], 0)
            expected = formats.dot(a, b, form, out=out)
            got = computed(engine, mode, result, packed(a, bits_of(form), lanes),
                           packed(b, bits_of(form), lanes))  # fmt: skip
            np.testing.assert_array_equal(got, expected)


def test_one_lane_chained_is_the_chain_of_dots() -> None:
    engine = Engine(
        accumulation="chained", chain_format="posit8_1", word_bits=8,
        modes=(Mode(input_format="posit8_1", lanes=1),),
    )  # fmt: skip
    random = np.random.default_rng(4)
    a, b = (random.integers(0, 256, (2000, 12)) for _ in "ab")
    expected = formats.dot(a, b, "posit8_1", mode="chain")
    assert computed(engine, 0, 0, a, b) == expected.tolist()
