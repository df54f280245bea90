"""What the hardware takes from ``arch.array.Array``, and what it refuses."""

from amaranth.hdl import Const, Shape, ValueLike, signed, unsigned
from amaranth.utils import bits_for

from arch.array import Array
from arch.errors import InputError
from arch.mac.formats import FORMAT_BITS
from rtl.mac.parameters import chain_form, mode_bits, result_bits, result_width
from rtl.refusal import refuse

ROWS_MAX = 256
"""Largest grid: a side beyond it takes Amaranth hours."""


class Parameters:
    """Widths and sizes of one array; everything below ``rtl/array`` reads them from here.

    Raises InputError for what has no hardware: formats that are not integers, accumulators
    narrower than the operands, the convention ``scalesim``, loads of an empty array in a time of
    their own, copies, grids beyond 256 a side; of engines, sums and results of more than 32 bits.
    """

    def __init__(self, array: Array, extent_bits: int) -> None:
        for name in ("operand_format", "accumulator_format"):
            given = getattr(array, name)
            if not given.startswith("int"):
                refuse(f"array.{name}", "an integer format", repr(given))
        operand_bits = FORMAT_BITS[array.operand_format]
        accumulator_bits = FORMAT_BITS[array.accumulator_format]
        if accumulator_bits < max(8, operand_bits):
            raise InputError(
                "array.accumulator_format: must be int8 or wider and no narrower than "
                f"operand_format {array.operand_format!r}, not {array.accumulator_format!r}"
            )
        if array.convention != "physical":
            counted = ", which is a way to count cycles"
            refuse("array.convention", "'physical'", repr(array.convention), counted)
        if array.empty_load_cycles is not None:
            raise InputError(
                "array.empty_load_cycles: hardware loads a row a cycle; leave it out, not "
                f"{array.empty_load_cycles}, which is a way to count cycles"
            )
        if array.copies > 1:
            raise InputError(f"array.copies: hardware is one grid; must be 1, not {array.copies}")
        for name in ("rows", "cols"):
            given = getattr(array, name)
            if given > ROWS_MAX:
                refuse(f"array.{name}", f"{ROWS_MAX} at most", given)
        if array.accumulator_overflow == "saturate" and accumulator_bits == 64:
            raise InputError(
                "array.accumulator_overflow: must be 'wrap' with accumulator_format 'int64', "
                "not 'saturate'"
            )
        self.rows, self.cols = array.rows, array.cols
        self.dataflow = array.dataflow
        self.latency = array.pe_latency_cycles
        self.overlapped_load = array.weight_load == "overlapped"
        self.overlapped_drain = array.drain == "overlapped"
        self.preloaded = array.drain == "preloaded"
        self.full_edges = array.edge_folds == "full"
        self.saturate = array.accumulator_overflow == "saturate"
        self.stationary = array.dataflow != "os"
        self.accumulator_rows = array.accumulator_rows if self.stationary else 0
        self.operand: Shape = signed(operand_bits)
        self.accumulator: Shape = signed(accumulator_bits)
        self.result = self.accumulator
        self.extent_bits = extent_bits
        self.engine = engine = array.engine
        self.choices: dict[str, int] = {}
        if engine is not None:
            self.operand, self.accumulator = unsigned(engine.word_bits), unsigned(engine.sum_bits)
            self.result = unsigned(result_width(engine))
            self.choices = {"mode": mode_bits(engine), "result": result_bits(engine)}
            # A sum that waits for its turn is not to become +0 where it is -0.
            self.holds = chain_form(engine) is not None and not self.overlapped_drain

    @property
    def since_bits(self) -> int:
        """Width of a count of beats that no start of a fold waits for longer."""
        pipeline = self.rows * (self.latency + 1) + self.cols + self.latency
        return int(bits_for(2**self.extent_bits + pipeline))

    def timed_rows(self, rows: ValueLike) -> ValueLike:
        """Rows that a fold is timed for, of those that it uses."""
        return Const(self.rows) if self.full_edges else rows

    def timed_cols(self, cols: ValueLike) -> ValueLike:
        """Columns that a fold is timed for, of those that it uses."""
        return Const(self.cols) if self.full_edges else cols
