"""Lowering for systolic machines: operators to the commands of cores, scratchpads and memory.

One operator is one trace; the next starts when it is done. ``lower`` is a pure function of
workload and machine.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import NamedTuple, Protocol

from arch.commands import CommandTrace
from arch.errors import InputError
from arch.mac.formats import packed_bytes
from arch.machine import Machine
from arch.vector import VectorOp
from traces.mapping.builder import TraceBuilder
from traces.mapping.candidates import packing
from traces.mapping.fuse import plan
from traces.mapping.gemm import Emitted, Epilogue, Tensors, emit_product
from traces.mapping.partition import Split, largest_part, splits
from traces.mapping.precision import Words, resolved, words_of
from traces.mapping.product import Product, product_of
from traces.mapping.tiling import ORDERS, Tiling, choose
from traces.mapping.vector import lower_vector
from traces.operators import AnyOperator, Commands, Conv2d, Gemm, Workload

KNOWN_COMMANDS_MAX = 250_000
"""Commands that are kept for operators of the same shape, about 40 MB."""


@dataclass(frozen=True)
class Lowered:
    """One operator's commands, and the choices behind them."""

    operator: AnyOperator
    fused: tuple[AnyOperator, ...]
    trace: CommandTrace
    product: Product | None
    tiling: Tiling | None


class Steps(Protocol):
    """What a run simulates, one step after the other."""

    def __len__(self) -> int: ...

    def step(self, index: int) -> Lowered:
        """The step of an index."""
        ...


class Replay:
    """Steps whose commands are given."""

    def __init__(self, traces: Sequence[CommandTrace], name: str, source: str) -> None:
        self._traces = traces
        self.workload = Workload(
            name=name,
            source=source,
            operators=tuple(_given(trace) for trace in traces),
        )
        """An operator a step, so that results can name them."""

    def __len__(self) -> int:
        return len(self._traces)

    def step(self, index: int) -> Lowered:
        """The commands of a step as they are."""
        return Lowered(self.workload.operators[index], (), self._traces[index], None, None)


def _given(trace: CommandTrace) -> Commands:
    digest = sha256(trace.commands.tobytes() + trace.dependencies.tobytes())
    return Commands(
        name=trace.operator_names[0],
        elements=len(trace.commands),
        sha256=digest.hexdigest(),
    )


class Shape(NamedTuple):
    """What the commands of a step depend on, beside the machine: steps that share it have the same
    commands but for names."""

    operator: AnyOperator
    """Without its name and inputs."""
    vector_ops: tuple[VectorOp, ...]
    """Done on each output tile before it leaves."""
    residuals: int
    """Tensors of the output's shape that are read beside it."""


class Lowering:
    """A workload's steps on one machine: an operator each, with what is fused into it.

    Operators of one shape have the same commands, which are lowered once.
    """

    def __init__(self, workload: Workload, machine: Machine) -> None:
        self._machine = machine
        workload = resolved(workload, machine)
        self._operators = workload.operators
        self._groups = plan(workload, fuse=machine.mapping.fuse)
        self._known: dict[Shape, Lowered] = {}
        self._known_commands = 0

    def __len__(self) -> int:
        return len(self._groups)

    def operator(self, index: int) -> AnyOperator:
        """The operator of a step."""
        return self._operators[self._groups[index].host]

    def fused(self, index: int) -> tuple[AnyOperator, ...]:
        """The operators that are fused into that of a step."""
        return tuple(self._operators[at] for at in self._groups[index].fused)

    def shape(self, index: int) -> Shape:
        """What the commands of a step depend on, beside the machine."""
        epilogue = self._groups[index].epilogue
        operator = self.operator(index).model_copy(update={"name": "", "inputs": ()})
        return Shape(operator, epilogue.vector_ops, len(epilogue.residuals))

    def step(self, index: int) -> Lowered:
        """Lower one step. Raises InputError if the machine cannot do it."""
        operator, fused = self.operator(index), self.fused(index)
        epilogue = self._groups[index].epilogue
        shape = self.shape(index)
        known = self._known.get(shape)
        if known is not None:
            trace = _renamed(known, operator.name, epilogue.residuals)
            return replace(known, operator=operator, fused=fused, trace=trace)
        lowered = self._lower(operator, fused, epilogue)
        commands = len(lowered.trace.commands)
        if self._known_commands + commands <= KNOWN_COMMANDS_MAX:
            self._known[shape] = lowered
            self._known_commands += commands
        return lowered

    def _lower(
        self, operator: AnyOperator, fused: tuple[AnyOperator, ...], epilogue: Epilogue
    ) -> Lowered:
        builder = TraceBuilder(operator.name)
        is_product = isinstance(operator, Gemm | Conv2d)
        needing = [operator.name] if not is_product else [o.name for o in fused]
        if self._machine.vector is None and (not is_product or epilogue.vector_ops):
            raise InputError(
                f"machine {self._machine.name!r} has no vector unit for operator "
                f"{needing[-1]!r}; add a 'vector' section or --set vector.lanes=N"
            )
        product = tiling = emitted = None
        if isinstance(operator, Gemm | Conv2d):
            words = words_of(operator, self._machine.array)
            product = product_of(operator, words.lanes, words.output_bits)
            tiling, emitted = self._product(builder, product, epilogue, words)
        else:
            lower_vector(builder, self._machine, operator)
        return Lowered(operator, fused, builder.build(emitted), product, tiling)

    def _choose(self, product: Product, kept_bytes: float) -> tuple[Tiling, Split]:
        """Tiles, and the cores along each dimension."""
        machine, mapping = self._machine, self._machine.mapping
        orders = ORDERS if mapping.loop_order == "auto" else (mapping.loop_order,)
        found = []
        for split in splits(product, machine):
            part = largest_part(product, split)
            if machine.memory is None:
                best = _everything(part, machine, orders[0])
            else:
                best = choose(part, machine, orders, kept_bytes=kept_bytes, cores=split.cores)
            found.append((best, split))
        return min(found, key=lambda each: (each[0].time, each[0].traffic_bytes))

    def _product(
        self, builder: TraceBuilder, product: Product, epilogue: Epilogue, words: Words
    ) -> tuple[Tiling, Emitted]:
        machine = self._machine
        array = machine.array
        width = words.output_bits / 8
        tiling, split = self._choose(product, len(epilogue.residuals) * width)
        elements = product.groups * product.m * product.n
        inputs = product.groups * product.m * product.channels
        if product.image_rows:
            images = product.rows // product.rows_per_image
            pixels = product.image_rows * product.image_pixels
            inputs = product.groups * images * pixels * product.channels
        name = product.name
        tensors = Tensors(
            builder.tensor(f"{name}.ifmap", packed_bytes(inputs, array.operand_bits)),
            builder.tensor(
                f"{name}.filter",
                packed_bytes(product.groups * product.k * product.n, array.operand_bits),
            ),
            builder.tensor(f"{name}.ofmap", packed_bytes(elements, words.output_bits)),
            builder.tensor(f"{name}.sums", packed_bytes(elements, array.accumulator_bits)),
            tuple(
                builder.tensor(other, packed_bytes(elements, words.output_bits))
                for other in epilogue.residuals
            ),
        )
        return tiling, emit_product(machine, product, tiling, epilogue, tensors, split, words)


def _renamed(known: Lowered, name: str, residuals: tuple[str, ...]) -> CommandTrace:
    """The trace of an operator, for another of the same shape; residual inputs come last."""
    names = known.trace.tensor_names
    own = names[: len(names) - len(residuals)]
    return replace(
        known.trace,
        operator_names=(name,),
        tensor_names=(*(name + each.removeprefix(known.operator.name) for each in own), *residuals),
    )


def _everything(product: Product, machine: Machine, order: str) -> Tiling:
    """One tile, where no memory is behind the scratchpads."""
    return Tiling(
        product.groups, product.rows, product.row_pixels, product.n, product.channels, order,
        (1, 1, 1), False, packing(product, machine), 0, 0.0,
    )  # fmt: skip


def lower(workload: Workload, machine: Machine) -> Iterator[Lowered]:
    """Lower a workload for a machine, step by step."""
    lowering = Lowering(workload, machine)
    return (lowering.step(index) for index in range(len(lowering)))
