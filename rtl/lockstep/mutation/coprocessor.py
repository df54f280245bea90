"""A co-processor as provers see it: its state, what holds in it, and what its counters do."""

from collections.abc import Iterator

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data

from arch.array import Array
from rtl.coprocessor import Coprocessor
from rtl.coprocessor.beats import Beats
from rtl.coprocessor.registers import COUNTERS
from rtl.coprocessor.ring import Ring
from rtl.lockstep.mutation.equivalence import proven
from rtl.lockstep.mutation.invariants import implies, invariants

COUNTED = (
    *("memory_map", "setattr -unset init w:*"),
    *("delete -output w:resp w:legal w:held w:assumed", "opt_clean"),
    "sat -verify -seq 2 -prove-skip 1 -prove counted 1",
)
"""From any state on: a count need not be reached to be looked at."""


class SeenRing(Ring):
    """With its commands as signals, for proofs."""

    def __init__(self, layout: data.StructLayout, depth: int, readers: tuple[str, ...]) -> None:
        super().__init__(layout, depth, readers)
        self.slots = [Signal(layout) for _ in range(depth)]

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        for i, slot in enumerate(self.slots):
            port = m.submodules.memory.read_port(domain="comb")
            m.d.comb += [port.addr.eq(i), slot.eq(port.data)]
        return m


class Watched(Coprocessor):
    """With more outputs.

    Members
    -------
    resp : Out
        All registers and the queue's memory.
    assumed : Out(1)
        The array sends a result only where one is due, and the last one of a product only after
        it has taken the product and all its operands.
    held : Out(1)
        All invariants hold.
    legal : Out(1)
        Both.
    counted : Out(1)
        Each counter and HIGH are what they were, and what happened in the cycle before makes of
        it; reads show them.
    """

    ring: SeenRing
    ring_kind = SeenRing

    def __init__(self, array: Array, *, extent_bits: int, depth: int) -> None:
        super().__init__(array, extent_bits=extent_bits, depth=depth)
        self.slots = self.ring.slots
        self.resp = Signal(len(self._state()))
        self.assumed = Signal()
        self.held = Signal()
        self.legal = Signal()
        self.counted = Signal()

    @property
    def ports(self) -> list[Signal]:
        """Those of the co-processor, and those."""
        return [
            *(value for _, _, value in self.signature.flatten(self)),
            *(self.resp, self.assumed, self.held, self.legal, self.counted),
        ]

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        held = Value.cast(1)
        for invariant in _invariants(self):
            held = held & invariant.bool()
        m.d.comb += [
            self.assumed.eq(_assumption(self)),
            self.held.eq(held),
            self.legal.eq(self.held & self.assumed),
            self.resp.eq(self._state()),
        ]
        self._counts(m)
        return m

    def _state(self) -> Value:
        return Cat(*self.registers.values(), *self.slots)

    def _counts(self, m: Module) -> None:
        """By the events that the array and the slave tell of, not by what is made of them."""
        lite, array, ring, counters = self.lite, self.array, self.ring, self.account.counters
        index = {register.name: i for i, register in enumerate(self.file.table)}
        works = ring.at["array"] != ring.at["result"]
        word = lite.write_word
        clear = lite.write & (lite.write_index == index["CONTROL"])
        clear = clear & word.data[3] & word.strobe[0]
        events = {
            "beats": works & array.advance,
            "stalled_input": works & ~array.advance & ~array.blocked,
            "stalled_output": works & ~array.advance & array.blocked,
            "products": self.outlet.ended,
        }
        right = Value.cast(1)
        shown = lite.fifos["r"].input.payload.data
        high: Value = self.file.high
        for name, counter in counters.items():
            expected = Signal.like(counter, name=f"expected_{name}")
            m.d.sync += expected.eq(Mux(clear, 0, counter + events[name]))
            asked = lite.read_index == index[name.upper()]
            right = right & (counter == expected) & (~asked | (shown == counter[:32]))
            if name.upper() in COUNTERS:
                high = Mux(lite.read & asked, counter[32:], high)
        expected = Signal.like(self.file.high, name="expected_high")
        m.d.sync += expected.eq(high)
        asked = lite.read_index == index["HIGH"]
        right = right & (self.file.high == expected)
        right = right & (~asked | (shown == self.file.high))
        m.d.comb += self.counted.eq(right)


def counts(flat: str) -> bool:
    """Whether counters of a flat netlist of ``Watched`` count, proven by SAT."""
    return proven(flat, ["read_rtlil flat.il", *COUNTED])


def invariants_hold(flat: str) -> bool:
    """Whether the invariants hold after reset and are kept by every cycle, with an array that does
    as is assumed."""
    cone = ("memory_map", "delete -output w:resp w:legal w:counted", "opt_clean")
    proof = "sat -verify -tempinduct -maxsteps 1 -set assumed 1 -prove held 1"
    return proven(flat, ["read_rtlil flat.il", *cone, proof])


def _assumption(unit: Watched) -> Value:
    at, beats = unit.ring.at, unit.outlet.beats
    behind = Value.cast(1)
    for name in unit.ring.readers[:-1]:
        behind = behind & (at[name] != at["result"])
    return ~unit.array.sent | (beats.due & (~beats.last | behind))


def _invariants(unit: Watched) -> Iterator[Value]:
    """Of queues, and of the place that each stream is at."""
    yield from invariants(unit.array)
    fifos = [*unit.lite.fifos.values(), unit.outlet.marks]
    fifos += [intake.fifo for intake in unit.intakes.values()]
    for fifo in fifos:
        yield fifo.level <= 2
    yield unit.outlet.marks.level == unit.array.fifos["output"].level
    ring = unit.ring
    last = ring.at["result"]
    yield ring.level <= ring.depth
    for at in ring.at.values():
        yield (at - last)[: len(at)] <= ring.level
    for i, slot in enumerate(unit.slots):
        place = (i - last)[: len(last) - 1]
        used = place < ring.level
        for extent in (slot.m, slot.n, slot.k):
            yield implies(used, extent != 0)
    places = [intake.beats for intake in unit.intakes.values()]
    for beats in (*places, unit.outlet.beats):
        yield from _place(unit, beats)


def _place(unit: Watched, beats: Beats) -> Iterator[Value]:
    """In range of the product that is counted, and at its start where there is none."""
    p, cutter, command = unit.parameters, beats.cutter, beats.command.payload
    inner, outer = {
        "ws": (command.k, command.n),
        "is": (command.k, command.m),
        "os": (command.n, command.m),
    }[p.dataflow]
    inner_size, outer_size = (p.rows, p.cols) if p.stationary else (p.cols, p.rows)
    yield (cutter.inner % inner_size == 0) & (cutter.outer % outer_size == 0)
    inside = (cutter.inner < inner) & (cutter.outer < outer)
    length = Value.cast(beats.beats.of(cutter.fold))
    inside &= (beats.at < length) | ((length == 0) & (beats.at == 0))
    start = (cutter.inner == 0) & (cutter.outer == 0) & (beats.at == 0)
    yield Mux(beats.command.valid, inside, start)
