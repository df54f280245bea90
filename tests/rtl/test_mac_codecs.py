"""Codes of number formats in hardware: each code taken apart and made again, numbers rounded."""

from dataclasses import replace
from functools import lru_cache

import mac_golden as golden
import numpy as np
import pytest
from mac_cases import Together, encoded, in_hardware, small_forms, with_overflow

from arch.errors import InputError
from arch.mac.formats import scalar_named
from arch.mac.kinds import Int, Posit, Scalar
from arch.mac.ranges import significand_bits
from rtl.mac import Decoder
from rtl.mac.codec import exponent_least, significand_needed
from rtl.mac.convert import Converter
from sim.mac import formats

FORMS = small_forms()
ALL = {form.name: form for form in FORMS}
WIDE = {name: scalar_named(name) for name in ("fp32", "int32", "posit32_2")}
ROUNDED = {form.name: form for form in [*with_overflow(FORMS), *WIDE.values()]}
CODES = np.arange(1 << 16)


@lru_cache(1)
def decoded() -> dict[str, np.ndarray]:
    """All codes of all formats through their decoders, and through decoder and encoder."""
    parts = {form.name: Decoder(form) for form in FORMS}
    again = {f"{form.name}_again": Converter(form, form) for form in FORMS}
    return in_hardware(lambda: Together({**parts, **again}), CODES)


def value_of(form: Scalar, found: dict[str, np.ndarray]) -> np.ndarray:
    """Numbers that decoders say, each exact in float64."""
    count = 1 << form.bits
    part = {
        name: found.get(f"{form.name}_{name}", np.zeros(len(CODES), np.int64))[:count]
        for name in ("negative", "significand", "exponent", "nan", "infinite")
    }
    assert not (part["significand"] & (part["nan"] | part["infinite"])).any()
    sizes = np.ldexp(part["significand"].astype(float), part["exponent"] + exponent_least(form))
    sizes[part["infinite"] == 1] = np.inf
    values = np.where(part["negative"] == 1, -sizes, sizes)
    values[part["nan"] == 1] = np.nan
    return values


@pytest.mark.parametrize("name", ALL)
def test_each_code_is_decoded(name: str) -> None:
    form = ALL[name]
    found = value_of(form, decoded())
    expected = formats.decode(np.arange(1 << form.bits), form)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@pytest.mark.parametrize("name", golden.names("decode"))
def test_decoders_against_the_reference(name: str) -> None:
    rows = golden.vectors("decode").query("format == @name")
    form = golden.element(name)
    special = {"nan": np.nan, "nar": np.nan, "+inf": np.inf, "-inf": -np.inf}
    expected = np.ldexp(rows.num.to_numpy(float), rows.exp2.to_numpy(int))
    expected += [special.get(each, 0.0) for each in rows["class"]]
    np.testing.assert_array_equal(value_of(form, decoded())[rows.code], expected)


@pytest.mark.parametrize("name", ALL)
def test_what_is_decoded_is_encoded_to_the_same_code(name: str) -> None:
    form = ALL[name]
    codes = np.arange(1 << form.bits)
    found = decoded()[f"{name}_again_result"][: len(codes)]
    same = (found == codes) | np.isnan(formats.decode(codes, form))
    if isinstance(form, Int) and form.symmetric:
        same[1 << form.bits - 1] = found[1 << form.bits - 1] == (1 << form.bits - 1) + 1
    assert same.all()
    assert len({*found[np.isnan(formats.decode(codes, form))]}) <= 1


@pytest.mark.parametrize("name", [each.name for each in FORMS if isinstance(each, Posit)])
def test_significands_of_posits_have_their_highest_bit(name: str) -> None:
    form, found = ALL[name], decoded()
    significands = found[f"{name}_significand"][: 1 << form.bits]
    assert ((significands >> significand_bits(form) - 1 == 1) == (significands > 0)).all()


def single(values: np.ndarray) -> np.ndarray:
    """The nearest of fp32, and its neighbours."""
    with np.errstate(over="ignore"):
        bits = values.astype(np.float32).view(np.uint32).astype(np.int64)
    return np.concatenate([bits, np.maximum(bits - 1, 0), np.minimum(bits + 1, 2**32 - 1)])


@lru_cache(1)
def rounded() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """fp32: any bits, numbers of each format, halfway to the next and beside; in each format."""
    random = np.random.default_rng(7)
    given = [random.integers(0, 2**32, 20_000), np.array([0, 1, 0x7F800000, 0x7FC00000])]
    for form in FORMS:
        numbers = formats.decode(np.arange(1 << form.bits), form)
        numbers = np.unique(numbers[np.isfinite(numbers)])
        if len(numbers) > 600:
            numbers = random.choice(numbers, 600, replace=False)
            numbers.sort()
        given += [single(numbers), single((numbers[1:] + numbers[:-1]) / 2)]
    bits = np.concatenate([*given])
    bits = np.concatenate([bits, bits ^ (1 << 31)])
    fp32 = scalar_named("fp32")
    parts = {form.name: Converter(fp32, form) for form in ROUNDED.values()}
    return bits, in_hardware(lambda: Together(parts), bits)


@pytest.mark.parametrize("name", ROUNDED)
def test_numbers_are_rounded(name: str) -> None:
    bits, found = rounded()
    with np.errstate(invalid="ignore"):
        values = bits.astype(np.uint32).view(np.float32).astype(float)
    np.testing.assert_array_equal(found[f"{name}_result"], encoded(values, ROUNDED[name]))


@pytest.mark.parametrize("name", golden.names("round"))
def test_rounding_with_ties_against_the_reference(name: str) -> None:
    rows = golden.vectors("round").query("format == @name")
    form, fp32 = scalar_named(name), scalar_named("fp32")
    forms = {each.name: each for each in with_overflow([form])}
    parts = {key: Converter(fp32, each) for key, each in forms.items()}
    found = in_hardware(lambda: Together(parts), rows.fp32_bits.to_numpy(np.int64))
    np.testing.assert_array_equal(found[f"{name}_result"], rows.code_sat)
    if len(forms) > 1:
        codes, expected = found[f"{name}_special_result"], rows.code_nonsat.to_numpy(np.int64)
        nan = np.isnan(formats.decode(codes, form)) & np.isnan(formats.decode(expected, form))
        np.testing.assert_array_equal(codes[~nan], expected[~nan])


@pytest.mark.parametrize("name", ["posit2_0", "posit3_2", "posit5_1", "posit9_2", "posit13_3"])
def test_posits_beside_the_table(name: str) -> None:
    form = scalar_named(name)
    codes = np.arange(1 << form.bits)
    parts = {name: Decoder(form), "again": Converter(form, form)}
    found = in_hardware(lambda: Together(parts), codes)
    zeros = np.zeros(len(CODES) - len(codes), np.int64)
    padded = {key: np.concatenate([value, zeros]) for key, value in found.items()}
    np.testing.assert_array_equal(value_of(form, padded), formats.decode(codes, form))
    np.testing.assert_array_equal(found["again_result"], codes)


def test_integers_that_wrap_are_refused() -> None:
    form = replace(scalar_named("int8"), overflow="wrap")
    with pytest.raises(InputError, match="int8: hardware rounds to integers that saturate"):
        significand_needed(form)
