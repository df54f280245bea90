"""The SIMD engine's parameters: what follows from them, and what is refused."""

from fractions import Fraction
from typing import Any

import pytest

from arch.array import Array
from arch.errors import InputError
from arch.mac.engine import Engine, Mode
from arch.mac.formats import FORMATS, scalar_named
from arch.mac.kinds import Block, power
from arch.mac.ranges import magnitude_exponent, significand_bits, unit_exponent
from sim.mac.formats import decode

NARROW = [row.name for row in FORMATS.values() if not isinstance(row, Block) and row.bits <= 16]


def engine(*names: str, **more: Any) -> Engine:
    modes = tuple(
        Mode(input_format=first, weight_format=second or None)
        for first, _, second in (name.partition(" x ") for name in names)
    )
    return Engine(modes=modes, **more)


@pytest.mark.parametrize("name", NARROW)
def test_every_number_lies_in_the_range(name: str) -> None:
    form = scalar_named(name)
    values = decode(range(2**form.bits), form)
    numbers = [Fraction(float(v)) for v in values if abs(v) < float("inf")]
    unit, most = power(unit_exponent(form)), power(magnitude_exponent(form))
    multiples = [number / unit for number in numbers]
    assert all(each.denominator == 1 for each in multiples)
    assert any(each.numerator % 2 for each in multiples)
    assert max(map(abs, numbers)) <= most
    assert max(map(abs, numbers)) > most / 2
    odd = [abs(each.numerator) for each in multiples if each]
    widest = max(each.bit_length() - ((each & -each).bit_length() - 1) for each in odd)
    assert significand_bits(form) >= widest


def test_the_quire_of_a_posit_grows_as_its_definition_says() -> None:
    for bits, es in ((4, 1), (8, 0), (16, 1), (16, 2), (8, 2)):
        quire = engine(f"posit{bits}_{es}", carry_bits=7).quire_bits
        assert quire == 4 * (bits - 2) * 2**es + 1 + 7


def test_xr_npe_by_default() -> None:
    default = Engine()
    assert [(mode.name, default.lanes(mode)) for mode in default.modes] == [
        ("fp4_e2m1", 4), ("posit4_1", 4), ("posit8_0", 2), ("posit16_1", 1)
    ]  # fmt: skip
    assert (default.quire_bits, default.sum_bits, default.multiplier_bits) == (128, 129, 14)
    assert default.depth_most == 2**15 - 1


@pytest.mark.parametrize("name", ["posit8_0", "fp8_e4m3", "int8", "fp8_e5m2 x int4"])
def test_the_largest_sum_fits_and_one_more_does_not(name: str) -> None:
    made = engine(name, carry_bits=4)
    left, right = made.modes[0].forms
    largest = max(
        abs(a * b) for a in (left.largest, left.least) for b in (right.largest, right.least)
    ) / power(made.modes[0].unit_exponent)
    bound = 2 ** (made.quire_bits - 1)
    assert made.depth_most is not None
    assert made.depth_most * largest < bound
    assert 4 * (made.depth_most + 1) * largest > bound


def test_specials() -> None:
    assert engine("int8").special_bits == engine("fp4_e2m1").special_bits == 0
    assert engine("posit8_0").special_bits == engine("fp8_e4m3").special_bits == 1
    assert engine("fp8_e5m2").special_bits == 3


def test_a_chained_sum_has_the_width_of_its_format() -> None:
    made = engine("posit8_0", accumulation="chained", chain_format="posit16_1")
    assert (made.sum_bits, made.depth_most) == (16, None)


def test_aliases_are_found() -> None:
    assert engine("fp4_e2m1").mode_of("fp4", "fp4") == 0
    assert engine("fp4_e2m1").result_of("fp4") == 0


REFUSED = [
    ({"modes": ()}, "modes: there is none"),
    ({"modes": ("posit8_0", "posit8_0")}, "posit8_0 is given twice"),
    ({"modes": ("fp32",)}, "fp32 cannot be multiplied"),
    ({"modes": ("uint8",)}, "uint8 cannot be multiplied; give a format with a sign"),
    ({"modes": ("mxfp8",)}, "holds blocks"),
    ({"modes": ("posit8_8",)}, "es"),
    ({"modes": ("posit16_1",), "word_bits": 8}, "posit16_1 does not fit into a word of 8 bits"),
    ({"modes": ("fp8_e5m2",), "accumulation": "chained", "chain_format": "posit8_0"}, None),
    (
        {"modes": ("fp8_e5m2",), "accumulation": "chained", "chain_format": "fp8_e4m3"},
        "fp8_e4m3 cannot hold what fp8_e5m2 can be",
    ),
    (
        {"modes": ("posit8_0",), "accumulation": "chained", "chain_format": "int16"},
        "int16 cannot hold what posit8_0 can be",
    ),
    ({"modes": ("int8",), "accumulation": "chained"}, "accumulation is 'chained'; give one"),
    ({"modes": ("int8",), "chain_format": "int16"}, "accumulation is 'quire'; give none"),
    ({"modes": ("int8",), "result_formats": ("int8", "int8")}, "one is given twice"),
    ({"modes": ("int8",), "result_formats": ("int99",)}, "there is no such format"),
    ({"modes": ("bf16",), "carry_bits": 32}, None),
    ({"modes": ("bf16 x fp32",)}, "fp32 cannot be multiplied"),
]


@pytest.mark.parametrize(("given", "told"), REFUSED)
def test_what_cannot_be_built(given: dict[str, Any], told: str | None) -> None:
    more = dict(given)
    names = more.pop("modes")
    if told is None:
        assert engine(*names, **more)
        return
    with pytest.raises(ValueError, match=told.replace("(", r"\(")):
        engine(*names, **more)


def test_too_many_lanes() -> None:
    with pytest.raises(ValueError, match="3 lanes of posit8_0 do not fit into a word of 16 bits"):
        Engine(modes=(Mode(input_format="posit8_0", lanes=3),))


def test_modes_that_are_not_there() -> None:
    made = engine("posit8_0", "posit8_0 x fp4_e2m1")
    assert made.mode_of("posit8_0", "fp4_e2m1") == 1
    with pytest.raises(InputError, match="no mode for them; it has posit8_0, posit8_0 x fp4_e2m1"):
        made.mode_of("fp4_e2m1", "posit8_0")
    with pytest.raises(InputError, match="rounds to posit8_0; add it"):
        made.result_of("fp16")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"dataflow": "ws"}, "it needs dataflow 'os', not 'ws'"),
        ({"dataflow": "os", "operand_format": "int16"}, "operand_format: formats are those"),
        ({"dataflow": "os", "accumulator_overflow": "saturate"}, "accumulator_overflow: formats"),
        ({"dataflow": "os", "convention": "scalesim", "weight_load": "serial", "drain": "serial",
          "edge_folds": "full"}, "needs convention 'physical'"),
    ],
)  # fmt: skip
def test_arrays_that_cannot_have_engines(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Array(rows=4, cols=4, engine=Engine(), **fields)
