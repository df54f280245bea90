"""What the hardware takes from a PIM's command set, and what it refuses."""

from amaranth.lib import data
from amaranth.utils import ceil_log2

from arch.errors import InputError
from arch.pim.command_set import MacUnit
from rtl.float.formats import FORMATS, format_of
from rtl.refusal import refuse

LANES_MAX = 32
BANKS_MAX = 16
ACCUMULATORS_MAX = 8
COLUMNS_MAX = 1024
GAP_BITS = 3
OPERATIONS = ("write", "mac", "clear", "read")
"""Of a command, by their codes."""


class Parameters:
    """Widths and sizes of the MAC units of a channel; everything below ``rtl/pim`` reads them here.

    Parameters
    ----------
    mac : arch.pim.command_set.MacUnit
    banks : int
        MAC units.
    buffer_columns : int
        Of the global buffer: a power of two.
    row_columns : int
        Columns of a row of a bank.
    levels_per_stage : int
        Levels of the adder tree between two registers.
    path : str
        Where the MAC unit is in its file, for messages.

    Raises InputError for lanes that are no power of two from 2 to 32, operands other than bf16 and
    fp16, accumulators other than fp32 or more than 8, more than 16 banks, columns that do not fit.
    """

    def __init__(
        self,
        mac: MacUnit,
        banks: int = 1,
        buffer_columns: int = 64,
        row_columns: int = 64,
        *,
        levels_per_stage: int = 1,
        path: str = "mac",
    ) -> None:
        lanes = mac.lanes
        if lanes & (lanes - 1) or not 2 <= lanes <= LANES_MAX:
            refuse(f"{path}.lanes", f"a power of two from 2 to {LANES_MAX}", lanes)
        if mac.accumulators > ACCUMULATORS_MAX:
            refuse(f"{path}.accumulators", f"{ACCUMULATORS_MAX} at most", mac.accumulators)
        self.operand = format_of(mac.operand_format, f"{path}.operand_format", ("bf16", "fp16"))
        format_of(mac.accumulator_format, f"{path}.accumulator_format", ("fp32",))
        if not 1 <= banks <= BANKS_MAX:
            refuse("banks", f"1 to {BANKS_MAX}", banks)
        if buffer_columns & (buffer_columns - 1) or not 2 <= buffer_columns <= COLUMNS_MAX:
            needs = f"a power of two from 2 to {COLUMNS_MAX}"
            refuse("global_buffer_columns", needs, buffer_columns)
        if not 2 <= row_columns <= COLUMNS_MAX:
            raise InputError(f"row_columns: must be 2 to {COLUMNS_MAX}, not {row_columns}")
        self.levels = lanes.bit_length() - 1
        if not 1 <= levels_per_stage <= self.levels:
            raise InputError(
                f"levels_per_stage: must be 1 to {self.levels}, the levels of the tree, "
                f"not {levels_per_stage}"
            )
        self.accumulator = FORMATS["fp32"]
        self.lanes = lanes
        self.accumulators = mac.accumulators
        self.banks = banks
        self.buffer_columns = buffer_columns
        self.row_columns = row_columns
        self.levels_per_stage = levels_per_stage

    @property
    def sums(self) -> tuple[int, ...]:
        """Sums in each register of the tree, from the products on."""
        levels = [*range(self.levels_per_stage, self.levels, self.levels_per_stage), self.levels]
        return tuple(self.lanes >> level for level in levels)

    @property
    def latency(self) -> int:
        """Cycles from a read to its result, and from a column to a result that has it."""
        return len(self.sums) + 3

    @property
    def column(self) -> data.ArrayLayout:
        """A column of a row or of the buffer."""
        return data.ArrayLayout(self.operand.bits, self.lanes)

    @property
    def thread_bits(self) -> int:
        """Width of the number of an accumulator."""
        return int(ceil_log2(self.accumulators))

    @property
    def row_bits(self) -> int:
        """Width of the number of a column of a row."""
        return int(ceil_log2(self.row_columns))

    @property
    def buffer_bits(self) -> int:
        """Width of the number of a column of the buffer."""
        return int(ceil_log2(self.buffer_columns))

    @property
    def count_bits(self) -> int:
        """Width of the number of columns of a run."""
        return self.buffer_bits + 1

    @property
    def token(self) -> data.StructLayout:
        """What a MAC unit does with a column."""
        return data.StructLayout({"valid": 1, "clear": 1, "read": 1, "thread": self.thread_bits})

    @property
    def command(self) -> data.StructLayout:
        """What the sequencer takes; ``operation`` is a code of OPERATIONS."""
        return data.StructLayout(
            {
                "operation": 2,
                "banks": self.banks,
                "thread": self.thread_bits,
                "row_column": self.row_bits,
                "buffer_column": self.buffer_bits,
                "count": self.count_bits,
                "gap": GAP_BITS,
                "data": self.column,
            }
        )
