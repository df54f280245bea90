"""Number formats against ml_dtypes and SoftPosit: ``python -m tests.mac_campaign [OPERATIONS]``.

Each operation is done on ten million pairs (or as many as are asked for) of codes from a seed, and
what was found goes to docs/validation/mac.json. SoftPosit comes from PyPI for Python 3.11 only;
``LOCKSTEP_SOFTPOSIT_PYTHON`` names an interpreter that has it and NumPy. Differences that are no
error are counted by themselves, with their reason.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import ml_dtypes
import numpy as np

from arch.mac.formats import FORMATS, scalar_named
from arch.mac.kinds import Float, Scalar
from sim.mac import formats
from tests.sim.mac_oracle import posit_number

RECORD = Path(__file__).parents[1] / "docs" / "validation" / "mac.json"
OPERATIONS, CHUNK = 10**7, 10**6
ML_DTYPES = {
    "bf16": ml_dtypes.bfloat16,
    "fp4_e2m1": ml_dtypes.float4_e2m1fn,
    "fp6_e2m3": ml_dtypes.float6_e2m3fn,
    "fp6_e3m2": ml_dtypes.float6_e3m2fn,
    "fp8_e3m4_ieee": ml_dtypes.float8_e3m4,
    "fp8_e4m3_ieee": ml_dtypes.float8_e4m3,
    "fp8_e4m3": ml_dtypes.float8_e4m3fn,
    "fp8_e4m3_fnuz": ml_dtypes.float8_e4m3fnuz,
    "fp8_e4m3_b11fnuz": ml_dtypes.float8_e4m3b11fnuz,
    "fp8_e5m2": ml_dtypes.float8_e5m2,
    "fp8_e5m2_fnuz": ml_dtypes.float8_e5m2fnuz,
    "e8m0": ml_dtypes.float8_e8m0fnu,
    "int2": ml_dtypes.int2,
    "int4": ml_dtypes.int4,
    "uint2": ml_dtypes.uint2,
    "uint4": ml_dtypes.uint4,
}
NUMPY = {"fp16": np.float16, "fp32": np.float32, "int8": np.int8, "int16": np.int16}
POSITS = ("posit8_0", "posit16_1", "posit32_2")

ES = {"posit8_0": 0, "posit16_1": 1, "posit32_2": 2}
EXACT: dict[str, Callable[..., Any]] = {
    "mul": lambda a, b, c: a * b,
    "add": lambda a, b, c: a + b,
    "mulAdd": lambda a, b, c: a * b + c,
}
SOFTPOSIT_REASON = "SoftPosit is off by one code: exact rationals say that ours is the nearest"
E8M0_FLUSHED = -22
"""Codes of products below this are less than the smallest float32."""
E8M0_REASON = (
    "ml_dtypes multiplies in float32; a product below 2^-149 is 0 there, which E8M0 has not, and "
    "becomes NaN; ours is the smallest number"
)

SOFTPOSIT = """\
import ctypes, sys
import numpy as np, _softposit
library = ctypes.CDLL(_softposit.__file__)
a, b, c = (np.load(sys.argv[1])[i] for i in range(3))
out = {}
for bits, wide in ((8, ctypes.c_uint8), (16, ctypes.c_uint16), (32, ctypes.c_uint32)):
    if bits != int(sys.argv[3]):
        continue
    for name, count in (("mul", 2), ("add", 2), ("mulAdd", 3)):
        call = getattr(library, f"p{bits}_{name}")
        call.argtypes, call.restype = [wide] * count, wide
        given = [each.tolist() for each in (a, b, c)[:count]]
        out[name] = np.array([call(*each) for each in zip(*given)], np.int64)
np.savez(sys.argv[2], **out)
"""


@dataclass
class Found:
    """Of one operation in one format."""

    peer: str
    format: str
    operation: str
    operations: int = 0
    differences: int = 0
    explained: int = 0
    """Differences in rows that the peer is known to do otherwise."""
    reason: str = ""


def same(a: Any, b: Any, form: Scalar) -> Any:
    """Where codes are equal or both NaN."""
    nan = np.isnan(formats.decode(a, form)) & np.isnan(formats.decode(b, form))
    return (a == b) | nan


def as_peer(form: Scalar) -> Scalar:
    """The format with the overflow that NumPy and ml_dtypes have."""
    if isinstance(form, Float) and form.specials != "none":
        return scalar_named(form.name, "special")
    return scalar_named(form.name, "wrap") if form.kind == "int" else form


def peers_codes(values: Any, form: Scalar) -> Any:
    """Codes from arrays of a peer's type."""
    bits = values.view(f"u{values.dtype.itemsize}").astype(np.int64)
    return bits & (2**form.bits - 1)


def peers_values(codes: Any, dtype: Any, form: Scalar) -> Any:
    """Arrays of a peer's type from codes."""
    wide = np.dtype(dtype).itemsize
    if form.kind == "int" and form.signed:
        return np.where(codes >= 2 ** (form.bits - 1), codes - 2**form.bits, codes).astype(dtype)
    return codes.astype(f"u{wide}").view(dtype)


def against_numpy(name: str, dtype: Any, operations: int, seed: int) -> Iterator[Found]:
    """Multiply, add and, of floats, encode."""
    form = as_peer(scalar_named(name))
    peer = "ml_dtypes" if name in ML_DTYPES else "numpy"
    kernels: dict[str, Callable[..., Any]] = {"multiply": formats.multiply, "add": formats.add}
    found = {each: Found(peer, name, each) for each in (*kernels, "encode")}
    random = np.random.default_rng(seed)
    for first in range(0, operations, CHUNK):
        count = min(CHUNK, operations - first)
        a, b = random.integers(0, 2**form.bits, (2, count))
        x, y = peers_values(a, dtype, form), peers_values(b, dtype, form)
        with np.errstate(all="ignore"):
            theirs = {"multiply": x * y, "add": x + y}
        for each, kernel in kernels.items():
            ours = kernel(a, b, form)
            wrong = ~same(ours, peers_codes(theirs[each].astype(dtype), form), form)
            found[each].operations += count
            found[each].differences += int(wrong.sum())
            if name == "e8m0" and each == "multiply":
                found[each].explained += int((wrong & (a + b - 127 < E8M0_FLUSHED)).sum())
                found[each].reason = E8M0_REASON
        if isinstance(form, Float):
            floats = _float32(random, count, form)
            with np.errstate(all="ignore"):
                peers = peers_codes(floats.astype(dtype), form)
            wrong = ~same(formats.encode(floats, form), peers, form)
            found["encode"].operations += count
            found["encode"].differences += int(wrong.sum())
    yield from (each for each in found.values() if each.operations)


def _float32(random: Any, count: int, form: Float) -> Any:
    """Numbers of all sizes that the format can round, ties among them."""
    low = np.log2(float(form.smallest)) - 3 if form.zero else -125
    high = min(np.log2(float(form.largest)) + 2, 127.9)
    sizes = np.exp2(random.uniform(max(low, -140), high, count))
    floats = (sizes * random.choice([-1.0, 1.0], count)).astype(np.float32)
    bits = floats.view(np.uint32)
    # A third with few bits: these are often ties.
    bits[: count // 3] &= np.uint32(0xFFFFFFFF << max(23 - form.mantissa_bits - 1, 0) & 0xFFFFFFFF)
    return np.abs(floats) if not form.signed else floats


def softposit_python() -> str | None:
    """An interpreter that has SoftPosit."""
    named = os.environ.get("LOCKSTEP_SOFTPOSIT_PYTHON", sys.executable)
    done = subprocess.run([named, "-c", "import _softposit, numpy"], capture_output=True)
    return named if done.returncode == 0 else None


def against_softposit(python: str, name: str, operations: int, seed: int) -> Iterator[Found]:
    """Multiply, add, and multiply-and-add with one rounding."""
    form = scalar_named(name)
    found = {each: Found("softposit", name, each) for each in ("mul", "add", "mulAdd")}
    random = np.random.default_rng(seed)
    for first in range(0, operations, CHUNK):
        codes = random.integers(0, 2**form.bits, (3, min(CHUNK, operations - first)))
        # Half of them near one, where fractions are longest.
        near = formats.encode(random.normal(size=codes[:, ::2].shape), form)
        codes[:, ::2] = near
        with tempfile.TemporaryDirectory() as folder:
            given, made = Path(folder) / "codes.npy", Path(folder) / "made.npz"
            np.save(given, codes)
            command = [python, "-c", SOFTPOSIT, str(given), str(made), str(form.bits)]
            subprocess.run(command, check=True)
            with np.load(made) as theirs:
                peers = {each: theirs[each] for each in found}
        a, b, c = codes
        ours = {
            "mul": formats.multiply(a, b, form),
            "add": formats.add(a, b, form),
            "mulAdd": formats.dot(a[:, None], b[:, None], form, start=c, mode="chain"),
        }
        for each, row in found.items():
            row.operations += len(a)
            for i in np.flatnonzero(ours[each] != peers[each]):
                row.differences += 1
                numbers = [posit_number(format(int(x), f"0{form.bits}b"), es=ES[name])
                           for x in (a[i], b[i], c[i])]  # fmt: skip
                exact = EXACT[each](*numbers)
                row.explained += nearer(int(ours[each][i]), int(peers[each][i]), exact, name)
                row.reason = SOFTPOSIT_REASON
    yield from found.values()


def nearer(ours: int, theirs: int, exact: Any, name: str) -> bool:
    """Whether of two neighbouring codes of a posit ours is the one that an exact number is
    rounded to: the code of one bit more between them tells."""
    bits = int(name.removeprefix("posit").split("_")[0])
    if abs(ours - theirs) != 1:
        return False
    tie = posit_number(format(2 * min(ours, theirs) + 1, f"0{bits + 1}b"), es=ES[name])
    # As two's complement, codes are in the order of their numbers.
    upper = exact > tie or (exact == tie and max(ours, theirs) % 2 == 0)
    return ours == (max(ours, theirs) if upper else min(ours, theirs))


def campaign(operations: int, seed: int = 7) -> list[Found]:
    """All of it."""
    found: list[Found] = []
    for name, dtype in {**ML_DTYPES, **NUMPY}.items():
        assert name in FORMATS
        found += against_numpy(name, dtype, operations, seed)
    python = softposit_python()
    for name in POSITS if python else ():
        assert python is not None
        found += against_softposit(python, name, operations, seed)
    return found


def main(arguments: list[str]) -> int:
    """Run it and write the record; fail where something differs."""
    operations = int(float(arguments[0])) if arguments else OPERATIONS
    start = perf_counter()
    found = campaign(operations)
    record = {
        "operations_each": operations,
        "seconds": round(perf_counter() - start),
        "versions": {name: version(name) for name in ("ml_dtypes", "numpy", "numba")},
        "softposit": "0.3.4.4" if any(each.peer == "softposit" for each in found) else None,
        "found": [asdict(each) for each in found],
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    wrong = [each for each in found if each.differences != each.explained]
    sys.stdout.write(f"{len(found)} operations compared, {len(wrong)} differ: {wrong}\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
