"""The court: one array's recorded traffic, against which every mutant runs."""

import re
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from arch.array import Array
from arch.errors import SimulationError
from rtl.lockstep.array import ArrayTwin
from rtl.lockstep.library import Library, build
from rtl.lockstep.mutation.invariants import Watched
from rtl.lockstep.mutation.mac_invariants import WatchedEngines
from rtl.lockstep.packing import Bits, pack, word_count
from rtl.lockstep.twin import Batch
from rtl.verilog import rtlil_of
from rtl.wrapper import TOP
from rtl.yosys import run_yosys

EXTENT_BITS = 4
"""Of the extents of commands: no more than the traffic of small arrays makes use of."""
CYCLES = 50_000
"""Within which a mutant is to be found."""

CASES = {
    "ws overlapped": Array(
        rows=3, cols=3, dataflow="ws", operand_format="int8", accumulator_format="int16",
        accumulator_overflow="saturate", pe_latency_cycles=2, accumulator_rows=4,
    ),
    "ws serial": Array(
        rows=2, cols=5, dataflow="ws", operand_format="int4", accumulator_format="int16",
        weight_load="serial", pe_latency_cycles=3, accumulator_rows=0, edge_folds="full",
    ),
    "is serial drain": Array(
        rows=3, cols=2, dataflow="is", operand_format="int4", accumulator_format="int8",
        drain="serial", accumulator_rows=5,
    ),
    "os overlapped": Array(
        rows=4, cols=3, dataflow="os", operand_format="int4", accumulator_format="int8",
        pe_latency_cycles=3,
    ),
    "os serial": Array(
        rows=2, cols=4, dataflow="os", operand_format="int4", accumulator_format="int8",
        accumulator_overflow="saturate", weight_load="serial", drain="serial",
    ),
}  # fmt: skip
"""Small arrays that have every part between them."""


FLATTEN = ("proc", "flatten", "opt_expr", "opt_clean")


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant."""

    mutant: str
    """What was changed, and where."""
    killed_at: int | None
    """First cycle that differs; None if it lives."""
    change: str
    """What makes it, for the prover."""


class Judge:
    """The traffic of one array: stimuli, and what its unchanged model responds."""

    def __init__(self, array: Array, seed: int, cycles: int = CYCLES) -> None:
        self.twin = ArrayTwin(array, EXTENT_BITS)
        watched = WatchedEngines if array.engine else Watched
        self.wrapper: Watched = watched(self.twin.component)
        self.batch: Batch = self.twin.traffic(seed).next(cycles)
        self.flat = flattened(self.wrapper)
        self.stim: Bits = pack(self.batch.stim, self.wrapper.stim_fields)
        self.resp: Bits = pack(self.batch.resp, self.wrapper.resp_fields)

    @cached_property
    def hardware(self) -> Path:
        """The unchanged hardware, built. Raises SimulationError where its responses differ."""
        wrapper = self.wrapper
        path = build(wrapper.verilog, len(wrapper.stim), len(wrapper.resp))
        self.require_equal(path)
        return path

    @cached_property
    def state_cells(self) -> frozenset[str]:
        """Names of the cells that hold state, and of the ports of memories."""
        kinds = r"dff|aldff|memrd_v2|memwr_v2|meminit_v2"
        return frozenset(re.findall(rf"^  cell \$(?:{kinds}) (\S+)$", self.flat, re.MULTILINE))

    @property
    def rst(self) -> npt.NDArray[np.uint8]:
        """[cycle]"""
        return self.batch.rst

    def first_difference(self, path: Path, mutant: int = 0) -> int | None:
        """First cycle in which a built wrapper does not respond as the model does."""
        with Library(path, word_count(self.wrapper.resp_fields)) as library:
            # A mutant at a register's output takes the value that it starts with away.
            library.plain(np.ones(1, np.uint8), np.zeros_like(self.stim[:1]))
            library.mutate(mutant)
            found = library.run(self.rst, self.stim, self.resp)
        return None if found is None else found[0]

    def require_equal(self, path: Path) -> None:
        """Raise SimulationError where the hardware differs without a mutant."""
        cycle = self.first_difference(path)
        if cycle is not None:
            raise SimulationError(f"{self.twin.array}: differs in cycle {cycle} without a mutant")


def flattened(wrapper: Watched) -> str:
    """A wrapper as one module in Yosys's language, in which a mutant's cell has its name."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "design.il").write_text(rtlil_of(wrapper, TOP, wrapper.ports))
        run_yosys(["read_rtlil design.il", *FLATTEN, "write_rtlil flat.il"], place)
        return (place / "flat.il").read_text()
