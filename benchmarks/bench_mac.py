"""Multiply-accumulates a second on codes: ``pytest benchmarks/bench_mac.py``.

On one core, bit for bit, beside what NumPy does through ml_dtypes and SoftPosit in the same run.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figures import Figure, seconds_of, state
from interpreter import interpreter

from sim.mac import formats
from sim.mac.formats import Mode
from sim.mac.matmul import matmul

SHAPE = (128, 512, 512)
"""m, k, n."""
TARGET, FASTER = 100e6, 20.0
PEER = Path(__file__).with_name("mac_peer.py")
PEER_SHAPES = {"ml_dtypes": (64, 256, 256), "softposit": (8, 64, 64)}
PEERS = {
    ("fp8_e4m3", "fp8_e4m3", "chain"): ("ml_dtypes_chain",),
    ("fp8_e4m3", "fp32", "chain"): ("ml_dtypes_dot",),
    ("fp8_e4m3", "fp8_e4m3", "quire"): ("ml_dtypes_dot", "ml_dtypes_once"),
    ("posit16_1", "posit16_1", "chain"): ("softposit_chain",),
    ("posit16_1", "posit16_1", "quire"): ("softposit_once",),
}
SAYS = {
    "ml_dtypes_chain": "ml_dtypes in NumPy, a step of all sums at a time",
    "ml_dtypes_dot": "ml_dtypes, np.dot, which sums in float32",
    "ml_dtypes_once": "BLAS in float64, to ml_dtypes",
    "softposit_chain": "SoftPosit in NumPy, arrays of objects",
    "softposit_once": "SoftPosit, its quire",
}
INCLUDES = (
    f"Matrices of {SHAPE[0]} x {SHAPE[1]} and {SHAPE[1]} x {SHAPE[2]} codes of normally "
    "distributed numbers; codes looked up and results encoded; one core. `quire`: each sum exact "
    "and rounded once; `chain`: rounded after each multiply-and-add. NumPy rounds the products of "
    "ml_dtypes and SoftPosit too, so its chains are other numbers; its times are of smaller "
    "matrices. Sums of FP8 E4M3 fit into a float64, so that BLAS comes to the same codes; it does "
    "not for posit(16,1) or for chains."
)


def codes(form: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    return formats.encode(np.random.default_rng(seed).normal(size=shape), form)


def peer(kind: str, form: str, folder: Path) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """MACs a second, the codes given and found."""
    library = kind.split("_once")[0].split("_chain")[0].split("_dot")[0]
    m, k, n = PEER_SHAPES[library]
    a, b = codes(form, (m, k), 1), codes(form, (k, n), 2)
    python = sys.executable
    if library == "softposit":
        python = interpreter("softposit", ("softposit==0.3.4.4", "numpy<3"))
    np.savez(folder / "given.npz", a=a, b=b)
    command = [python, str(PEER), kind, str(folder / "given")]
    subprocess.run(command, check=True, env={"OPENBLAS_NUM_THREADS": "1"})
    with np.load(folder / "given.out.npz") as made:
        return m * k * n / float(made["seconds"]), a, b, made["codes"].astype(np.int64)


@pytest.mark.parametrize("mode", ["quire", "chain"])
@pytest.mark.parametrize(
    ("form", "out"),
    [
        *((form, form) for form in ("posit16_1", "fp8_e4m3", "fp8_e5m2", "posit8_0", "fp16")),
        ("fp8_e4m3", "fp32"),
        ("bf16", "fp32"),
    ],
)
def test_macs_a_second(benchmark: Any, tmp_path: Path, form: str, out: str, mode: Mode) -> None:
    m, k, n = SHAPE
    a, b = codes(form, (m, k), 1), codes(form, (k, n), 2)
    expected = formats.dot(a[:2, None, :], b.T[None], form, out=out, mode=mode)
    np.testing.assert_array_equal(matmul(a[:2], b, form, out=out, mode=mode), expected)
    benchmark.pedantic(lambda: matmul(a, b, form, out=out, mode=mode), rounds=5, warmup_rounds=1)
    rate = m * k * n / benchmark.stats.stats.median
    demanded = TARGET if form in ("posit16_1", "fp8_e4m3") and out == form else None
    found = [Figure("ours", rate, "MAC/s", at_least=demanded)]
    rows = formats.codes_of(a[:8], formats.resolved(form))
    plain = seconds_of(
        lambda: formats.dot(rows[:, None, :], b.T[None, :64], form, out=out, mode=mode), 3
    )
    found.append(Figure("plain kernel", 8 * 64 * k / plain, "MAC/s"))
    for kind in PEERS.get((form, out, mode), ()):
        theirs, x, y, made = peer(kind, form, tmp_path)
        found.append(Figure(SAYS[kind], theirs, "MAC/s"))
        is_blas = kind == "ml_dtypes_once"
        ratio = Figure("ours over it", rate / theirs, "x", at_least=None if is_blas else FASTER)
        found.append(ratio)
        if kind.endswith("_once"):
            np.testing.assert_array_equal(matmul(x, y, form, out=out, mode=mode), made)
    state(
        benchmark,
        "Number formats",
        f"`{form}`, {mode}" + (f" in {out}" if out != form else ""),
        found,
        INCLUDES,
    )
