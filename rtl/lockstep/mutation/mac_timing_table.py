"""Mistakes in arrays of SIMD engines: of timing, of modes, of what a sum has met."""

from rtl.lockstep.mutation.mac_array import CHAINED_THREE, CHAINED_TWO, EXACT_ONE, EXACT_TWO
from rtl.lockstep.mutation.timing_table import Mistake


def _array(file: str, name: str, case: str, right: str, wrong: str) -> Mistake:
    return Mistake(name, case, f"array/{file}.py", right, wrong)


def _mac(file: str, name: str, case: str, right: str, wrong: str) -> Mistake:
    return Mistake(name, case, f"mac/{file}.py", right, wrong)


PE = (
    _array("engine_pe", "mode a cycle late", EXACT_TWO, "mac.mode.eq(self.mode_in)",
           "mac.mode.eq(self.mode)"),
    _array("engine_pe", "word a cycle late", CHAINED_TWO, "mac.left.eq(self.left_in)",
           "mac.left.eq(self.left)"),
    _array("engine_pe", "first a cycle late", EXACT_TWO, "mac.first.eq(self.first_in)",
           "mac.first.eq(self.first)"),
    _array("engine_pe", "last a cycle late", CHAINED_THREE, "mac.last.eq(self.last_in)",
           "mac.last.eq(self.last)"),
    _array("engine_pe", "mode moves in a stall", EXACT_TWO,
           "                self.mode.eq(self.mode_in),\n            ]",
           "            ]\n        m.d.sync += self.mode.eq(self.mode_in)"),
    _array("engine_pe", "hold left out", CHAINED_TWO, "mac.hold.eq(self.done & ~mac.arrived_first)",
           "mac.hold.eq(0)"),
    _array("engine_pe", "first word held back", CHAINED_TWO,
           "mac.hold.eq(self.done & ~mac.arrived_first)", "mac.hold.eq(self.done)"),
    _array("engine_pe", "sum done in a stall", CHAINED_TWO,
           "m.If(self.advance & (mac.arrived_first | mac.arrived_last))",
           "m.If(mac.arrived_first | mac.arrived_last)"),
    _array("engine_pe", "sum done at its first word", CHAINED_TWO, "self.done.eq(mac.arrived_last)",
           "self.done.eq(1)"),
    _array("engine_pe", "sum done a stage early", CHAINED_TWO, "self.done.eq(mac.arrived_last)",
           "self.done.eq(self.last_in)"),
    _array("engine_pe", "drained without its last word", EXACT_TWO, "self.drain.eq(mac.total)",
           "self.drain.eq(mac.sum)"),
    _array("engine_pe", "drain moves in a stall", CHAINED_THREE,
           "with m.If(self.advance):\n            with m.If(mac.arrived_last)",
           "with m.If(1):\n            with m.If(mac.arrived_last)"),
)  # fmt: skip

STAGES_OF = "product, mode, first, last = (row[-1] for row in rows)"
STAGES = (
    _mac("simd_mac", "product's stage missing", EXACT_TWO, STAGES_OF,
         "product, mode, first, last = rows[0][-2], *(row[-1] for row in rows[1:])"),
    _mac("simd_mac", "mode a stage early", CHAINED_THREE, STAGES_OF,
         "product, mode, first, last = (row[-1 - (row is rows[1])] for row in rows)"),
    _mac("simd_mac", "first a stage early", CHAINED_THREE, STAGES_OF,
         "product, mode, first, last = (row[-1 - (row is rows[2])] for row in rows)"),
    _mac("simd_mac", "last a stage early", CHAINED_THREE, STAGES_OF,
         "product, mode, first, last = (row[-1 - (row is rows[3])] for row in rows)"),
    _mac("simd_mac", "captured as the word enters", EXACT_TWO, "self.arrived_last.eq(last)",
         "self.arrived_last.eq(self.last)"),
    _mac("simd_mac", "hold ends as the word enters", CHAINED_TWO, "self.arrived_first.eq(first)",
         "self.arrived_first.eq(self.first)"),
    _mac("simd_mac", "stages move in a stall", CHAINED_THREE,
         "with m.If(self.advance):\n            for row in rows",
         "with m.If(1):\n            for row in rows"),
    _mac("simd_mac", "drain behind the sum", EXACT_ONE, "with m.If(self.shift):",
         "with m.If(self.shift & self.hold):"),
)  # fmt: skip

SUMS = (
    _mac("accumulate", "sum kept from the dot before", EXACT_TWO, "start.eq(Mux(first, 0, total))",
         "start.eq(total)"),
    _mac("accumulate", "NaN kept from the dot before", EXACT_ONE,
         "start[bits:] | product[fixed:]", "total[bits:] | product[fixed:]"),
    _mac("accumulate", "NaN of the last word only", EXACT_TWO, "start[bits:] | product[fixed:]",
         "product[fixed:]"),
    _mac("accumulate", "unit of the first mode", CHAINED_TWO,
         "chosen(mode, [unit + fixed - 1 for unit in units])", "Value.cast(units[0] + fixed - 1)"),
)  # fmt: skip

MODES = (
    _mac("parameters", "index beyond is the first", EXACT_TWO, "chosen_from += chosen_from[-1:]",
         "chosen_from += chosen_from[:1]"),
    _mac("lanes", "multiplier in the first mode", EXACT_TWO, "multiplier.mode.eq(self.mode)",
         "multiplier.mode.eq(0)"),
    _mac("lanes", "exponents of another mode", EXACT_ONE, "chosen(self.mode, [*shifts])",
         "chosen(self.mode, [*reversed(shifts)])"),
    _mac("lanes", "signs of the first mode", CHAINED_TWO, "chosen(self.mode, [*negatives])",
         "Value.cast(negatives[0])"),
    _mac("reader", "unit of another mode", EXACT_TWO,
         "chosen(self.mode, [unit + bits - 1 for unit in units])",
         "chosen(self.mode, [unit + bits - 1 for unit in reversed(units)])"),
    _array("grid", "reader in the mode that streams", EXACT_TWO, "reader.mode.eq(token.mode)",
           "reader.mode.eq(self.pes[0][c].mode)"),
    _array("grid", "reader's mode not delayed by column", EXACT_TWO, "reader.mode.eq(token.mode)",
           "reader.mode.eq(self.leaving[0].mode)"),
    _array("grid", "result format not delayed by column", CHAINED_TWO,
           "reader.result.eq(token.result)", "reader.result.eq(self.leaving[0].result)"),
    _array("grid", "result format a column late", EXACT_TWO, "reader.result.eq(token.result)",
           "reader.result.eq(self.leaving[min(c + 1, p.cols - 1)].result)"),
    _array("grid", "mode not delayed by column", EXACT_TWO, "left.mode if left else flags[2:]",
           "flags[2:]"),
    _array("grid", "mode not delayed by row", CHAINED_TWO, "left.mode if left else flags[2:]",
           "left.mode if left else self.flags[r][2:]"),
    _array("leave", "mode and result of the fold before", EXACT_TWO,
           "Mux(begins, getattr(self.fold, name), kept)", "kept"),
    _array("leave", "mode and result of the fold that streams", CHAINED_THREE,
           "Mux(begins, getattr(self.fold, name), kept)", "getattr(self.fold, name)"),
    _array("leave", "mode and result of the command in front", EXACT_TWO,
           "Mux(begins, getattr(self.fold, name), kept)",
           "Mux(self.stream, getattr(self.fold, name), kept)"),
    _array("systolic", "mode of the vector before", EXACT_ONE, "mode = [fold.mode]",
           'mode = [control.current["mode"]]'),
    _array("systolic", "mode of the command in front", CHAINED_TWO, "mode = [fold.mode]",
           'mode = [self.fifos["command"].output.payload.mode]'),
)  # fmt: skip

MUTANTS = (*PE, *STAGES, *SUMS, *MODES)
