"""Operands of floating-point units, and what NumPy and ml_dtypes make of them."""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
from amaranth.lib import wiring

from rtl.float import FORMATS
from rtl.lockstep.library import Library, build
from rtl.lockstep.packing import pack, word_count
from rtl.wrapper import Wrapper

Bits = npt.NDArray[np.int64]
TYPES: dict[str, Any] = {"bf16": ml_dtypes.bfloat16, "fp16": np.float16, "fp32": np.float32}
NAN = {"bf16": 0x7FC0, "fp16": 0x7E00, "fp32": 0x7FC00000}


def numbers(bits: Bits, name: str) -> npt.NDArray[Any]:
    """Bits as numbers of a format."""
    word = np.uint32 if name == "fp32" else np.uint16
    return bits.astype(word).view(TYPES[name])


def bits_of(values: npt.NDArray[Any], name: str) -> Bits:
    """Numbers as bits, with one NaN."""
    word = np.uint32 if name == "fp32" else np.uint16
    plain = values.astype(TYPES[name], copy=False)
    return np.where(np.isnan(plain), NAN[name], plain.view(word).astype(np.int64))


def corners(name: str) -> Bits:
    """Zeros, subnormals, powers of two and their neighbours, the largest, infinities, NaNs."""
    form = FORMATS[name]
    one = form.bias << form.fraction_bits
    least = 1 << form.fraction_bits
    places = [0, 1, 2, least // 2, least - 1, least, least + 1, 2 * least, one - 1, one, one + 1]
    places += [one + least // 2, one + least - 1, one + least, one + (form.fraction_bits << 7)]
    places += [one + form.fraction_bits * least, one + (form.fraction_bits + 1) * least + 1]
    places += [form.infinity - least, form.infinity - 2, form.infinity - 1, form.infinity]
    places += [form.infinity + 1, form.nan, form.nan + 1, 2 * form.infinity - least]
    sizes = np.array(sorted({p for p in places if 0 <= p < 1 << (form.bits - 1)}), np.int64)
    return np.concatenate([sizes, sizes | 1 << (form.bits - 1)])


def corner_pairs(name: str) -> tuple[Bits, Bits]:
    """Each with each."""
    x, y = np.meshgrid(corners(name), corners(name))
    return x.ravel(), y.ravel()


def random_pairs(name: str, count: int, seed: int) -> tuple[Bits, Bits]:
    """Any bits; and for sums neighbours, whose digits cancel or are far below one another."""
    form = FORMATS[name]
    random = np.random.default_rng(seed)
    x = random.integers(0, 1 << form.bits, count)
    y = random.integers(0, 1 << form.bits, count)
    step = random.integers(-form.fraction_bits - 4, form.fraction_bits + 5, count)
    exponent = (x >> form.fraction_bits) & form.exponent_top
    near = np.clip(exponent + step, 0, form.exponent_top) << form.fraction_bits
    y_near = (y & ~(form.exponent_top << form.fraction_bits)) | near
    y = np.where(random.random(count) < 0.6, y_near, y)
    # Digits all 0 or 1 in part, for ties and carries.
    digits = random.integers(0, form.fraction_bits + 1, count)
    mask = (np.int64(1) << digits) - 1
    y = np.where(
        random.random(count) < 0.2, y & ~mask, np.where(random.random(count) < 0.2, y | mask, y)
    )
    return x, y


def sum_of(x: Bits, y: Bits) -> Bits:
    """fp32."""
    with np.errstate(all="ignore"):
        return bits_of(numbers(x, "fp32") + numbers(y, "fp32"), "fp32")


def product_of(x: Bits, y: Bits, name: str) -> Bits:
    """In fp32."""
    with np.errstate(all="ignore"):
        a, b = (numbers(v, name).astype(np.float32) for v in (x, y))
        return bits_of(a * b, "fp32")


def converted(x: Bits, source: str, target: str) -> Bits:
    """To another format."""
    with np.errstate(all="ignore"):
        return bits_of(numbers(x, source).astype(TYPES[target]), target)


def largest_of(x: Bits, y: Bits) -> Bits:
    """fp32; NumPy leaves open which zero is larger."""
    a, b = numbers(x, "fp32"), numbers(y, "fp32")
    zeros = (a == 0) & (b == 0)
    return np.where(zeros, x & y, bits_of(np.maximum(a, b), "fp32"))


def in_hardware(make: Callable[[], wiring.Component], *operands: Bits) -> Bits:
    """What a unit gives for operands of one cycle each."""
    wrapper = Wrapper(make())
    verilog = wrapper.verilog
    stim = pack(np.column_stack(operands), wrapper.stim_fields)
    path = build(verilog, len(wrapper.stim), len(wrapper.resp))
    with Library(path, word_count(wrapper.resp_fields)) as library:
        words = library.record(np.zeros(len(stim), np.uint8), stim)
    width = wrapper.resp_fields[0].width
    return words[:, 0].astype(np.int64) & ((1 << width) - 1)
