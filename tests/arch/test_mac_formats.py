"""The table of number formats."""

from dataclasses import FrozenInstanceError
from fractions import Fraction
from typing import get_args

import pytest

from arch.errors import InputError
from arch.mac.formats import (
    ALIASES,
    FORMAT_BITS,
    FORMATS,
    FormatName,
    format_named,
    packed_bytes,
    scalar_named,
)
from arch.mac.kinds import Block, Float, Int, Posit

WIDTHS = {
    "int4": 4, "int8": 8, "int16": 16, "int32": 32, "int64": 64,
    "fp8_e4m3": 8, "fp8_e5m2": 8, "bf16": 16, "fp16": 16, "fp32": 32,
}  # fmt: skip
RANGES = {
    # Largest and smallest positive number, as the sources print them.
    "fp4_e2m1": (6, Fraction(1, 2)),
    "fp6_e2m3": (Fraction(15, 2), Fraction(1, 8)),
    "fp6_e3m2": (28, Fraction(1, 16)),
    "fp8_e4m3": (448, Fraction(1, 2**9)),
    "fp8_e5m2": (57344, Fraction(1, 2**16)),
    "fp16": (65504, Fraction(1, 2**24)),
    "bf16": (Fraction(255, 128) * 2**127, Fraction(1, 2**133)),
    "e8m0": (2**127, Fraction(1, 2**127)),
    "mxint8_element": (Fraction(127, 64), Fraction(1, 64)),
    "int8": (127, 1),
    "posit4_1": (16, Fraction(1, 16)),
    "posit8_0": (64, Fraction(1, 64)),
    "posit16_1": (2**28, Fraction(1, 2**28)),
    "posit32_2": (2**120, Fraction(1, 2**120)),
}
BITS_STORED = {"mxint8": "33/4", "mxfp6_e3m2": "25/4", "mxfp4": "17/4", "nvfp4": "9/2"}
REFUSED = [
    ("posit1_0", r"format posit1_0: a posit of 1 bits; give 2 to 32"),
    ("posit33_2", "a posit of 33 bits; give 2 to 32"),
    ("posit16_4", "4 exponent bits; give es of 0 to 3"),
    ("posit2_2", "es of 2 does not fit into 2 bits; give less than 2"),
    ("posit8", "'posit8': there is no such format; give posit<n>_<es> or one of int2"),
    ("fp8", "'fp8': there is no such format"),
    ("x" * 99, r"'x{37}\.\.\.'"),
]


def test_widths_of_the_units_formats_are_as_ever() -> None:
    assert FORMAT_BITS == WIDTHS
    assert set(get_args(FormatName)) == set(WIDTHS)
    assert packed_bytes(3, 4) == 2
    assert packed_bytes(3, 16) == 6


def test_every_row_is_known_by_its_name() -> None:
    for name, form in FORMATS.items():
        assert form.name == name
        assert format_named(name) is form
    for alias, name in ALIASES.items():
        assert format_named(alias) is FORMATS[name]


def test_names_what_the_issue_lists() -> None:
    wanted = [f"int{n}" for n in range(2, 17)]
    wanted += ["fp4_e2m1", "fp6_e2m3", "fp6_e3m2", "fp8_e4m3", "fp8_e5m2", "bf16", "fp16", "fp32"]
    wanted += ["posit4_1", "posit8_0", "posit16_1", "mxint8", "mxfp8", "mxfp6", "mxfp4", "nvfp4"]
    assert [format_named(name).kind for name in [*wanted, "nvint4"]].count("block") == 6


@pytest.mark.parametrize("name", RANGES)
def test_range(name: str) -> None:
    form = scalar_named(name)
    largest, smallest = RANGES[name]
    assert (form.largest, form.smallest) == (largest, smallest)


def test_epsilon() -> None:
    """From 1 to the next; as the numbers of these formats are."""
    known = {"int8": 1, "int2": None, "mxint8_element": Fraction(1, 64), "fp4_e2m1": Fraction(1, 2),
             "fp4_e1m2": Fraction(1, 4), "fp8_e4m3": Fraction(1, 8), "fp16": Fraction(1, 1024),
             "e8m0": 1, "posit8_0": Fraction(1, 32), "posit16_1": Fraction(1, 4096), "posit4_1": 1,
             "posit4_2": 3, "posit3_1": 3, "posit2_1": None, "posit5_3": 3}  # fmt: skip
    assert {name: scalar_named(name).epsilon for name in known} == known


def test_lowest_numbers() -> None:
    lowest = {"int8": -128, "mxint8_element": Fraction(-127, 64), "uint4": 0, "ue4m3": 0,
              "e8m0": Fraction(1, 2**127), "fp8_e4m3": -448, "posit8_0": -64}  # fmt: skip
    assert {name: scalar_named(name).least for name in lowest} == lowest


@pytest.mark.parametrize(("name", "bits"), BITS_STORED.items())
def test_blocks_count_their_scale(name: str, bits: str) -> None:
    form = format_named(name)
    assert isinstance(form, Block)
    assert form.bits_stored == Fraction(bits)


@pytest.mark.parametrize("es", range(4))
@pytest.mark.parametrize("bits", [4, 7, 32])
def test_any_posit_is_known_by_name(bits: int, es: int) -> None:
    form = format_named(f"posit{bits}_{es}")
    assert isinstance(form, Posit)
    assert (form.bits, form.es) == (bits, es)
    assert form.largest == 2 ** ((bits - 2) * 2**es)


@pytest.mark.parametrize(("name", "message"), REFUSED)
def test_what_cannot_exist_is_refused(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        format_named(name)


def test_rows_that_cannot_exist_are_refused() -> None:
    element, scale = scalar_named("int4"), FORMATS["e8m0"]
    assert isinstance(scale, Float)
    with pytest.raises(InputError, match="format b: blocks of 0 elements; give 1 or more"):
        Block(name="b", element=element, scale=scale, size=0)
    with pytest.raises(InputError, match="elements of 32 bits; give 16 at most"):
        Block(name="b", element=scalar_named("int32"), scale=scale, size=4)
    with pytest.raises(InputError, match="an integer of 65 bits; give 1 to 64"):
        Int(name="i", bits=65)
    with pytest.raises(InputError, match="a float of 9 exponent and 2 mantissa bits"):
        Float(name="f", exponent_bits=9, mantissa_bits=2, bias=1)
    with pytest.raises(InputError, match="no infinity or NaN to overflow to; give saturate"):
        Float(name="f", exponent_bits=2, mantissa_bits=1, bias=1, specials="none")
    with pytest.raises(InputError, match="infinity and NaN do not fit"):
        Float(name="f", exponent_bits=4, mantissa_bits=0, bias=1)
    with pytest.raises(InputError, match="there is E8M0 only"):
        Float(name="f", exponent_bits=4, mantissa_bits=1, bias=1, zero=False)
    with pytest.raises(InputError, match="integers have no infinity or NaN"):
        Int(name="i", bits=4, overflow="special")
    with pytest.raises(InputError, match="floats do not wrap"):
        Float(name="f", exponent_bits=4, mantissa_bits=1, bias=1, overflow="wrap")


def test_overflow_is_chosen() -> None:
    assert scalar_named("fp8_e4m3").overflow == "saturate"
    assert scalar_named("fp8_e4m3", "special").overflow == "special"
    assert scalar_named("int8", "wrap").overflow == "wrap"
    assert scalar_named("posit8_0", "saturate").name == "posit8_0"
    with pytest.raises(InputError, match="posit8_0: posits saturate; they do not wrap"):
        scalar_named("posit8_0", "wrap")
    with pytest.raises(InputError, match="mxint8: holds blocks; give a format of single numbers"):
        scalar_named("mxint8")


def test_rows_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        FORMATS["int8"].bits = 9  # type: ignore[misc]
