"""The scratchpad: hardware and model alike, and what both do with lines."""

import itertools
import re
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from amaranth.hdl import Fragment, Module, Value
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st
from twin_checks import check_cuts, check_equal, check_registers

from arch import buffer
from arch.errors import InputError
from arch.load import load_machine
from rtl.buffer import Scratchpad
from rtl.lockstep.buffer import BufferTwin, buffer_twin
from rtl.lockstep.run import cosim
from rtl.wrapper import Wrapper


def pad(banks: int, width: int, *, double: bool = True, ports: int = 1) -> buffer.Scratchpad:
    return buffer.Scratchpad(
        operands=("ifmap",),
        capacity_kib=64,
        banks=banks,
        ports=ports,
        bank_width_bytes=width,
        double_buffered=double,
    )


PADS = [
    (pad(1, 4), 64),
    (pad(1, 1, double=False), 2),
    (pad(2, 3, ports=2), 4),
    (pad(3, 16), 16),
    (pad(4, 8, double=False), 8),
    (pad(5, 5, double=False), 16),
    (pad(4, 32), 32),
    (pad(16, 2), 16),
]
IDS = [
    f"{p.accesses_per_cycle}x{p.bank_width_bytes}{'' if p.double_buffered else '_single'}"
    for p, _ in PADS
]


@pytest.mark.validates(
    "buffer.banks",
    "buffer.ports",
    "buffer.bank_width_bytes",
    "buffer.double_buffered=True",
    "buffer.double_buffered=False",
    by="hardware",
)
@pytest.mark.parametrize(("p", "depth_lines"), PADS, ids=IDS)
def test_hardware_and_model_agree_in_every_register(p: buffer.Scratchpad, depth_lines: int) -> None:
    outcome = check_equal(BufferTwin(p, depth_lines), seed=7, cycles=30_000)
    assert outcome.useful_cycles > 25_000
    assert all(outcome.coverage.values()), outcome.coverage


@pytest.mark.parametrize(("p", "depth_lines"), PADS, ids=IDS)
def test_every_flip_flop_is_a_register(p: buffer.Scratchpad, depth_lines: int) -> None:
    check_registers(Wrapper(Scratchpad(p, depth_lines)))


class MovingDrain(Scratchpad):
    """A drain that goes on over a swap goes on in the other half."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.storage.drain_half.eq(self.arbiter.drain_half ^ self.swap)
        return m


class LateLine(Scratchpad):
    """The last lane writes the line after the one that it is to write."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        with m.If(self.storage.fill_count == self.parameters.accesses):
            m.d.comb += self.storage.fill_at.eq(self.arbiter.fill_at + 1)
        return m


def built(twin: BufferTwin) -> Wrapper:
    """The wrapper, elaborated: Amaranth warns of what is not."""
    wrapper = Wrapper(twin.component)
    Fragment.get(wrapper, None)
    return wrapper


@pytest.mark.parametrize("fault", [MovingDrain, LateLine])
def test_hardware_that_is_wrong_is_found(fault: type[Scratchpad]) -> None:
    twin = BufferTwin(pad(4, 8), 32)
    outcome = cosim(twin, seed=1, cycles=20_000, wrapper=Wrapper(fault(pad(4, 8), 32)))
    assert outcome.mismatch is not None


def test_traffic_does_not_depend_on_how_it_is_cut() -> None:
    check_cuts(BufferTwin(pad(3, 6), 16), (1, 255, 256, 44, 444))


def test_legal_traffic_holds_what_is_stalled() -> None:
    twin = BufferTwin(pad(2, 4), 16)
    batch = twin.traffic(5).next(20_000)
    names = [f.name for f in built(twin).stim_fields]
    columns = [i for i, name in enumerate(names) if name.startswith("fill.")]
    valid, ready = names.index("fill.valid"), 1
    stalled = (batch.stim[:-1, valid] == 1) & (batch.resp[:-1, ready] == 0)
    held = (batch.stim[1:, columns] == batch.stim[:-1, columns]).all(axis=1)
    epochs = [
        (stalled[at : at + 256].sum(), (stalled & held)[at : at + 256].sum())
        for at in range(0, len(stalled), 256)
    ]
    legal = [a == b for a, b in epochs if a > 20]
    assert any(legal)
    assert not all(legal)


@dataclass
class Driver:
    """Drives a scratchpad as an array and a DMA would, and holds what they see.

    Commands are offered whenever ``random`` says so and held until they are taken.
    """

    component: Scratchpad
    random: Random
    fills: list[dict[str, int]] = field(default_factory=list)
    beats: list[dict[str, int]] = field(default_factory=list)
    drains: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    """Each with the number of swaps that it waits for."""
    fill_lines: list[int] = field(default_factory=list)
    write_lines: list[int] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    drained: list[int] = field(default_factory=list)
    swaps: int = 0

    def run(self) -> None:
        simulator = Simulator(self.component)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self._bench)
        simulator.run()

    async def _bench(self, ctx: Any) -> None:
        c = self.component
        idle = 0
        for _ in range(5000):
            self._offer(ctx, c.fill, self.fills)
            self._offer(ctx, c.advance, self.beats)
            ready = [burst for swaps, burst in self.drains if swaps <= self.swaps]
            self._offer(ctx, c.drain, ready)
            self._show(ctx, c.fill_lines, self.fill_lines)
            self._show(ctx, c.write_lines, self.write_lines)
            self._see(ctx, c.read_lines, ctx.get(c.read_valid), self.read)
            self._see(ctx, c.drain_lines, ctx.get(c.drain_valid), self.drained)
            for stream, queue in ((c.fill, self.fills), (c.advance, self.beats)):
                if ctx.get(stream.valid) and ctx.get(stream.ready):
                    queue.pop(0)
            if ctx.get(c.drain.valid) and ctx.get(c.drain.ready):
                self.drains.pop(0)
            del self.fill_lines[: ctx.get(c.fill_count)]
            del self.write_lines[: ctx.get(c.write_count)]
            self.swaps += ctx.get(c.swap)
            await ctx.tick()
            # The last commands are served for a while after they were taken.
            idle = 0 if self.fills or self.beats or self.drains else idle + 1
            if idle == 50:
                return
        pytest.fail("not all commands were taken")

    def _offer(self, ctx: Any, stream: Any, queue: list[dict[str, int]]) -> None:
        valid = bool(queue) and (ctx.get(stream.valid) or self.random.random() < 0.6)
        ctx.set(stream.valid, valid)
        if valid:
            ctx.set(stream.payload, queue[0])

    def _show(self, ctx: Any, lanes: Any, lines: list[int]) -> None:
        width = len(Value.cast(lanes[0]))
        shown = lines[: self.component.parameters.accesses]
        ctx.set(Value.cast(lanes), sum(line << i * width for i, line in enumerate(shown)))

    def _see(self, ctx: Any, lanes: Any, count: int, seen: list[int]) -> None:
        seen += [ctx.get(Value.cast(lanes[i])) for i in range(count)]


def bursts(random: Random, lines: int, most: int) -> list[tuple[int, int]]:
    """Consecutive addresses cut into bursts: (address, lines)."""
    cut, at = [], 0
    while at < lines:
        size = min(random.randint(1, most), lines - at)
        cut.append((at, size))
        at += size
    return cut


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32),
    accesses=st.integers(1, 5),
    width=st.sampled_from([1, 3, 8]),
    double=st.booleans(),
)
def test_lines_come_out_as_they_went_in(seed: int, accesses: int, width: int, double: bool) -> None:
    """Four tiles: filled, read by the array beside its writing of results, drained."""
    random = Random(seed)
    component = Scratchpad(pad(accesses, width, double=double), 64)
    driver = Driver(component, random)
    read, drained = [], []
    tiles = 4
    for tile in range(tiles):
        inputs = [random.getrandbits(8 * width) for _ in range(random.randint(1, 16))]
        results = [random.getrandbits(8 * width) for _ in range(random.randint(1, 8))]
        driver.fill_lines += inputs
        driver.write_lines += results
        driver.fills += [
            {"lines": size, "at": at, "last": at + size == len(inputs)}
            for at, size in bursts(random, len(inputs), 6)
        ]
        reads = bursts(random, len(inputs), 6)
        # Results of a tile have lines of their own: they may drain while later ones are written.
        first = 16 + 8 * tile
        writes = bursts(random, len(results), 3)
        pairs = list(itertools.zip_longest(reads, writes, fillvalue=(0, 0)))
        driver.beats += [
            {
                "reads": r[1],
                "read_at": r[0],
                "writes": w[1],
                "write_at": first + w[0],
                "last": i == len(pairs) - 1,
            }
            for i, (r, w) in enumerate(pairs)
        ]
        read += inputs
        # The last tile's results wait for no swap, so they stay.
        if tile < tiles - 1:
            drained += results
            for at, size in bursts(random, len(results), 6):
                burst = {"lines": size, "at": first + at}
                if double:
                    burst["half"] = tile % 2
                driver.drains.append((tile + 2, burst))
    driver.run()
    assert driver.swaps == tiles
    assert driver.read == read
    assert driver.drained == drained


def test_fields_are_those_of_the_model() -> None:
    twin = BufferTwin(pad(2, 8), 16)
    batch = twin.traffic(0).next(50)
    wrapper = built(twin)
    assert batch.stim.shape == (50, len(wrapper.stim_fields))
    assert batch.resp.shape == (50, len(wrapper.resp_fields))


@pytest.mark.parametrize("name", ["gemmini_16", "systolic_32"])
def test_a_machine_has_a_twin(name: str) -> None:
    twin = buffer_twin(load_machine(name))
    assert twin.parameters.depth_lines == 64
    assert twin.traffic(0).next(100).resp.shape[0] == 100


def test_a_small_scratchpad_has_fewer_lines() -> None:
    settings = ["buffer.scratchpads.scratchpad.capacity_kib=1"]
    assert buffer_twin(load_machine("gemmini_16", settings)).parameters.depth_lines == 32


@pytest.mark.parametrize("name", ["tpu_v2", "tpu_v3", "scalesim_32"])
def test_what_hardware_cannot_be_is_said_with_what_to_set(name: str) -> None:
    with pytest.raises(InputError) as caught:
        buffer_twin(load_machine(name))
    suggestion = re.search(r"buffer\.\S+=\d+", str(caught.value))
    assert suggestion is not None
    buffer_twin(load_machine(name, [suggestion[0]]))


@pytest.mark.parametrize(
    ("given_pad", "options", "message"),
    [
        (pad(17, 1), {}, r"pad: hardware needs banks \* ports of 16 at most, not 17 \* 1"),
        (pad(8, 256), {}, r"bank_width_bytes of 1024 at most, not 8 \* 1 \* 256"),
        (pad(2, 1), {"depth_lines": 12}, "must be a power of two from 2 on, not 12"),
        (pad(5, 1), {"depth_lines": 4}, "must be 5 at least, the accesses of a cycle of pad"),
        (pad(1, 1024), {"depth_lines": 64}, "must be 32 at most, as pad.capacity_kib is 64"),
        (pad(1, 1), {"count_bits": 0}, "count_bits: must be 1 to 32, not 0"),
        (
            buffer.Scratchpad(operands=("ifmap",), capacity_kib=1, banks=2, bank_width_bytes=500),
            {},
            "pad.capacity_kib: hardware needs room for 2 twice lines of 500 bytes, not 1",
        ),
    ],
)
def test_parameters_without_hardware_are_refused(
    given_pad: buffer.Scratchpad, options: dict[str, int], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        BufferTwin(given_pad, path="pad", **options)
