"""What number formats cost in accuracy, layer by layer, beside cycles and traffic.

A layer is computed twice: in float64 from its tensors, and as the SIMD engine computes it: inputs
and weights rounded to codes, exact products, a quire or a chain, the result rounded to its
format. Each tensor has a scale, a power of two that holds it best; a sum is shifted by these before
it is rounded. Tensors are those of a file, or drawn: weights normal of variance 1 / K, inputs
normal, with negative ones cut off behind a layer with an activation. Of a large layer some rows
and columns are computed.
"""

import math
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from arch.errors import InputError
from arch.mac.engine import Engine
from arch.mac.formats import scalar_named
from arch.machine import Machine
from sim.mac.chained import chained_matmul
from sim.mac.formats import Values
from sim.mac.matmul import matmul
from sim.mac.scaled import Scaled, scale_of, scaled
from sim.result import Result
from traces.mapping.precision import is_product, resolved
from traces.operators import AnyOperator, Conv2d, Elementwise, Gemm, Norm, Pool, Workload
from traces.reading import read_bytes

SIDE = 48
"""Rows and columns of a layer's product that are computed."""

Tensors = Mapping[str, Values]
"""By ``<layer>.input`` [m, k] and ``<layer>.weight`` [k, n], as the product has them."""


def with_accuracy(
    result: Result,
    workload: Workload,
    machine: Machine,
    *,
    tensors: Tensors | None = None,
    seed: int = 1,
) -> Result:
    """A result with the error of each layer.

    Raises InputError for a machine without engines, and for tensors that are not those of the
    workload.
    """
    engine = engine_of(machine)
    layers = {each.name: each for each in resolved(workload, machine).operators}
    given = dict(tensors or {})
    _check_names(given, layers)
    rectified = _behind_activations(workload)
    rows = []
    for row in result.operators:
        layer = layers.get(row.name)
        if isinstance(layer, Gemm | Conv2d):
            a, b = _operands(layer, given, seed, row.name in rectified)
            row = replace(row, relative_error=layer_error(a, b, layer, engine))
        rows.append(row)
    note = (
        f"accuracy: {len(given)} tensors given, the others drawn by seed {seed}; {SIDE} x {SIDE} "
        "results of a layer, scales powers of two"
    )
    return replace(result, operators=tuple(rows), notes=(*result.notes, note))


def engine_of(machine: Machine) -> Engine:
    """The engine that layers are computed on. Raises InputError for a machine without."""
    engine = machine.array.engine
    if engine is None:
        raise InputError(
            f"machine {machine.name!r}: accuracy is that of number formats of layers; give a "
            "machine with array.engine, like xr_npe"
        )
    return engine


def layer_error(a: Values, b: Values, layer: AnyOperator, engine: Engine) -> float:
    """Relative error of a layer's product of ``a`` [m, k] and ``b`` [k, n]; 1 where all is 0 that
    should be, and something is not."""
    formats = layer.formats
    assert formats is not None
    left = scaled(a, scalar_named(formats.input))
    right = scaled(b, scalar_named(formats.weight or formats.input))
    wanted = a @ b
    form = scalar_named(formats.output or formats.input)
    out_exponent = scale_of(wanted, form)
    shift = left.exponent + right.exponent - out_exponent
    if engine.chain_format is None:
        codes = matmul(
            left.codes, right.codes, left.form, b_form=right.form, out=form, scale_exponent=shift
        )
    else:
        lanes = engine.lanes(engine.modes[engine.mode_of(left.form.name, right.form.name)])
        codes = chained_matmul(
            left.codes, right.codes, (left.form, right.form, scalar_named(engine.chain_format)),
            form, lanes, shift,
        )  # fmt: skip
    error = Scaled(codes, out_exponent, form).values() - wanted
    signal, noise = float(np.mean(np.square(wanted))), float(np.mean(np.square(error)))
    return math.sqrt(noise / signal) if signal else float(noise > 0.0)


def read_tensors(path: Path) -> dict[str, Values]:
    """Arrays of a .npz file. Raises InputError for anything but finite real numbers."""
    read_bytes(path)
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise InputError(f"{path}: holds one array; give a .npz file of named arrays")
        with file:
            found = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: is no .npz file: {error}") from None
    for name, values in found.items():
        if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
            raise InputError(f"{path}: {name}: give finite real numbers")
    return {name: values.astype(np.float64) for name, values in found.items()}


def _check_names(given: Tensors, layers: Mapping[str, Any]) -> None:
    products = [name for name, layer in layers.items() if is_product(layer)]
    for name in given:
        layer, _, what = name.rpartition(".")
        if layer not in products or what not in ("input", "weight"):
            raise InputError(
                f"tensor {name!r}: must be LAYER.input or LAYER.weight, with one of "
                f"{', '.join(products)}"
            )


def _behind_activations(workload: Workload) -> set[str]:
    """Products whose inputs have passed an activation."""
    active: set[str] = set()
    found = set()
    for operator in workload.operators:
        reads = any(name in active for name in operator.inputs)
        if is_product(operator):
            found.update([operator.name] if reads else [])
            continue
        acts = isinstance(operator, Elementwise) and operator.op == "act"
        if acts or (reads and isinstance(operator, Pool | Norm | Elementwise)):
            active.add(operator.name)
    return found


def _operands(
    layer: Gemm | Conv2d, given: Tensors, seed: int, rectified: bool
) -> tuple[Values, Values]:
    random = np.random.default_rng([seed, zlib.crc32(layer.name.encode())])
    rows, cols, depth = min(layer.m, SIDE), min(layer.n, SIDE), layer.k
    a = given.get(f"{layer.name}.input")
    b = given.get(f"{layer.name}.weight")
    for what, tensor, shape in (("input", a, (layer.m, depth)), ("weight", b, (depth, layer.n))):
        if tensor is not None and tensor.shape != shape:
            raise InputError(
                f"tensor '{layer.name}.{what}': has shape {tensor.shape}; the layer's product "
                f"needs {shape}"
            )
    if a is None:
        a = random.normal(size=(rows, depth))
        a = np.maximum(a, 0.0) if rectified else a
    if b is None:
        b = random.normal(size=(depth, cols)) / math.sqrt(depth)
    return _spread(a, rows), _spread(b.T, cols).T


def _spread(tensor: Values, rows: int) -> Values:
    """Some rows of a tensor, evenly spread."""
    return tensor[np.arange(rows) * len(tensor) // rows]
