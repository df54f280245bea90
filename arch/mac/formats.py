"""Number formats, as far as their width matters to storage and traffic."""

from typing import Literal, get_args

FormatName = Literal[
    "int4", "int8", "int16", "int32", "int64", "fp8_e4m3", "fp8_e5m2", "bf16", "fp16", "fp32"
]

FORMAT_BITS: dict[str, int] = {
    "int4": 4,
    "int8": 8,
    "int16": 16,
    "int32": 32,
    "int64": 64,
    "fp8_e4m3": 8,
    "fp8_e5m2": 8,
    "bf16": 16,
    "fp16": 16,
    "fp32": 32,
}
"""Width of one element in bits."""

assert set(FORMAT_BITS) == set(get_args(FormatName))


def storage_bytes(elements: int, format_name: str) -> int:
    """Bytes that ``elements`` packed elements of a format take, rounded up to a whole byte."""
    return -(-elements * FORMAT_BITS[format_name] // 8)
