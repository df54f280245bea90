"""Errors of layers on SIMD engines, against exact rationals."""

import math
from bisect import bisect_left
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arch.errors import InputError
from arch.load import load_machine
from arch.mac.engine import Engine, Mode
from arch.mac.formats import scalar_named
from arch.mac.layer import Formats
from sim.accuracy import SIDE, layer_error, read_tensors, with_accuracy
from sim.mac.formats import decode, encode
from sim.mac.scaled import scale_of, scaled
from sim.simulate import run
from traces.operators import Conv2d, Elementwise, Gemm, Workload

NPE = load_machine("xr_npe")


@cache
def codes(form: str) -> list[tuple[int, Fraction]]:
    """Codes of numbers, in their order."""
    row = scalar_named(form)
    values = decode(range(2**row.bits), row)
    found = [(code, Fraction(float(v))) for code, v in enumerate(values) if math.isfinite(v)]
    return sorted(found, key=lambda each: each[1])


def nearest_float(number: Fraction, form: str) -> Fraction:
    """The number nearest to another, ties to the even code; of floats and ints."""
    known = codes(form)
    at = bisect_left(known, number, key=lambda each: each[1])
    near = known[max(at - 2, 0) : at + 2]
    return min(near, key=lambda each: (abs(each[1] - number), each[0] & 1))[1]


def exact(rows: np.ndarray) -> list[list[Fraction]]:
    return [[Fraction(float(x)) for x in row] for row in rows]


def layer(form: str, output: str, k: int = 24) -> Gemm:
    formats = Formats(input=form, weight=form, output=output)
    return Gemm(name="g", m=6, n=5, k=k, formats=formats)


def of(form: str, output: str, **more: Any) -> Engine:
    return Engine(modes=(Mode(input_format=form),), result_formats=(output,), **more)


def relative(found: list[list[Fraction]], wanted: np.ndarray) -> float:
    errors = np.array([[float(x) for x in row] for row in found]) - wanted
    return math.sqrt(np.mean(errors**2) / np.mean(wanted**2))


@pytest.mark.parametrize(("form", "output"), [("fp8_e4m3", "fp8_e5m2"), ("int8", "int8"),
                                              ("fp4_e2m1", "fp8_e4m3")])  # fmt: skip
@pytest.mark.parametrize("chain", [None, "fp16"])
def test_a_layers_error_is_that_of_exact_rationals(
    form: str, output: str, chain: str | None
) -> None:
    random = np.random.default_rng(3)
    a, b = random.normal(size=(6, 24)) * 1e-3, random.normal(size=(24, 5)) * 40
    kind = {"accumulation": "chained", "chain_format": chain} if chain else {}
    engine = of(form, output, **kind)
    left, right = scaled(a, scalar_named(form)), scaled(b, scalar_named(form))
    wanted = a @ b
    out = scale_of(wanted, scalar_named(output))
    unit = Fraction(2) ** (left.exponent + right.exponent)
    x, y = exact(left.values()), exact(right.values())
    lanes = engine.lanes(engine.modes[0])
    found = []
    for row in x:
        found.append([])
        for column in zip(*y, strict=True):
            terms = [p * q / unit for p, q in zip(row, column, strict=True)]
            total = sum(terms, Fraction(0))
            if chain:
                total = Fraction(0)
                for first in range(0, len(terms), lanes):
                    total = nearest_float(total + sum(terms[first : first + lanes]), chain)
            code = nearest_float(total * unit / Fraction(2) ** out, output)
            found[-1].append(code * Fraction(2) ** out)
    assert layer_error(a, b, layer(form, output), engine) == pytest.approx(
        relative(found, wanted), rel=1e-12
    )


@pytest.mark.compiled
def test_a_tensor_gets_the_scale_of_the_least_error() -> None:
    values = np.random.default_rng(1).normal(size=4096) * 2.0**-30
    for name in ("posit8_0", "fp4_e2m1", "int8", "fp8_e5m2"):
        form = scalar_named(name)

        def error(exponent: int, form: Any = form) -> float:
            held = decode(encode(values * 2.0**-exponent, form), form) * 2.0**exponent
            return float(np.mean((held - values) ** 2))

        assert error(scale_of(values, form)) == min(map(error, range(-60, 0)))


def test_a_tensor_of_zeros_has_no_scale_and_no_error() -> None:
    zeros = np.zeros((6, 24))
    assert scale_of(zeros, scalar_named("posit8_0")) == 0
    assert layer_error(zeros, zeros.T[:, :5], layer("posit8_0", "posit8_0"), Engine()) == 0.0


def work(k: int = 40) -> Workload:
    return Workload(
        name="w",
        source="a test",
        operators=(
            Conv2d(name="c", in_h=9, in_w=9, channels=4, filt_h=3, filt_w=3, filters=70),
            Elementwise(name="r", inputs=("c",), op="act", elements=49 * 70),
            Gemm(name="g", inputs=("r",), m=60, n=10, k=k),
        ),
    )


def errors(*formats: str, **more: Any) -> dict[str, float]:
    rules = ", ".join(
        f'{{layers: "{layers}", input: {form}}}'
        for layers, form in (each.split("=") for each in formats)
    )
    machine = load_machine("xr_npe", [f"mapping.formats=[{rules}]"])
    result = with_accuracy(run(machine, work()).result, work(), machine, **more)
    assert result.notes[-1].startswith("accuracy: ")
    return {
        row.name: row.relative_error for row in result.operators if row.relative_error is not None
    }


@pytest.mark.compiled
def test_wider_formats_are_nearer_and_each_layer_has_its_own() -> None:
    by_form = [errors(f"*={form}") for form in ("fp4_e2m1", "posit8_0", "posit16_1")]
    for name in ("c", "g"):
        worst, middle, best = (each[name] for each in by_form)
        assert worst > 5 * middle > 0
        assert middle > 50 * best > 0
    mixed = errors("c=posit16_1", "g=fp4_e2m1")
    assert mixed["g"] == by_form[0]["g"]
    # The result of the first has the format that the second reads.
    assert by_form[2]["c"] < mixed["c"] < by_form[0]["c"]


@pytest.mark.compiled
def test_the_same_seed_draws_the_same_tensors() -> None:
    assert errors("*=posit8_0") == errors("*=posit8_0") != errors("*=posit8_0", seed=2)


@pytest.mark.compiled
def test_given_tensors_are_taken() -> None:
    ones = {"g.input": np.ones((60, 40)), "g.weight": np.ones((40, 10))}
    found = errors("*=posit8_0", tensors=ones)
    assert found["g"] == 0.0
    assert found["c"] == errors("*=posit8_0")["c"]
    random = np.random.default_rng(9).normal(size=(60, 40))
    some = errors("*=posit8_0", tensors={"g.input": random})
    assert 0.0 < some["g"] < 0.1
    assert len({math.ceil(each * 60 / SIDE) for each in range(SIDE)}) == SIDE


@pytest.mark.parametrize(
    ("tensors", "told"),
    [
        ({"x.input": np.ones((2, 2))}, "tensor 'x.input': must be LAYER.input or LAYER.weight, "),
        ({"g.bias": np.ones(2)}, "with one of c, g"),
        ({"g.input": np.ones((60, 39))}, r"has shape \(60, 39\); the layer's product needs "),
    ],
)
def test_tensors_that_are_not_the_workloads(tensors: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        errors("*=posit8_0", tensors=tensors)


def test_a_machine_without_engines() -> None:
    machine = load_machine("systolic_32")
    with pytest.raises(InputError, match=r"give a machine with array[.]engine, like xr_npe"):
        with_accuracy(run(machine, work()).result, work(), machine)


def test_files_of_tensors(tmp_path: Path) -> None:
    file = tmp_path / "t.npz"
    np.savez(file, **{"g.input": np.arange(4, dtype=np.float32)})
    assert read_tensors(file)["g.input"].dtype == np.float64
    np.savez(file, bad=np.array([1.0, np.nan]))
    with pytest.raises(InputError, match="bad: give finite real numbers"):
        read_tensors(file)
    np.save(tmp_path / "one.npy", np.ones(3))
    with pytest.raises(InputError, match=r"holds one array; give a [.]npz file"):
        read_tensors(tmp_path / "one.npy")
    file.write_bytes(b"nonsense")
    with pytest.raises(InputError, match=r"is no [.]npz file"):
        read_tensors(file)
    with pytest.raises(InputError, match="there is no such file"):
        read_tensors(tmp_path / "none.npz")
