"""A device that is a machine: every stage simulated command by command."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from arch.clock import periods, tick_khz
from arch.errors import InputError
from arch.hybrid import HybridMapping
from arch.machine import Channelled, Machine
from arch.pim.joint import JointMemory
from arch.serving import ServingSystem
from sim.cache import Cache
from sim.contract import CAUSES
from sim.counts import account_rows
from sim.energy import EnergyModel
from sim.link import step_cycles
from sim.result import Energy
from sim.serving.device import Pass, Share, StageRow
from sim.serving.pool import Pool, Room
from sim.serving.scheduler import Slot, two_halves
from sim.serving.stage import StageDone, StageRunner
from traces.mapping.hybrid import placement
from traces.mapping.hybrid.block import Block, block_of
from traces.mapping.hybrid.npu_attention import cache_bytes
from traces.mapping.hybrid.places import Places
from traces.mapping.hybrid.stages import Stage, held_layers, stages
from traces.mapping.joint_attention import ELEMENT_BYTES


class MachineDevice:
    """One of the devices of a system; ``cache`` None: each stage is simulated as often as it
    comes."""

    def __init__(
        self, system: ServingSystem, share: Share, batch: int, cache: Cache | None
    ) -> None:
        machine, mapping = system.device(), system.mapping
        assert machine is not None
        assert mapping is not None
        self._system, self._share, self._batch = system, share, batch
        self._mapping = mapping
        self._machine = _linked(machine, share)
        self._memory = _memory_of(machine)
        self._block = block_of(share.model, share.name, share.tensor_parallel)
        self._runner = StageRunner(self._machine, cache)
        self._energy = EnergyModel(self._machine)
        self._reuse = cache is not None
        self._seconds_a_tick = 1 / (tick_khz(machine.clocks_khz) * 1000)
        self._pool = Pool(self.room(), mapping.assignment)
        self.peak_macs_per_second = float(machine.peak_macs_per_second)
        clock_khz = machine.clocks_khz[machine.memory_clock]
        self.bandwidth_bytes_per_second = float(self._memory.bytes_per_cycle * clock_khz * 1000)

    def room(self) -> Room:
        """Rows of each channel that weights and activations leave, or, where the arrays attend,
        bytes of the whole memory."""
        share, memory = self._share, self._memory
        places = Places(self._machine, self._block, share.layers)
        held = places.weight_bytes + self._batch * activation_bytes(self._block)
        held_rows = -(-held // places.row_bytes)
        layers = held_layers(self._mapping, share.layers)
        if self._mapping.attention == "npu":
            left = memory.address_map().capacity_bytes - held_rows * places.row_bytes
            shape = self._block.shape
            room = Room(
                1, left, lambda tokens: layers * cache_bytes(shape, tokens), lambda n: n, "bytes"
            )
        else:
            assert isinstance(memory, JointMemory)
            left = memory.device().rows - held_rows
            room = _rows(memory, self._block, layers, left)
        if room.units <= 0:
            raise InputError(
                f"{share.name}: {places.weight_bytes:,} bytes of weights and the activations of "
                f"{self._batch:,} sequences leave no room in the memory of "
                f"{self._machine.name}; give more --tp or --pp"
            )
        return room

    def run(self, slots: Sequence[Slot]) -> Pass:
        """A token of each sequence of a micro-batch, through the layers of the device."""
        batches, mapping = self._sub_batches(list(slots))
        sequences = [
            [placement.Sequence(slot.number, slot.channel, slot.length) for slot in batch]
            for batch in batches
        ]
        found = stages(self._machine, self._block, sequences, self._share.layers, mapping)
        done: dict[str, list[StageDone]] = {each.name: [] for each in found}
        traces = {each.name: each.trace() for each in found}
        for stage in _in_order(found):
            if not (self._reuse and done[stage.name]):
                done[stage.name].append(self._runner.run(stage.name, traces[stage.name]))
        return self._pass(found, done, len(slots), len(batches))

    def energy(self, events: Mapping[str, int], seconds: float) -> Energy | None:
        """Of the device, with what leaks and stands by all the time."""
        return self._energy.energy(events, seconds)

    def _sub_batches(self, slots: list[Slot]) -> tuple[list[list[Slot]], HybridMapping]:
        mapping = self._mapping
        if mapping.sub_batches == 2 and len(slots) >= self._system.interleave_from:
            return [*two_halves(slots, self._system.split, self._pool)], mapping
        return [slots], mapping.model_copy(update={"sub_batches": 1})

    def _pass(
        self, found: list[Stage], done: dict[str, list[StageDone]], tokens: int, sub_batches: int
    ) -> Pass:
        rows: list[StageRow] = []
        causes: dict[tuple[str, str], float] = {}
        events: Counter[str] = Counter()
        accounts = account_rows(self._machine)
        for stage in found:
            runs = done[stage.name]
            times = stage.repeats // len(runs)
            ticks = sum(run.ticks for run in runs)
            rows.append(
                StageRow(stage.name, stage.repeats, ticks / len(runs) * self._seconds_a_tick)
            )
            for run in runs:
                for name, number in run.events.items():
                    events[name] += times * number
                for name, _, row in accounts:
                    for cause, charged in zip(CAUSES, run.ticks_by_cause[row], strict=True):
                        if charged:
                            key = name, cause
                            seconds = times * int(charged) * self._seconds_a_tick
                            causes[key] = causes.get(key, 0.0) + seconds
        seconds = sum(row.repeats * row.seconds for row in rows) + self._send_seconds(tokens)
        events["link_bytes"] += self._sent_bytes(tokens)
        macs = events["macs"]
        moved = events["memory_read_bytes"] + events["memory_write_bytes"]
        return Pass(seconds, tuple(rows), macs, moved, sub_batches, causes, +events)

    def _sent_bytes(self, tokens: int) -> int:
        """To the next group of layers, which each device sends to its own counterpart."""
        if self._share.pipeline_parallel == 1:
            return 0
        return tokens * self._block.hidden * ELEMENT_BYTES

    def _send_seconds(self, tokens: int) -> float:
        link, sent = self._machine.link, self._sent_bytes(tokens)
        if not sent or link is None:
            return 0.0
        cycles = int(step_cycles(sent, link.bytes_per_cycle, link.latency_cycles))
        ticks = cycles * periods(self._machine.clocks_khz)[link.clock]
        return ticks * self._seconds_a_tick


def activation_bytes(block: Block) -> int:
    """Of one token at most: what each operator of a layer reads and writes, on pages of its own."""
    elements = 8 * block.hidden + 8 * block.attention_dim + 4 * block.ffn
    return 2 * elements * ELEMENT_BYTES


def _rows(memory: JointMemory, block: Block, layers: int, left: int) -> Room:
    shape = block.shape
    return Room(
        memory.channels,
        left,
        lambda tokens: placement.sequence_rows(memory, shape, layers, tokens),
        lambda tokens: placement.estimated_cycles(memory, shape, tokens),
        "rows of a channel",
    )


def _memory_of(machine: Machine) -> Channelled:
    if not isinstance(machine.memory, Channelled):
        raise InputError(
            f"machine {machine.name}: memory must have channels, so that sequences have addresses"
        )
    return machine.memory


def _linked(machine: Machine, share: Share) -> Machine:
    """The machine with as many devices on its link as share a layer."""
    tensor, link = share.tensor_parallel, machine.link
    if link is None:
        if share.devices > 1:
            raise InputError(
                f"machine {machine.name}: link must be given for --tp {tensor} and --pp "
                f"{share.pipeline_parallel}"
            )
        return machine
    devices = link.model_copy(update={"devices": max(2, tensor)})
    return machine.model_copy(update={"link": devices})


def _in_order(found: list[Stage]) -> Iterator[Stage]:
    """Every stage as often as it comes: neighbours with the same repeats take turns."""
    for repeats, group in groupby(found, key=lambda each: each.repeats):
        together = list(group)
        for _ in range(repeats):
            yield from together
