"""An array as hardware and as model, in lockstep; then hardware with a fault.

Shows what 10,000 cycles of random work compare and cover, and the first cycle in which a planted
fault shows, with its waveform. Needs the extra `rtl`, g++ and 10 s, for the first time half a
minute.
"""

import tempfile
from pathlib import Path

from amaranth.hdl import Module

from arch.array import Array
from rtl.array import SystolicArray
from rtl.lockstep.array import ArrayTwin
from rtl.lockstep.run import cosim
from rtl.verilog import verilog_of
from rtl.wrapper import Wrapper

ARRAY = Array(rows=4, cols=4, dataflow="ws", accumulator_rows=8)
SEED, CYCLES = 1, 10_000


class FaultyArray(SystolicArray):
    """Takes a word of 77 that streams into its third row for 76."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        streams = self.controller.stream & (self.controller.stream_fold.rows > 2)
        with m.If(streams & (self.fifos["left"].output.payload[2] == 77)):
            m.d.comb += self.grid.left[2].eq(76)
        return m


def main() -> None:
    twin = ArrayTwin(ARRAY)
    verilog = verilog_of(twin.component, "array")
    lines, modules = verilog.count("\n"), verilog.count("\nendmodule")
    print(f"{ARRAY.rows} x {ARRAY.cols} PEs: {lines:,} lines of Verilog, {modules} modules")

    same = cosim(twin, SEED, CYCLES)
    if same.mismatch is not None:
        raise SystemExit(str(same.mismatch))
    print(f"{same.cycles:,} cycles are equal in every register and output,", end=" ")
    print(f"{same.useful_cycles:,} of them at work")
    happened = sum(count > 0 for count in same.coverage.values())
    print(f"{happened} of {len(same.coverage)} kinds of events happened, as")
    for event in ("commands", "vectors out", "resets at work", "stall of output: full fold"):
        print(f"  {same.coverage[event]:>5,} {event}")

    waveform = Path(tempfile.mkdtemp(prefix="cosimulation-")) / "fault.vcd"
    faulty = cosim(twin, SEED, CYCLES, wrapper=Wrapper(FaultyArray(ARRAY)), waveform=waveform)
    print(f"\nwith the fault {faulty.cycles:,} cycles are equal, then")
    print(faulty.mismatch)


if __name__ == "__main__":
    main()
