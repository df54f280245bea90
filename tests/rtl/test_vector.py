"""The vector unit's datapath: hardware and model alike in every register, times and values."""

import re
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Cat, Module, Value
from amaranth.sim import Simulator
from float_cases import Bits, largest_of, product_of, random_pairs, sum_of
from scenarios import machine_fields, machine_of
from twin_checks import OTHER_SIMULATORS, check_cuts, check_equal, check_fields, check_registers
from typer.testing import CliRunner

from arch.commands import COMMAND, OP_VECTOR, QUEUE_VECTOR, TENSOR, CommandTrace
from arch.errors import InputError
from arch.load import load_machine
from arch.pim.system import load_pim
from arch.vector import VECTOR_OPS, Vector
from rtl.float import rounder
from rtl.lockstep.run import cosim
from rtl.lockstep.vector import VectorTwin, vector_twin
from rtl.vector import VectorDatapath
from rtl.vector.lanes import Lanes
from rtl.vector.parameters import OPERATIONS, Parameters
from rtl.wrapper import Wrapper
from sim.cli import app
from sim.system import System


def vector(lanes: int, **cycles: tuple[int, int]) -> Vector:
    """Operations with their interval and latency."""
    timings = {
        op: {"interval_cycles": interval, "latency_cycles": latency}
        for op, (interval, latency) in cycles.items()
    }
    return Vector.model_validate({"lanes": lanes, "operations": timings})


UNITS = {
    "one_lane": Parameters(vector(1), elements_bits=4),
    "halves": Parameters(vector(2, add=(2, 3), sum=(1, 4)), "bf16"),
    "fp16": Parameters(vector(8, sum=(3, 2), max=(1, 5), mul=(2, 6)), "fp16"),
    "longer_apart": Parameters(vector(4, max=(5, 1), sum=(1, 2)), elements_bits=3),
}
each = pytest.mark.parametrize("name", UNITS)


@pytest.mark.validates("vector.lanes", "vector.operations", by="hardware")
@each
def test_hardware_and_model_agree_in_every_register(name: str) -> None:
    outcome = check_equal(VectorTwin(UNITS[name]), seed=7, cycles=60_000)
    assert outcome.useful_cycles > 45_000
    assert all(outcome.coverage.values()), outcome.coverage


@pytest.mark.parametrize("simulator", OTHER_SIMULATORS)
def test_simulators_agree(simulator: str) -> None:
    check_equal(VectorTwin(UNITS["one_lane"]), seed=3, cycles=1500, simulator=simulator)


@each
def test_every_flip_flop_is_a_register(name: str) -> None:
    check_registers(Wrapper(VectorDatapath(UNITS[name])))


@each
def test_fields_are_those_of_the_model(name: str) -> None:
    twin = VectorTwin(UNITS[name])
    check_fields(twin, Wrapper(twin.component))


def test_traffic_does_not_depend_on_how_it_is_cut() -> None:
    check_cuts(VectorTwin(UNITS["halves"]), (1, 255, 256, 44, 1444))


class Unmasked(Lanes):
    """In a reduction the last lane's element counts although it has none."""

    def elaborate(self, platform: object) -> Module:
        lanes = self.parameters.lanes
        full = self.count == lanes - 1
        self.count = Cat(*(bit & ~full for bit in self.count[:-1]), self.count[-1] | full)
        return super().elaborate(platform)


class Interval(VectorDatapath):
    """A sum's interval is a cycle less."""

    def _by_operation(self, m: Module, name: str) -> Any:
        chosen = super()._by_operation(m, name)
        return chosen - ((name == "interval") & (self.operation == 3))


class Forgetful(VectorDatapath):
    """A reduction goes on with the result of the one before."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += m.submodules["lanes"].first.eq(0)
        return m


@pytest.mark.parametrize(
    ("name", "where", "fault"),
    [
        ("halves", "rtl.vector.datapath.Lanes", Unmasked),
        ("fp16", "rtl.lockstep.vector.VectorDatapath", Interval),
        ("halves", "rtl.lockstep.vector.VectorDatapath", Forgetful),
    ],
)
def test_hardware_that_is_wrong_is_found(
    name: str, where: str, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, fault)
    assert cosim(VectorTwin(UNITS[name]), seed=1, cycles=20_000).mismatch is not None


def without_sticky(m: Module, bits: Value, amount: Value, name: str) -> Value:
    return (bits >> amount)[: len(bits)]


def ties_down(m: Module, target: Any, sign: Value, exponent: Value, rest: Value, **k: Any) -> Value:
    # A tie has its last bit there: what is less than it is rounded down.
    at = len(rest) - target.fraction_bits - 2
    tie = rest[-1] & rest[at] & ~rest[:at].any()
    return rounder.rounded(m, target, sign, exponent, rest ^ (tie << at), **k)


@pytest.mark.parametrize(
    ("where", "fault"),
    [("adder.shifted_right", without_sticky), ("multiplier.rounded", ties_down)],
)
def test_wrong_arithmetic_is_found(
    where: str, fault: Callable[..., Value], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"rtl.float.{where}", fault)
    assert cosim(VectorTwin(UNITS["longer_apart"]), 1, 60_000).mismatch is not None


@pytest.mark.parametrize("op", ["add", "mul", "max", "sum"])
@pytest.mark.parametrize("field", [0, 1])
def test_a_time_that_is_one_off_is_found(op: str, field: int) -> None:
    """The model of another unit against this one's hardware."""
    plain = {"add": (2, 3), "mul": (2, 3), "max": (2, 3), "sum": (2, 3)}
    moved = dict(plain)
    moved[op] = (plain[op][0] + (field == 0), plain[op][1] - (field == 1))
    right = Wrapper(VectorDatapath(Parameters(vector(2, **plain), "bf16")))
    twin = VectorTwin(Parameters(vector(2, **moved), "bf16"))
    assert cosim(twin, seed=1, cycles=3000, wrapper=right).mismatch is not None


def commands(random: Random, count: int, most: int) -> list[tuple[str, int]]:
    return [(random.choice(list(OPERATIONS)), random.randint(1, most)) for _ in range(count)]


class Run:
    """Commands one after the other in simulated hardware, offered at once.

    ``ends``: cycles from the first start to each ``done``; ``results``: numbers of each command.
    """

    def __init__(self, p: Parameters, given: list[tuple[str, int]], a: Bits, b: Bits) -> None:
        self.ends: list[int] = []
        self.results: list[list[int]] = []
        self.given, self.operands = given, [a.tolist(), b.tolist()]
        self.unit = VectorDatapath(p)
        simulator = Simulator(self.unit)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self._bench)
        simulator.run()

    async def _bench(self, ctx: Any) -> None:
        unit, lanes = self.unit, self.unit.parameters.lanes
        left, at, part = list(self.given), 0, []
        cycle = -1
        while len(self.ends) < len(self.given):
            ctx.set(unit.command.valid, bool(left))
            if left:
                code = list(OPERATIONS).index(left[0][0])
                ctx.set(unit.command.payload, {"operation": code, "elements": left[0][1]})
            for port, numbers_of in zip((unit.a, unit.b), self.operands, strict=True):
                ctx.set(port, (numbers_of[at : at + lanes] + [0] * lanes)[:lanes])
            at += ctx.get(unit.taken_count)
            part += [ctx.get(unit.results[i]) for i in range(ctx.get(unit.results_count))]
            if ctx.get(unit.done):
                self.ends.append(cycle)
                self.results.append(part)
                part = []
            if left and ctx.get(unit.command.ready):
                left.pop(0)
            await ctx.tick()
            cycle += 1


def simulated_ends(unit: Vector, given: list[tuple[str, int]]) -> list[int]:
    """Of the simulator's kernel: cycles from the first start to each end."""
    rows = np.zeros(len(given), COMMAND)
    rows["queue"], rows["opcode"], rows["tensor"] = QUEUE_VECTOR, OP_VECTOR, -1
    rows["vector_op"] = [VECTOR_OPS.index(OPERATIONS[op]) for op, _ in given]
    rows["elements"] = [elements for _, elements in given]
    fields = machine_fields(Random(1))
    fields["cores"] = 1
    fields["vector"] = unit.model_dump()
    system = System(machine_of(fields))
    system.load(CommandTrace(rows, np.zeros(0, np.int64), np.zeros(0, TENSOR), (), ("ops",)))
    system.advance()
    ends = system.state.runtime["end"] // system.ticks_of("core")
    return [int(end) for end in ends]


@pytest.mark.parametrize("seed", range(3))
def test_times_are_those_of_the_simulator(seed: int) -> None:
    random = Random(seed)
    cycles = {
        op: (random.randint(1, 4), random.randint(1, 9)) for op in ("add", "mul", "max", "sum")
    }
    unit = vector(2 ** random.randint(0, 2), **cycles)
    given = commands(random, 12, 20)
    total = sum(elements for _, elements in given)
    run = Run(Parameters(unit), given, np.zeros(total, np.int64), np.zeros(total, np.int64))
    assert run.ends == simulated_ends(unit, given)
    ends, end = [], 0
    for op, elements in given:
        interval, latency = cycles[OPERATIONS[op]]
        end += (-(-elements // unit.lanes) - 1) * interval + latency
        ends.append(end)
    assert run.ends == ends


def reduced(op: str, a: Bits, lanes: int) -> Bits:
    """Element i in lane i mod lanes, in order; then neighbours, and so on."""
    combine = sum_of if op == "sum" else largest_of
    parts = np.full(lanes, 0 if op == "sum" else 0xFF800000)
    for i in range(len(a)):
        lane = slice(i % lanes, i % lanes + 1)
        parts[lane] = combine(parts[lane], a[i : i + 1])
    while len(parts) > 1:
        parts = combine(parts[0::2], parts[1::2])
    return parts


def expected(op: str, a: Bits, b: Bits, lanes: int) -> list[int]:
    if op == "mul":
        return product_of(a, b, "fp32").tolist()
    if op in ("sum", "largest"):
        return reduced(op, a, lanes).tolist()
    return (sum_of if op == "add" else largest_of)(a, b).tolist()


@pytest.mark.parametrize("lanes", [1, 4])
def test_values_are_those_of_numpy(lanes: int) -> None:
    given = commands(Random(lanes), 40, 11)
    total = sum(elements for _, elements in given)
    a, b = random_pairs("fp32", total, lanes)
    # Numbers that do not all end in infinities and NaNs.
    a, b = ((v & ~(0xFF << 23)) | (120 + v % 11) << 23 for v in (a, b))
    a[::17], b[::13] = 0x80000000, 0x7F800000
    run = Run(Parameters(vector(lanes, sum=(1, 3))), given, a, b)
    at = 0
    for (op, elements), found in zip(given, run.results, strict=True):
        some = slice(at, at + elements)
        assert found == expected(op, a[some], b[some], lanes), (op, elements)
        at += elements


def test_a_machine_has_a_twin() -> None:
    twin = vector_twin(load_machine("gemmini_16"))
    assert twin.parameters.lanes == 16
    assert twin.traffic(0).next(20).resp.shape[0] == 20


def test_the_command_line() -> None:
    given = ["cosim", "gemmini_16", "--unit", "vector", "--cycles", "2000"]
    shown = CliRunner().invoke(app, [*given, "--set", "vector.lanes=2"])
    assert shown.exit_code == 0, shown.output
    assert "2,000 cycles compared in every register, all equal" in shown.stdout


@pytest.mark.parametrize("name", ["systolic_128", "tpu_v1"])
def test_what_hardware_cannot_be_is_said_with_what_to_set(name: str) -> None:
    with pytest.raises(InputError) as caught:
        vector_twin(load_machine(name))
    suggestion = re.search(r"vector\.\S+=\d+", str(caught.value))
    assert suggestion is not None
    vector_twin(load_machine(name, [suggestion[0]]))


def test_who_has_no_vector_unit_is_told() -> None:
    with pytest.raises(InputError, match="aim: asic: must be given"):
        vector_twin(load_pim("aim"))
    with pytest.raises(InputError, match="gemmini_16: vector: must be given"):
        vector_twin(load_machine("gemmini_16", ["vector=null"]))


@pytest.mark.parametrize(
    ("unit", "options", "message"),
    [
        (vector(12), {}, r"vector\.lanes: .* a power of two up to 64, not 12; vector\.lanes=8"),
        (vector(128), {}, r"not 128; vector\.lanes=64 would do"),
        (vector(2, mul=(1, 33)), {}, r"operations\.mul\.latency_cycles: .* 32 at most, not 33"),
        (vector(2), {"elements_bits": 0}, "elements_bits: must be 1 to 32, not 0"),
        (vector(2), {"operand_format": "int8"}, "bf16 or fp16 or fp32, not 'int8'"),
    ],
)
def test_parameters_without_hardware_are_refused(
    unit: Vector, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Parameters(unit, **options)
