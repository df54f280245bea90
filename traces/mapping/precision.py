"""Layer-adaptive precision: the number formats of each layer, and how codes are packed.

On an array of SIMD engines a word holds several codes along the depth, in memory as well as in
the scratchpads: a product of depth K is one of ``ceil(channels / lanes)`` words a pixel. A layer
names its formats itself (``formats`` of the operator) or is matched by the machine's
``mapping.formats``, the first rule first.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from arch.array import Array
from arch.errors import InputError
from arch.mac.engine import Engine
from arch.mac.formats import FORMAT_BITS, scalar_named
from arch.mac.layer import Formats
from arch.machine import Machine
from traces.operators import AnyOperator, Conv2d, Gemm, Workload


@dataclass(frozen=True)
class Words:
    """How the codes of one layer lie in words."""

    mode: int = 0
    """Index of the engine's mode."""
    lanes: int = 1
    """Codes in a word."""
    result: int = 0
    """Index of the format that results are rounded to."""
    output_bits: int = 8
    """Width of a result."""
    given_bits: int = 0
    """The same as commands give it; 0: it is always that of the array."""


def is_product(operator: AnyOperator) -> bool:
    """Whether the array computes it."""
    return isinstance(operator, Gemm | Conv2d)


def resolved(workload: Workload, machine: Machine) -> Workload:
    """The workload with all formats of each layer, where the machine has engines.

    An operator of the vector unit works on what the layer before it writes. Raises InputError for
    a layer without formats, and for formats that the array does not have.
    """
    engine = machine.array.engine
    if engine is None:
        for operator in workload.operators:
            if operator.formats is not None:
                _check_fixed(operator.name, operator.formats, machine)
        return workload
    given = {operator.name: _given(operator, machine) for operator in workload.operators}
    written = _written(workload, given, engine)
    operators = []
    for operator in workload.operators:
        formats = given[operator.name]
        if formats is None:
            form = written[operator.name]
            formats = Formats(input=form, weight=form, output=form)
        else:
            formats = Formats(
                input=formats.input,
                weight=formats.weight or formats.input,
                output=formats.output or written[operator.name],
            )
        if is_product(operator):
            _check_engine(operator, formats, engine)
        operators.append(operator.model_copy(update={"formats": formats}))
    return workload.model_copy(update={"operators": tuple(operators)})


def words_of(operator: AnyOperator, array: Array) -> Words:
    """How the codes of a layer of ``resolved`` lie in words."""
    engine, formats = array.engine, operator.formats
    if engine is None or formats is None:
        return Words(output_bits=FORMAT_BITS[array.output_format])
    output = formats.output or formats.input
    bits = scalar_named(output).bits
    if not is_product(operator):
        return Words(output_bits=bits, given_bits=bits)
    mode = engine.mode_of(formats.input, formats.weight or formats.input)
    lanes, result = engine.lanes(engine.modes[mode]), engine.result_of(output)
    return Words(mode, lanes, result, bits, bits)


def _given(operator: AnyOperator, machine: Machine) -> Formats | None:
    """What an operator names, or the first rule that matches it."""
    if operator.formats is not None:
        return operator.formats
    if not is_product(operator):
        return None
    for rule in machine.mapping.formats:
        if rule.match(operator.name):
            return Formats(input=rule.input, weight=rule.weight, output=rule.output)
    raise InputError(
        f"layer {operator.name!r} names no number formats, which machine {machine.name!r} needs; "
        "give the operator 'formats', or --set "
        "'mapping.formats=[{layers: \"*\", input: posit8_0}]'"
    )


def _written(
    workload: Workload, given: Mapping[str, Formats | None], engine: Engine
) -> dict[str, str]:
    """The format of each operator's results: the one it names, or the widest that is read."""
    written: dict[str, str] = {}
    wanted: dict[str, list[str]] = {}
    for operator in reversed(workload.operators):
        formats, readers = given[operator.name], wanted.get(operator.name)
        own = formats.output if formats is not None else None
        if own is None and readers:
            own = max(readers, key=lambda name: scalar_named(name).bits)
        if own is None and formats is not None:
            own = formats.input
        if own is not None:
            written[operator.name] = own
        reads = formats.input if formats is not None else own
        for name in operator.inputs if reads is not None else ():
            wanted.setdefault(name, []).append(str(reads))
    for operator in workload.operators:
        # What nothing reads keeps the format of its input.
        if operator.name not in written:
            inputs = (written[name] for name in operator.inputs)
            written[operator.name] = next(inputs, engine.results[0])
    return written


def _check_engine(operator: AnyOperator, formats: Formats, engine: Engine) -> None:
    try:
        engine.mode_of(formats.input, formats.weight or formats.input)
        engine.result_of(formats.output or formats.input)
    except InputError as error:
        raise InputError(f"layer {operator.name!r}: {error}") from None
    most = engine.depth_most
    if isinstance(operator, Gemm | Conv2d) and most is not None and operator.k > most:
        raise InputError(
            f"layer {operator.name!r}: sums of {operator.k} products, of which a quire with "
            f"{engine.carry_bits} carry bits holds {most}; --set array.engine.carry_bits="
            f"{operator.k.bit_length()}"
        )


def _check_fixed(name: str, formats: Formats, machine: Machine) -> None:
    array = machine.array
    pairs = (
        ("input", formats.input, array.operand_format),
        ("weight", formats.weight or formats.input, array.operand_format),
        ("output", formats.output or array.output_format, array.output_format),
    )
    for what, given, has in pairs:
        if scalar_named(given).name != has:
            raise InputError(
                f"layer {name!r}: {what} is {given}, but the array of machine {machine.name!r} "
                f"has {has}; give a machine with array.engine, or leave the formats out"
            )
