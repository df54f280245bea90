"""Generated arrays against the model: every register and output, every cycle."""

from itertools import combinations, product

import pytest
from amaranth.hdl import Value
from covering import OPTIONS, array_of, covering_choices
from twin_checks import OTHER_SIMULATORS

from arch.array import Array
from arch.errors import InputError
from arch.mac.formats import FORMAT_BITS
from rtl.array import SystolicArray
from rtl.array.parameters import Parameters
from rtl.array.systolic import EXTENT_BITS
from rtl.lockstep.array import ArrayTwin
from rtl.lockstep.pairs import Choice, pairs_in
from rtl.lockstep.run import cosim
from rtl.verilog import flip_flops
from rtl.wrapper import TOP, Wrapper
from sim.array.registers import Layout

CHOICES = covering_choices()
CYCLES = 60_000
"""A run; all runs together take more than a million."""


def test_every_pair_occurs() -> None:
    found = set().union(*(pairs_in(OPTIONS, choice) for choice in CHOICES))
    for a, b in combinations(OPTIONS, 2):
        for x, y in product(OPTIONS[a], OPTIONS[b]):
            assert (a, x, b, y) in found


def test_a_million_cycles() -> None:
    assert len(CHOICES) * CYCLES >= 1_000_000


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: "-".join(map(str, choice.values())))
def test_hardware_equals_model(choice: Choice) -> None:
    array = array_of(choice)
    outcome = cosim(ArrayTwin(array), seed=1, cycles=CYCLES)
    assert outcome.mismatch is None, outcome.mismatch
    assert outcome.useful_cycles > CYCLES // 2
    assert outcome.coverage["shapes"] >= 100
    missing = {name for name, count in outcome.coverage.items() if count == 0}
    assert missing <= cannot_happen(array)


@pytest.mark.validates("array.drain=preloaded", by="hardware")
@pytest.mark.parametrize(
    ("dataflow", "load", "edges"),
    [("ws", "serial", "full"), ("ws", "overlapped", "clipped"), ("is", "overlapped", "full")],
)
def test_preloaded_folds(dataflow: str, load: str, edges: str) -> None:
    latency = 1 if load == "serial" else 3
    options = {"dataflow": dataflow, "weight_load": load, "edge_folds": edges}
    array = Array.model_validate(
        {"rows": 4, "cols": 3, "drain": "preloaded", "pe_latency_cycles": latency} | options
    )
    outcome = cosim(ArrayTwin(array), seed=4, cycles=10_000)
    assert outcome.mismatch is None, outcome.mismatch
    assert outcome.useful_cycles > 5_000


def cannot_happen(array: Array) -> set[str]:
    """Events that an array has no way to, or too rarely for so short a run."""
    product_bits = 2 * FORMAT_BITS[array.operand_format]
    sums_fit = product_bits < FORMAT_BITS[array.accumulator_format]
    events = {"cycles with an overflow"} if sums_fit else set()
    for edge, possible in {
        "edge rows": array.rows > 1,
        "edge columns": array.cols > 1,
        "edge corner": array.rows > 1 and array.cols > 1,
    }.items():
        if not possible:
            events |= {f"folds: {edge}"}
            events |= {f"stall of {name}: {edge}" for name in ("top", "left", "partial", "output")}
    if array.drain == "serial":
        events.add("swaps while draining")
    if array.accumulator_rows:
        # Partial sums pass the streams only where a fold streams more vectors.
        events |= {"partial sums in", "partial sums out"}
        events |= {
            f"stall of partial: {edge}"
            for edge in ("full fold", "edge rows", "edge columns", "edge corner")
        }
    return events


@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_eight_by_eight(dataflow: str) -> None:
    """Those of 16 x 16 are in the campaign: they take half a minute to build."""
    array = Array(rows=8, cols=8, dataflow=dataflow, accumulator_rows=16)
    outcome = cosim(ArrayTwin(array), seed=2, cycles=10_000)
    assert outcome.mismatch is None, outcome.mismatch


@pytest.mark.parametrize("dataflow", ["ws", "os"])
@pytest.mark.parametrize("simulator", ["verilator", *OTHER_SIMULATORS])
def test_under_cocotb(simulator: str, dataflow: str) -> None:
    array = Array(rows=3, cols=2, dataflow=dataflow, pe_latency_cycles=2, accumulator_rows=4)
    outcome = cosim(ArrayTwin(array), seed=3, cycles=5000, simulator=simulator)
    assert outcome.mismatch is None, outcome.mismatch
    assert outcome.cycles == 5000


class WrongSystolicArray(SystolicArray):
    """Takes a fold that streams exactly as many vectors as there are accumulators for too long."""

    def __init__(self, array: Array) -> None:
        super().__init__(array)
        self.leave.parameters.accumulator_rows -= 1


@pytest.mark.parametrize("simulator", ["batch", "verilator"])
def test_planted_fault(simulator: str) -> None:
    array = Array(rows=2, cols=2, dataflow="ws", accumulator_rows=3)
    wrapper = Wrapper(WrongSystolicArray(array))
    outcome = cosim(ArrayTwin(array), 5, 5000, simulator=simulator, wrapper=wrapper)
    assert outcome.mismatch is not None
    assert outcome.mismatch.differing[0][0].name.startswith("leave.")
    assert outcome.mismatch.cycle == first_bad_cycle_of_the_fault()


def first_bad_cycle_of_the_fault() -> int:
    array = Array(rows=2, cols=2, dataflow="ws", accumulator_rows=3)
    outcome = cosim(ArrayTwin(array), 5, 5000, wrapper=Wrapper(WrongSystolicArray(array)))
    assert outcome.mismatch is not None
    return outcome.mismatch.cycle


@pytest.mark.parametrize("choice", CHOICES[:6], ids=lambda choice: str(choice["dataflow"]))
def test_every_flip_flop_is_compared(choice: Choice) -> None:
    array = array_of(choice)
    component = SystolicArray(array)
    wrapper = Wrapper(component)
    listed = sum(len(Value.cast(register)) for register in component.registers.values())
    assert flip_flops(wrapper, TOP, wrapper.ports) == listed
    layout = Layout(array, 16)
    ours = [(f.name, f.width, f.signed) for f in (*layout.outputs, *layout.registers)]
    assert [(f.name, f.width, f.signed) for f in wrapper.resp_fields] == ours
    ours = [(f.name, f.width, f.signed) for f in layout.stimuli]
    assert [(f.name, f.width, f.signed) for f in wrapper.stim_fields] == ours


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"operand_format": "bf16"}, r"array\.operand_format: hardware needs an integer format"),
        ({"accumulator_format": "fp32"}, r"array\.accumulator_format: hardware needs an integer"),
        (
            {"operand_format": "int16", "accumulator_format": "int8"},
            "no narrower than operand_format 'int16', not 'int8'",
        ),
        (
            {"convention": "scalesim", "weight_load": "serial", "drain": "serial"}
            | {"edge_folds": "full"},
            "hardware needs 'physical', not 'scalesim'",
        ),
        ({"copies": 2}, r"array\.copies: hardware is one grid; must be 1, not 2"),
        ({"empty_load_cycles": 9}, r"hardware loads a row a cycle; leave it out, not 9"),
        ({"rows": 512}, r"array\.rows: hardware needs 256 at most, not 512"),
        (
            {"accumulator_format": "int64", "accumulator_overflow": "saturate"},
            "must be 'wrap' with accumulator_format 'int64', not 'saturate'",
        ),
    ],
)
def test_what_has_no_hardware(fields: dict[str, object], message: str) -> None:
    options: dict[str, object] = {"rows": 2, "cols": 2, "dataflow": "ws"}
    with pytest.raises(InputError, match=message):
        Parameters(Array.model_validate(options | fields), EXTENT_BITS)
