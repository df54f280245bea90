"""Generated arrays of SIMD engines against the model: every register and output, every cycle."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Cat, Module, Mux, Signal, Value
from engine_gemm import ODOMETRY, RESNET_50, Run, feed, timing_cycles, works_of

import rtl.mac.simd_mac
from arch.array import Array
from arch.mac.engine import Engine
from rtl.array import SystolicArray
from rtl.array.engine_pe import EnginePe
from rtl.array.systolic import EXTENT_BITS
from rtl.lockstep.array import ArrayTraffic, ArrayTwin
from rtl.lockstep.campaign_engines import ENGINES, SHAPES, engine_builds, modes
from rtl.lockstep.run import cosim
from rtl.lockstep.twin import Batch
from rtl.verilog import flip_flops
from rtl.wrapper import TOP, Wrapper
from sim.array.registers import Layout, Registers

pytestmark = pytest.mark.compiled

SMALL = Engine(word_bits=8, modes=modes("posit8_0", "fp4_e2m1"))
ARRAYS = {
    "4x4 small": Array(rows=4, cols=4, dataflow="os", engine=SMALL, pe_latency_cycles=3),
    "2x2 quire": Array(rows=2, cols=2, dataflow="os", engine=Engine()),
    "1x3 chained": Array(
        rows=1, cols=3, dataflow="os", engine=ENGINES["chained posit16_1"], drain="serial",
        pe_latency_cycles=2, edge_folds="full",
    ),
}  # fmt: skip
"""Arrays of 4 x 4 of the large engines are in the campaign: they take half a minute to build."""
CYCLES = 20_000


class LayersTwin(ArrayTwin):
    """Layers one after the other, then a reset and random work."""

    def __init__(self, array: Array, run: Run) -> None:
        super().__init__(array)
        self._run = run

    def traffic(self, seed: int) -> "LayersTraffic":  # type: ignore[override]
        return LayersTraffic(self.array, self._run, super().traffic(seed))


class LayersTraffic:
    def __init__(self, array: Array, run: Run, random: ArrayTraffic) -> None:
        self._model, self._stimuli, self._random = Registers(array), run.stimuli, random

    @property
    def coverage(self) -> dict[str, int]:
        return self._random.coverage

    @property
    def useful_cycles(self) -> int:
        return self._random.useful_cycles

    def next(self, cycles: int) -> Batch:
        given, self._stimuli = self._stimuli[:cycles], self._stimuli[cycles:]
        if not len(given):
            return self._random.next(cycles)
        resets = np.zeros(len(given), np.uint8)
        resets[-1] = not len(self._stimuli)
        first = Batch(given, resets, self._model.advance(given, resets))
        if len(given) == cycles:
            return first
        rest = self._random.next(cycles - len(given))
        width = self._model.visible
        return Batch(
            np.concatenate([first.stim, rest.stim]),
            np.concatenate([first.rst, rest.rst]),
            np.concatenate([first.resp, rest.resp[:, :width]]),
        )


@pytest.mark.parametrize("name", ARRAYS)
def test_hardware_equals_model(name: str) -> None:
    """Under layers in all modes, which switch from layer to layer, and under random work. The
    layers' results are those of Fractions, their cycles those of the timing kernel."""
    array = ARRAYS[name]
    assert array.engine is not None
    layers = ODOMETRY if array.engine.chain_format else RESNET_50
    firsts = range(len(array.engine.modes))
    works = [work for first in firsts for work in works_of(layers, array.engine, first)]
    run = feed(array, works, 1)
    assert run.outputs == [work.expected(array.engine) for work in works]
    assert run.beats == timing_cycles(array, works)
    cycles = len(run.stimuli) + CYCLES
    outcome = cosim(LayersTwin(array, run), seed=1, cycles=cycles)
    assert outcome.mismatch is None, outcome.mismatch
    assert outcome.useful_cycles > CYCLES // 2
    missing = {event for event, count in outcome.coverage.items() if count == 0}
    serial = {"swaps while draining", "vectors out in another mode than streams"}
    allowed = serial if array.drain == "serial" else set()
    if array.rows == 1:
        allowed |= {event for event in missing if event.endswith(("edge rows", "edge corner"))}
    assert missing <= allowed


class TapOfTheWrongFold(SystolicArray):
    """Results are rounded in the mode of the fold that streams, not of the one that leaves."""

    def _leave(self, m: Module) -> None:
        super()._leave(m)
        m.d.comb += self.grid.leave.mode.eq(self.controller.stream_fold.mode)


def lost_carry(
    m: Module, engine: Engine, first: Value, total: Value, product: Value, mode: Value
) -> Value:
    """The sum without the carry from its lowest limb into the next."""
    bits, start = engine.quire_bits, Signal(engine.sum_bits)
    m.d.comb += start.eq(Mux(first, 0, total))
    wide = Signal(bits)
    m.d.comb += wide.eq(product[: len(product) - engine.special_bits].as_signed())
    low = (start[:32] + wide[:32])[:32]
    high = (start[32:bits] + wide[32:])[: bits - 32]
    return Cat(low, high, start[bits:] | product[len(product) - engine.special_bits :])


def faulty(fault: Callable[[EnginePe], Any]) -> Callable[..., Module]:
    """The PE's hardware with one more statement, which counts."""
    elaborate = EnginePe.elaborate

    def changed(self: EnginePe, platform: object) -> Module:
        m = elaborate(self, platform)
        m.d.comb += fault(self)
        return m

    return changed


def swapped_lanes(pe: EnginePe) -> Any:
    return pe.mac.left.eq(Cat(pe.left_in[4:], pe.left_in[:4]))


def never_holds(pe: EnginePe) -> Any:
    return pe.mac.hold.eq(0)


FAULTS = {"tap": "output.", "lanes": "grid.sum.", "carry": "grid.sum.", "hold": "grid.sum."}
"""With the registers in which each is seen first."""


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"rows": 2, "cols": 1, "dataflow": "os", "engine": SMALL}
    made = SystolicArray
    if fault == "tap":
        made = TapOfTheWrongFold
    elif fault == "lanes":
        monkeypatch.setattr(EnginePe, "elaborate", faulty(swapped_lanes))
    elif fault == "carry":
        monkeypatch.setattr(rtl.mac.simd_mac, "accumulate", lost_carry)
    else:
        options |= {"engine": ENGINES["chained fp8"], "drain": "serial"}
        monkeypatch.setattr(EnginePe, "elaborate", faulty(never_holds))
    array = Array(**options)
    outcome = cosim(ArrayTwin(array), 5, CYCLES, wrapper=Wrapper(made(array)))
    assert outcome.mismatch is not None
    assert outcome.mismatch.differing[0][0].name.startswith(FAULTS[fault])


@pytest.mark.parametrize("name", ["1x3 chained", "4x4 small"])
def test_every_flip_flop_is_compared(name: str) -> None:
    array = ARRAYS[name].model_copy(update={"rows": 1, "cols": 2})
    component = SystolicArray(array)
    wrapper = Wrapper(component)
    listed = sum(len(Value.cast(register)) for register in component.registers.values())
    assert flip_flops(wrapper, TOP, wrapper.ports) == listed
    layout = Layout(array, EXTENT_BITS)
    ours = [(f.name, f.width, f.signed) for f in (*layout.outputs, *layout.registers)]
    assert [(f.name, f.width, f.signed) for f in wrapper.resp_fields] == ours
    ours = [(f.name, f.width, f.signed) for f in layout.stimuli]
    assert [(f.name, f.width, f.signed) for f in wrapper.stim_fields] == ours


def test_the_campaign_has_every_engine_and_shape() -> None:
    builds = [build.parameters for build in engine_builds(16, 1)]
    assert {build["name"] for build in builds} == set(ENGINES)
    assert {(b["mac_array"]["rows"], b["mac_array"]["cols"]) for b in builds} == set(SHAPES)
