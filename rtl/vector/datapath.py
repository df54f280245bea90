"""The vector unit's control and pipeline around its lanes."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, ValueLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.vector.lanes import Lanes
from rtl.vector.parameters import ADD, LARGEST, OPERATION_BITS, SUM, Parameters


class Stage:
    """Registers of a group on its way: its numbers, how many, whether it is the last one.

    Numbers move where there are some.
    """

    FLAGS = ("valid", "count", "last")

    def __init__(self, parameters: Parameters, name: str) -> None:
        p = parameters
        self.numbers = Signal(p.results, name=f"{name}_numbers")
        self.valid = Signal(name=f"{name}_valid")
        self.count = Signal(range(p.lanes + 1), name=f"{name}_count")
        self.last = Signal(name=f"{name}_last")
        self.registers: dict[str, ValueLike] = {
            f"{name}_{part}": getattr(self, part) for part in ("numbers", *self.FLAGS)
        }

    def takes(self, other: "Stage") -> list[Any]:
        """What makes all of it that of another stage."""
        return [getattr(self, part).eq(getattr(other, part)) for part in ("numbers", *self.FLAGS)]


class VectorDatapath(wiring.Component):
    """Adds, multiplies, compares elements in pairs, or makes one number of them, ``lanes`` at a
    time.

    A command is worked on from the cycle on after it was taken: that is its start. Groups of
    operands are taken in the first cycle, then every ``interval_cycles``; the last group may have
    less elements. A group's results are at ``results`` ``latency_cycles`` after its operands, those
    of the last group with ``done``. A command of E elements hence takes
    ``(ceil(E / lanes) - 1) * interval_cycles + latency_cycles`` cycles from its start to ``done``,
    and the next one starts in the cycle of ``done``. In a reduction each lane adds up its elements,
    i, i + lanes ..., in registers of its own; with the last group a tree adds the lanes up, and the
    result comes with ``done``. Without elements a command takes as long as one of one group.

    A row of registers carries a group's results for as long as the operation takes; a synthesiser
    may move them into the arithmetic, which is done in the first cycle.

    Members
    -------
    command : In(stream of Parameters.command)
        ``ready`` is 1 when nothing is worked on, and in the cycle before ``done``: it depends on
        registers only.
    a, b : In(Parameters.operands)
        The next group; reductions take ``a`` alone.
    taken : Out(1)
        It is taken in this cycle; a function of registers.
    taken_count : Out(range(lanes + 1))
        And so many elements of it.
    results : Out(Parameters.results)
        Registered.
    results_count : Out(range(lanes + 1))
        Registered; so many of them are new.
    done : Out(1)
        Registered; they are the last of a command.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        counts = range(p.lanes + 1)
        super().__init__(
            {
                "command": In(stream.Signature(p.command)),
                "a": In(p.operands),
                "b": In(p.operands),
                "taken": Out(1),
                "taken_count": Out(counts),
                "results": Out(p.results),
                "results_count": Out(counts),
                "done": Out(1),
            }
        )
        self.operation = Signal(OPERATION_BITS)
        self.busy = Signal()
        self.begins = Signal()
        self.left = Signal(p.elements_bits)
        self.wait = Signal(p.wait_bits)
        self.stages = [Stage(p, f"stage{i}") for i in range(p.latency - 1)]
        self.so_far = Signal(p.results)
        names = ("operation", "busy", "begins", "left", "wait", "so_far")
        self.registers: dict[str, ValueLike] = {name: getattr(self, name) for name in names}
        for stage in self.stages:
            self.registers |= stage.registers
        for name in ("results", "results_count", "done"):
            self.registers[name] = getattr(self, name)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        m.submodules.lanes = lanes = Lanes(p)
        group = Stage(p, "group")
        m.d.comb += [
            group.valid.eq(self.busy & (self.wait == 0)),
            group.last.eq(self.left <= p.lanes),
            self.taken.eq(group.valid),
        ]
        with m.If(group.valid):
            m.d.comb += self.taken_count.eq(Mux(group.last, self.left, p.lanes))
        self._control(m, group)
        reduces = Signal()
        m.d.comb += [
            reduces.eq((self.operation == SUM) | (self.operation == LARGEST)),
            lanes.operation.eq(self.operation),
            lanes.a.eq(self.a),
            lanes.b.eq(self.b),
            lanes.count.eq(self.taken_count),
            lanes.so_far.eq(self.so_far),
            lanes.first.eq(self.begins),
            # Of a reduction the last group alone goes on, as one number.
            group.count.eq(Mux(reduces, group.last, self.taken_count)),
            group.numbers.eq(lanes.results),
        ]
        with m.If(reduces):
            m.d.comb += group.numbers[0].eq(lanes.root)
        with m.If(group.valid & reduces):
            m.d.sync += self.so_far.eq(lanes.results)
        arriving = self._carry(m, group)
        m.d.sync += [
            self.done.eq(arriving.valid & arriving.last),
            self.results_count.eq(Mux(arriving.valid, arriving.count, 0)),
        ]
        for i in range(p.lanes):
            with m.If(arriving.valid & (i < arriving.count)):
                m.d.sync += self.results[i].eq(arriving.numbers[i])
        return m

    def _control(self, m: Module, group: Stage) -> None:
        """Groups and their cycles; the next command."""
        interval, latency = (self._by_operation(m, name) for name in ("interval", "latency"))
        with m.If(group.valid):
            m.d.sync += [
                self.busy.eq(~group.last),
                self.begins.eq(0),
                self.left.eq(self.left - self.taken_count),
                self.wait.eq(Mux(group.last, latency - 1, interval - 1)),
            ]
        with m.Elif(self.wait != 0):
            m.d.sync += self.wait.eq(self.wait - 1)
        ends = group.valid & group.last & (latency == 1)
        m.d.comb += self.command.ready.eq(ends | (~self.busy & (self.wait <= 1)))
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += [
                self.operation.eq(self.command.payload.operation),
                self.busy.eq(1),
                self.begins.eq(1),
                self.left.eq(self.command.payload.elements),
                self.wait.eq(0),
            ]

    def _carry(self, m: Module, group: Stage) -> Stage:
        """Move groups from stage to stage; returns what arrives behind the last one.

        A group enters as many stages before the end as its operation takes. The operation does not
        change while groups are on their way.
        """
        p = self.parameters
        latencies = {timing.latency_cycles for timing in p.timings}
        latency = self._by_operation(m, "latency")
        for i in range(p.latency):
            given = Stage(p, f"given{i}")
            if i > 0:
                m.d.comb += given.takes(self.stages[i - 1])
            if p.latency - i in latencies:
                with m.If(latency == p.latency - i):
                    m.d.comb += given.takes(group)
            if i < len(self.stages):
                self._move(m, given, self.stages[i])
        return given

    def _move(self, m: Module, given: Stage, stage: Stage) -> None:
        m.d.sync += [getattr(stage, part).eq(getattr(given, part)) for part in Stage.FLAGS]
        for i in range(self.parameters.lanes):
            with m.If(given.valid & (i < given.count)):
                m.d.sync += stage.numbers[i].eq(given.numbers[i])

    def _by_operation(self, m: Module, name: str) -> Signal:
        """Interval or latency of the operation, in cycles."""
        cycles = [getattr(timing, f"{name}_cycles") for timing in self.parameters.timings]
        chosen = Signal(range(max(cycles) + 1), name=name, init=cycles[ADD])
        with m.Switch(self.operation):
            for code, value in enumerate(cycles):
                with m.Case(code):
                    m.d.comb += chosen.eq(value)
        return chosen
