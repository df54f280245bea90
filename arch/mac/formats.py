"""Number formats: one table, to which a format is added as a row."""

import re
from dataclasses import replace
from typing import Literal, get_args

from arch.errors import InputError
from arch.mac.kinds import Block, Float, Format, Int, Overflow, Posit, Scalar, Specials

OCP8 = "OCP 8-bit Floating Point Specification 1.0"
MX = "OCP Microscaling Formats (MX) 1.0"
NV = "NVIDIA, Introducing NVFP4, 2025"
IEEE = "IEEE 754-2019"
ML = "ml_dtypes"

_INTS = [Int(name=f"int{n}", bits=n) for n in (*range(2, 17), 32, 64)]
_UINTS = [Int(name=f"uint{n}", bits=n, signed=False) for n in (2, 4, 8)]
_FLOAT_ROWS: list[tuple[str, int, int, int, Specials, Overflow, str]] = [
    ("fp4_e2m1", 2, 1, 1, "none", "saturate", MX),
    ("fp4_e1m2", 1, 2, 1, "none", "saturate", ""),
    ("fp4_e3m0", 3, 0, 3, "none", "saturate", ""),
    ("fp6_e2m3", 2, 3, 1, "none", "saturate", MX),
    ("fp6_e3m2", 3, 2, 3, "none", "saturate", MX),
    ("fp8_e4m3", 4, 3, 7, "nan", "saturate", OCP8),
    ("fp8_e5m2", 5, 2, 15, "ieee", "saturate", OCP8),
    ("fp8_e3m4_ieee", 3, 4, 3, "ieee", "special", ML),
    ("fp8_e4m3_ieee", 4, 3, 7, "ieee", "special", ML),
    ("fp8_e4m3_fnuz", 4, 3, 8, "unsigned_zero", "special", ML),
    ("fp8_e4m3_b11fnuz", 4, 3, 11, "unsigned_zero", "special", ML),
    ("fp8_e5m2_fnuz", 5, 2, 16, "unsigned_zero", "special", ML),
    ("bf16", 8, 7, 127, "ieee", "special", "ml_dtypes, bfloat16"),
    ("fp16", 5, 10, 15, "ieee", "special", IEEE),
    ("fp32", 8, 23, 127, "ieee", "special", IEEE),
]
_FLOATS = [
    Float(name=name, exponent_bits=exponent, mantissa_bits=mantissa, bias=bias, specials=specials,
          overflow=overflow, source=source)
    for name, exponent, mantissa, bias, specials, overflow, source in _FLOAT_ROWS
]  # fmt: skip
_E8M0 = Float(name="e8m0", exponent_bits=8, mantissa_bits=0, bias=127, specials="nan", signed=False,
              zero=False, overflow="saturate", source=MX)  # fmt: skip
_UE4M3 = Float(name="ue4m3", exponent_bits=4, mantissa_bits=3, bias=7, specials="nan", signed=False,
               overflow="saturate", source=NV)  # fmt: skip
_POSITS = [
    Posit(name=f"posit{n}_{es}", bits=n, es=es)
    for n, es in ((4, 0), (4, 1), (4, 2), (6, 1), (8, 0), (8, 1), (8, 2), (16, 1), (16, 2), (32, 2))
]
_ROWS: list[Scalar] = [*_INTS, *_UINTS, *_FLOATS, _E8M0, _UE4M3, *_POSITS]
_SCALARS = {row.name: row for row in _ROWS}
_MXINT8 = Int(name="mxint8_element", bits=8, point=6, symmetric=True, source=MX)
_NVINT4 = Int(name="nvint4_element", bits=4, symmetric=True)
_BLOCKS = [
    Block(name=name, element=element, scale=scale, size=size, tensor_scale=tensor, source=source)
    for name, element, scale, size, tensor, source in (
        ("mxint8", _MXINT8, _E8M0, 32, None, MX),
        ("mxfp8_e4m3", _SCALARS["fp8_e4m3"], _E8M0, 32, None, MX),
        ("mxfp8_e5m2", _SCALARS["fp8_e5m2"], _E8M0, 32, None, MX),
        ("mxfp6_e2m3", _SCALARS["fp6_e2m3"], _E8M0, 32, None, MX),
        ("mxfp6_e3m2", _SCALARS["fp6_e3m2"], _E8M0, 32, None, MX),
        ("mxfp4_e2m1", _SCALARS["fp4_e2m1"], _E8M0, 32, None, MX),
        ("nvfp4", _SCALARS["fp4_e2m1"], _UE4M3, 16, "fp32", NV),
        ("nvint4", _NVINT4, _UE4M3, 16, "fp32", "M. Chen et al., INT v.s. FP, 2025"),
    )
]
FORMATS: dict[str, Format] = {**_SCALARS, **{row.name: row for row in _BLOCKS}}
"""All that are listed. Any other posit, and elements of blocks, are found by ``format_named``."""
ALIASES = {
    "mxfp8": "mxfp8_e4m3", "mxfp6": "mxfp6_e2m3", "mxfp4": "mxfp4_e2m1", "fp4": "fp4_e2m1",
    "fp8_e4m3fn": "fp8_e4m3",
}  # fmt: skip
_ELEMENTS = {row.name: row for row in (_MXINT8, _NVINT4)}
_POSIT_NAME = re.compile(r"posit(\d{1,4})_(\d{1,4})")


def format_named(name: str) -> Format:
    """The format of a name, any ``posit<n>_<es>`` among them.

    Raises InputError where there is none, or where such a posit cannot exist.
    """
    known = ALIASES.get(name, name)
    found = FORMATS.get(known) or _ELEMENTS.get(known)
    if found is not None:
        return found
    posit = _POSIT_NAME.fullmatch(known)
    if posit:
        return Posit(name=known, bits=int(posit[1]), es=int(posit[2]))
    shown = name if len(name) <= 40 else name[:37] + "..."
    raise InputError(
        f"{shown!r}: there is no such format; give posit<n>_<es> or one of {', '.join(FORMATS)}"
    )


def scalar_named(name: str, overflow: Overflow | None = None) -> Scalar:
    """The format of a single number, with another overflow if one is given.

    Raises InputError for a block format, and for an overflow that the format cannot have.
    """
    found = format_named(name)
    if isinstance(found, Block):
        raise InputError(f"{name}: holds blocks; give a format of single numbers")
    if overflow is None or overflow == found.overflow:
        return found
    if isinstance(found, Posit):
        raise InputError(f"{name}: posits saturate; they do not {overflow}")
    return replace(found, overflow=overflow)


FormatName = Literal[
    "int4", "int8", "int16", "int32", "int64", "fp8_e4m3", "fp8_e5m2", "bf16", "fp16", "fp32"
]
"""Formats of the units that are simulated so far."""

FORMAT_BITS: dict[str, int] = {name: FORMATS[name].bits for name in get_args(FormatName)}
"""Width of one element in bits."""


def packed_bytes(elements: int, bits: int) -> int:
    """Bytes that ``elements`` packed elements of some bits take, rounded up to a whole byte."""
    return -(-elements * bits // 8)
