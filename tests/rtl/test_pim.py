"""MAC units of a PIM: hardware and model alike in every register, and what both compute."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Cat, Module, Value
from amaranth.sim import Simulator
from float_cases import TYPES, bits_of
from twin_checks import OTHER_SIMULATORS, check_cuts, check_equal, check_fields, check_registers

from arch.errors import InputError
from arch.pim.command_set import MacUnit as MacSpec
from arch.pim.system import Pim, load_pim
from rtl.float import rounder
from rtl.lockstep.pim import PimTwin, pim_twin
from rtl.lockstep.pim_unit import MacUnitTwin
from rtl.lockstep.run import cosim
from rtl.pim import MacChannel, MacUnit
from rtl.pim.parameters import OPERATIONS, Parameters
from rtl.pim.sequencer import Sequencer
from rtl.wrapper import Wrapper
from sim.cli.hardware import load_built


def parameters(
    lanes: int, form: str, accumulators: int, *sizes: int, levels_per_stage: int = 1
) -> Parameters:
    """Sizes are banks, columns of the buffer, of a row."""
    mac = MacSpec.model_validate(
        {
            "lanes": lanes,
            "operand_format": form,
            "accumulator_format": "fp32",
            "accumulators": accumulators,
        }
    )
    return Parameters(mac, *sizes, levels_per_stage=levels_per_stage)


CHANNELS = {
    "one_thread": parameters(2, "bf16", 1, 1, 2, 2),
    "three_threads": parameters(4, "fp16", 3, 3, 8, 40),
    "two_levels_a_stage": parameters(8, "bf16", 2, 1, 64, 64, levels_per_stage=2),
}
TINY = CHANNELS["one_thread"]
TWO_THREADS = parameters(4, "bf16", 2)
ONE_BANK = parameters(2, "bf16", 1, 1, 8, 8)
"""For faults in the hardware, which is built anew for each."""
each = pytest.mark.parametrize("name", CHANNELS)


@each
def test_hardware_and_model_agree_in_every_register(name: str) -> None:
    outcome = check_equal(PimTwin(CHANNELS[name]), seed=7, cycles=60_000)
    assert outcome.useful_cycles > 50_000
    assert all(outcome.coverage.values()), outcome.coverage


@each
def test_a_unit_alone_agrees(name: str) -> None:
    outcome = check_equal(MacUnitTwin(CHANNELS[name]), seed=7, cycles=30_000)
    assert all(outcome.coverage.values()), outcome.coverage


@pytest.mark.parametrize("simulator", OTHER_SIMULATORS)
def test_simulators_agree(simulator: str) -> None:
    check_equal(PimTwin(TINY), seed=3, cycles=1500, simulator=simulator)


@each
@pytest.mark.parametrize("component", [MacChannel, MacUnit])
def test_every_flip_flop_is_a_register(component: Any, name: str) -> None:
    check_registers(Wrapper(component(CHANNELS[name])))


@pytest.mark.parametrize("twin", [PimTwin, MacUnitTwin])
@each
def test_fields_are_those_of_the_model(name: str, twin: Any) -> None:
    built = twin(CHANNELS[name])
    check_fields(built, Wrapper(built.component))


@pytest.mark.parametrize("twin", [PimTwin, MacUnitTwin])
def test_traffic_does_not_depend_on_how_it_is_cut(twin: Any) -> None:
    check_cuts(twin(CHANNELS["three_threads"]), (1, 255, 256, 44, 1444))


class Truncating(MacUnit):
    """Results lose digits without rounding."""

    def _read(self, m: Module) -> None:
        super()._read(m)
        with m.If(self.read_valid & (self.read_thread == 0) & ~self.accumulators[0][30]):
            m.d.sync += self.result.eq(self.accumulators[0][16:])


class WrongThread(MacUnit):
    """A column goes to the thread of the one behind it."""

    def _accumulate(self, m: Module, token: Value, column_sum: Value) -> None:
        mixed = Cat(Value.cast(token)[:3], self.tokens[0].thread)
        super()._accumulate(m, type(token)(token.shape(), mixed), column_sum)


class Forgetful(MacUnit):
    """A clear that comes with a column is not seen."""

    def _accumulate(self, m: Module, token: Value, column_sum: Value) -> None:
        bits = Value.cast(token)
        super()._accumulate(
            m, type(token)(token.shape(), Cat(bits[0], bits[1] & ~bits[0], bits[2:])), column_sum
        )


class Late(Sequencer):
    """Once in a while a gap is a cycle longer."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        sends = (self.left > 1) & (self.wait == 0) & (self.gap == 1)
        with m.If(sends & (self.next_buffer == 5)):
            m.d.sync += self.wait.eq(2)
        return m


class Bubble(Sequencer):
    """A run does not follow another at once."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.command.ready.eq((self.left == 0) & (self.wait <= 1))
        return m


class Transparent(Sequencer):
    """A column that is read as it is written is the new one."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        given = self.command.payload
        same = given.buffer_column == self.next_buffer
        writes = self.command.valid & self.command.ready & (given.operation == 0)
        with m.If(writes & same & (self.left == 1)):
            m.d.sync += self.factors.eq(given.data)
        return m


@pytest.mark.parametrize("fault", [WrongThread, Truncating, Forgetful])
def test_a_wrong_unit_is_found(fault: type[MacUnit]) -> None:
    """Alone, as the sequencer never asks for a column and a clear."""
    wrong = Wrapper(fault(TWO_THREADS))
    outcome = cosim(MacUnitTwin(TWO_THREADS), seed=1, cycles=5000, wrapper=wrong)
    assert outcome.mismatch is not None


@pytest.mark.parametrize("fault", [Late, Bubble, Transparent])
def test_a_wrong_sequencer_is_found(
    fault: type[Sequencer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtl.pim.channel.Sequencer", fault)
    assert cosim(PimTwin(ONE_BANK), seed=1, cycles=60_000).mismatch is not None


def without_sticky(m: Module, bits: Value, amount: Value, name: str) -> Value:
    return (bits >> amount)[: len(bits)]


def ties_away(m: Module, target: Any, sign: Value, exponent: Value, rest: Value, **k: Any) -> Value:
    up = Cat(rest[0] | rest.any(), rest[1:])
    return rounder.rounded(m, target, sign, exponent, up, **k)


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ("adder.shifted_right", without_sticky),
        ("adder.rounded", ties_away),
        ("convert.rounded", ties_away),
    ],
)
def test_wrong_arithmetic_is_found(
    where: str, fault: Callable[..., Value], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"rtl.float.{where}", fault)
    # Ties are seldom.
    twin = MacUnitTwin(CHANNELS["three_threads"])
    assert cosim(twin, seed=1, cycles=300_000).mismatch is not None


def column_sum(row: Any, factors: Any) -> np.float32:
    """Products of two columns, added in pairs."""
    with np.errstate(all="ignore"):
        sums = row.astype(np.float32) * factors.astype(np.float32)
        while len(sums) > 1:
            sums = sums[0::2] + sums[1::2]
    return np.float32(sums[0])


def matrix_times_vector(matrix: Any, vector: Any, lanes: int, form: str) -> Any:
    """In the order of the hardware; [row]"""
    results = []
    for row in matrix:
        total = np.float32(0)
        for at in range(0, len(vector), lanes):
            with np.errstate(all="ignore"):
                total = total + column_sum(row[at : at + lanes], vector[at : at + lanes])
        results.append(total)
    return np.array(results, np.float32).astype(TYPES[form])


def commands_of(
    p: Parameters, factors: Any, form: str, gap: int
) -> Iterator[dict[str, int | list[int]]]:
    """Fill the buffer, begin anew, all columns, read: into the last thread, of all banks."""
    everyone, thread = (1 << p.banks) - 1, p.accumulators - 1
    plain: dict[str, int | list[int]] = {"banks": everyone, "thread": thread, "gap": gap}
    columns = len(factors) // p.lanes
    for i in range(columns):
        lanes = bits_of(factors[i * p.lanes : (i + 1) * p.lanes], form).tolist()
        yield {"operation": OPERATIONS.index("write"), "buffer_column": i, "data": lanes}
    yield plain | {"operation": OPERATIONS.index("clear")}
    yield plain | {"operation": OPERATIONS.index("mac"), "count": columns, "row_column": 1}
    yield plain | {"operation": OPERATIONS.index("read")}


@pytest.mark.parametrize(("form", "gap"), [("bf16", 1), ("fp16", 0)])
@pytest.mark.parametrize("elements", [16, 22])
def test_a_matrix_times_a_vector(form: str, gap: int, elements: int) -> None:
    """Row i in bank i, from column 1 on; what fills the last column is 0."""
    p = parameters(4, form, 2, 3, 8, 8)
    random = np.random.default_rng(elements)
    padded = -(-elements // p.lanes) * p.lanes
    matrix, vector = np.zeros((p.banks, padded), TYPES[form]), np.zeros(padded, TYPES[form])
    matrix[:, :elements] = random.standard_normal((p.banks, elements)).astype(TYPES[form])
    vector[:elements] = random.standard_normal(elements).astype(TYPES[form])
    rows = bits_of(matrix, form).reshape(p.banks, -1, p.lanes)
    channel = MacChannel(p)
    seen: dict[int, list[int]] = {}
    columns: list[int] = []

    async def bench(ctx: Any) -> None:
        left = list(commands_of(p, vector, form, gap))
        for cycle in range(100):
            ctx.set(channel.command.valid, bool(left))
            if left:
                ctx.set(channel.command.payload, left[0])
            if ctx.get(channel.columns):
                columns.append(cycle)
                at = ctx.get(channel.row_column) - 1
                ctx.set(channel.rows, rows[:, at].tolist())
            if ctx.get(channel.result_valid):
                seen[cycle] = [ctx.get(channel.results[i]) for i in range(p.banks)]
            if left and ctx.get(channel.command.ready):
                left.pop(0)
            await ctx.tick()

    simulator = Simulator(channel)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    expected = bits_of(matrix_times_vector(matrix, vector, p.lanes, form), form)
    assert list(seen.values()) == [expected.tolist()]
    # One a gap, and the read as long after the last as that would be.
    assert np.diff(columns).tolist() == [1 + gap] * (padded // p.lanes - 1)
    assert list(seen) == [columns[-1] + 1 + gap + p.latency]


def test_latency_is_from_a_read_to_its_result() -> None:
    for name, cycles in (("one_thread", 4), ("three_threads", 5), ("two_levels_a_stage", 5)):
        assert CHANNELS[name].latency == cycles
        batch = MacUnitTwin(CHANNELS[name]).traffic(2).next(2000)
        read, came = batch.stim[:, 2] & ~batch.rst, batch.resp[:, 1]
        resets = [batch.rst[i : i + cycles].any() for i in range(len(read) - cycles)]
        expected = np.where(resets, 0, batch.stim[: len(resets), 2])
        np.testing.assert_array_equal(came[cycles:], expected)
        assert read.any()


def test_a_pim_has_a_twin() -> None:
    twin = pim_twin(load_pim("aim"))
    p = twin.parameters
    assert (p.lanes, p.operand.name, p.accumulators, p.banks) == (16, "bf16", 2, 16)
    assert (p.buffer_columns, p.row_columns) == (64, 64)
    assert twin.traffic(0).next(20).resp.shape[0] == 20


@pytest.mark.parametrize("unit", ["pim", "vector"])
def test_the_command_line_takes_a_pim(unit: str) -> None:
    built = load_built("aim", unit, ["channels=2"])
    assert isinstance(built, Pim)
    assert built.channels == 2


@pytest.mark.parametrize(
    ("changed", "sizes", "message"),
    [
        ({"lanes": 12}, (1,), r"mac\.lanes: hardware needs a power of two from 2 to 32, not 12"),
        ({"lanes": 64}, (1,), "not 64"),
        ({"accumulators": 9}, (1,), r"mac\.accumulators: hardware needs 8 at most, not 9"),
        ({"operand_format": "fp32"}, (1,), r"mac\.operand_format: .* bf16 or fp16, not 'fp32'"),
        ({"accumulator_format": "fp16"}, (1,), "accumulator_format: hardware needs fp32, not"),
        ({}, (17,), "banks: hardware needs 1 to 16, not 17"),
        ({}, (1, 48), "global_buffer_columns: hardware needs a power of two from 2 to 1024, not 4"),
        ({}, (1, 64, 1), "row_columns: must be 2 to 1024, not 1"),
    ],
)
def test_what_is_not_built_is_refused(
    changed: dict[str, Any], sizes: tuple[int, ...], message: str
) -> None:
    plain = {"lanes": 16, "operand_format": "bf16", "accumulator_format": "fp32", "accumulators": 2}
    with pytest.raises(InputError, match=message):
        Parameters(MacSpec.model_validate({**plain, **changed}), *sizes)


def test_levels_of_the_tree() -> None:
    assert parameters(16, "bf16", 2).sums == (8, 4, 2, 1)
    assert parameters(32, "bf16", 2, levels_per_stage=2).sums == (8, 2, 1)
    assert parameters(8, "fp16", 1, levels_per_stage=3).sums == (1,)
    with pytest.raises(InputError, match="levels_per_stage: must be 1 to 3, the levels of the"):
        parameters(8, "fp16", 1, levels_per_stage=4)
