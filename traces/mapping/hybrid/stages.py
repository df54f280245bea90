"""The stages of a decode iteration: what a device does at a time.

One sub-batch: A makes queries, keys and values, B attends, E is the rest of a layer; each once a
layer. Two sub-batches, as NeuPIMs interleaves them: A is QKV(1), B MHA(1) beside QKV(2); then for
each layer but the last C is MHA(2) beside the rest of a layer of (1) and its next QKV, D the same
with the two exchanged; E is MHA(2) beside the rest of (1), F the rest of (2).
"""

from collections.abc import Callable
from collections.abc import Sequence as Ordered
from dataclasses import dataclass

from arch.commands import LINK_ALLREDUCE, OP_LINK, CommandTrace, link_queue
from arch.errors import InputError
from arch.hybrid import HybridMapping
from arch.machine import Machine
from arch.pim.joint import JointMemory
from traces.mapping.builder import TraceBuilder
from traces.mapping.hybrid.attention import apart_bytes, attention_in_pim
from traces.mapping.hybrid.block import (
    Block,
    ffn_operators,
    last_operators,
    projection_operators,
    qkv_operators,
)
from traces.mapping.hybrid.join import Part, join
from traces.mapping.hybrid.npu_attention import attention_on_npu, cache_bytes
from traces.mapping.hybrid.placement import Rows, Sequence, lay_out
from traces.mapping.hybrid.places import Places
from traces.mapping.joint_attention import ELEMENT_BYTES
from traces.mapping.systolic import Lowering
from traces.operators import AnyOperator, Workload

Batch = Ordered[Sequence]
ENDS = ("attention.queries", "attention.results")


@dataclass(frozen=True)
class Stage:
    """What a device does between two barriers."""

    name: str
    repeats: int
    """Times in an iteration, each with the same commands."""
    trace: Callable[[], CommandTrace]
    """Lowers it."""


def stages(
    machine: Machine, block: Block, sub_batches: Ordered[Batch], layers: int, mapping: HybridMapping
) -> list[Stage]:
    """The stages of an iteration in order, where C and D take turns.

    ``sub_batches``: one, or two as ``mapping.sub_batches`` says; each sequence has a number of its
    own. An empty one has nothing to do.

    Raises InputError where sequences do not fit, and for machines that cannot do it.
    """
    if len(sub_batches) != mapping.sub_batches:
        raise InputError(
            f"mapping.sub_batches: is {mapping.sub_batches}; {len(sub_batches)} were given"
        )
    if layers < 1:
        raise InputError(f"layers: must be 1 or more, not {layers}")
    plan = _Plan(machine, block, sub_batches, layers, mapping)
    if mapping.sub_batches == 1:
        return [
            Stage("A", layers, lambda: plan.stage(None, [(0, "qkv")])),
            Stage("B", layers, lambda: plan.stage(0, [])),
            Stage("E", layers, lambda: plan.stage(None, [(0, "rest")])),
        ]
    found = [
        Stage("A", 1, lambda: plan.stage(None, [(0, "qkv")])),
        Stage("B", 1, lambda: plan.stage(0, [(1, "qkv")])),
        Stage("C", layers - 1, lambda: plan.stage(1, [(0, "rest"), (0, "qkv")])),
        Stage("D", layers - 1, lambda: plan.stage(0, [(1, "rest"), (1, "qkv")])),
        Stage("E", 1, lambda: plan.stage(1, [(0, "rest")])),
        Stage("F", 1, lambda: plan.stage(None, [(1, "rest")])),
    ]
    return [each for each in found if each.repeats]


def held_layers(mapping: HybridMapping, layers: int) -> int:
    """Layers of a device whose keys and values have room of their own."""
    return layers if mapping.held_layers == "all" else 1


class _Plan:
    """Lowers the parts of stages; all of them share places."""

    def __init__(
        self,
        machine: Machine,
        block: Block,
        sub_batches: Ordered[Batch],
        layers: int,
        mapping: HybridMapping,
    ) -> None:
        self._machine, self._block, self._batches = machine, block, sub_batches
        self._layers, self._mapping = layers, mapping
        self._places = Places(machine, block, layers)
        self._known: dict[tuple[int, str], list[Part]] = {}
        if block.tp > 1 and (machine.link is None or machine.link.devices != block.tp):
            given = "none" if machine.link is None else machine.link.devices
            raise InputError(
                f"machine {machine.name!r}: link.devices must be {block.tp}, those that share a "
                f"layer, not {given}"
            )
        for at, batch in enumerate(sub_batches):
            for what in ("qkv", "rest"):
                self._known[at, what] = self._products(at, len(batch), what)
        width = block.attention_dim * ELEMENT_BYTES
        self._ends = [
            [self._places.tensor(name, len(batch) * width, f"batch{at}") for name in ENDS]
            for at, batch in enumerate(sub_batches)
        ]
        self._apart = [
            self._places.tensor("attention.weights", self._apart_bytes(batch), f"batch{at}")
            for at, batch in enumerate(sub_batches)
        ]
        self._rows: dict[int, Rows] = {}
        self._caches: dict[int, int] = {}
        self._lay_out()

    def _lay_out(self) -> None:
        """Places of all keys and values."""
        everyone = [each for batch in self._batches for each in batch]
        memory, shape = self._machine.memory, self._block.shape
        layers = held_layers(self._mapping, self._layers)
        if self._mapping.attention == "npu":
            at = self._places.cache_begin()
            for each in everyone:
                self._caches[each.number] = at
                at += cache_bytes(shape, each.length) * layers
            self._places.check(at)
            return
        if not isinstance(memory, JointMemory):
            raise InputError(
                f"machine {self._machine.name!r}: its memory has no PIM; mapping.attention must be "
                "npu"
            )
        first = self._places.first_row()
        if self._mapping.first_row is not None:
            if self._mapping.first_row < first:
                raise InputError(
                    f"mapping.first_row: must be {first} or more, behind weights and activations, "
                    f"not {self._mapping.first_row}"
                )
            first = self._mapping.first_row
        self._rows = lay_out(memory, shape, layers, first, everyone)

    def _apart_bytes(self, batch: Batch) -> int:
        if self._mapping.attention == "npu":
            return 0
        return apart_bytes(self._mapping, self._block.shape, batch)

    def stage(self, attending: int | None, products: Ordered[tuple[int, str]]) -> CommandTrace:
        """The attention of one sub-batch beside products of others, one after the other."""
        parts: list[Part] = []
        if attending is not None and self._batches[attending]:
            parts.append(self._attention(attending))
        last: int | None = None
        for key in products:
            for part in self._known[key]:
                after = () if last is None else (last,)
                last = len(parts)
                parts.append(Part(part.trace, after, part.addresses))
        return join(parts)

    def _attention(self, at: int) -> Part:
        batch, shape = self._batches[at], self._block.shape
        memory = self._machine.memory
        if self._mapping.attention == "npu":
            trace = attention_on_npu(self._machine, shape, batch, self._mapping.npu_heads)
            caches = [self._caches[each.number] for each in batch]
            return Part(trace, (), (*self._ends[at], *caches))
        assert isinstance(memory, JointMemory)
        trace = attention_in_pim(
            memory, self._machine.cores, shape, self._mapping, batch, self._rows
        )
        return Part(trace, (), (0, self._apart[at]))

    def _products(self, at: int, tokens: int, what: str) -> list[Part]:
        """Operators of a sub-batch and the sums between devices, in order."""
        if not tokens:
            return []
        block = self._block
        if what == "qkv":
            return self._lowered(at, qkv_operators(block, tokens))
        groups = (projection_operators, ffn_operators, last_operators)
        if block.tp == 1:
            operators = tuple(each for group in groups for each in group(block, tokens))
            return self._lowered(at, operators)
        parts: list[Part] = []
        for index, group in enumerate(groups):
            parts += self._lowered(at, group(block, tokens))
            if index < len(groups) - 1:
                parts.append(Part(self._allreduce(block.allreduce_bytes(tokens))))
        return parts

    def _lowered(self, at: int, operators: tuple[AnyOperator, ...]) -> list[Part]:
        workload = Workload(name="block", source="a decoder layer", operators=operators)
        lowering = Lowering(workload, self._machine)
        parts = []
        for index in range(len(lowering)):
            trace = lowering.step(index).trace
            sizes = (int(each) for each in trace.tensors["bytes"])
            addresses = tuple(
                self._places.tensor(name, size, f"batch{at}")
                for name, size in zip(trace.tensor_names, sizes, strict=True)
            )
            parts.append(Part(trace, (), addresses))
        return parts

    def _allreduce(self, size: int) -> CommandTrace:
        builder = TraceBuilder("allreduce")
        queue = link_queue(self._machine.cores, self._machine.pim_channels)
        builder.add(queue, OP_LINK, bytes=size, m=LINK_ALLREDUCE)
        return builder.build()
