"""What the hardware takes from ``arch.vector.Vector``, and what it refuses."""

from amaranth.lib import data
from amaranth.utils import ceil_log2

from arch.errors import InputError
from arch.vector import OpTiming, Vector, VectorOp
from rtl.float.formats import FORMATS, format_of
from rtl.refusal import check_most, refuse

LANES_MAX = 64
LATENCY_MAX = 32
ELEMENTS_BITS = 16
OPERATIONS: dict[str, VectorOp] = {
    "add": "add",
    "mul": "mul",
    "max": "max",
    "sum": "sum",
    "largest": "max",
}
"""What the datapath does, in the order of its codes, and the operation whose timing that has:
``sum`` and ``largest`` make one number of all elements. Codes behind them are sums of two."""
ADD, MUL, MAX, SUM, LARGEST = range(len(OPERATIONS))
OPERATION_BITS = 3


class Parameters:
    """Widths and times of one vector unit.

    Parameters
    ----------
    vector : arch.vector.Vector
    operand_format : str
        Of elements that come in: bf16, fp16 or fp32. Results are fp32.
    elements_bits : int
        Width of the number of elements of a command.
    path : str
        Where the vector unit is in the machine, for messages.

    Raises InputError for lanes that are no power of two up to 64, for a latency of more than 32
    cycles, for other formats.
    """

    def __init__(
        self,
        vector: Vector,
        operand_format: str = "fp32",
        *,
        elements_bits: int = ELEMENTS_BITS,
        path: str = "vector",
    ) -> None:
        lanes = vector.lanes
        if lanes & (lanes - 1) or lanes > LANES_MAX:
            lower = min(LANES_MAX, 1 << (lanes.bit_length() - 1))
            needs = f"a power of two up to {LANES_MAX}"
            refuse(f"{path}.lanes", needs, lanes, f"; {path}.lanes={lower} would do")
        self.timings: tuple[OpTiming, ...] = tuple(map(vector.timing, OPERATIONS.values()))
        for name in dict.fromkeys(OPERATIONS.values()):
            cycles = vector.timing(name).latency_cycles
            check_most(f"{path}.operations.{name}.latency_cycles", cycles, LATENCY_MAX)
        if not 1 <= elements_bits <= 32:
            raise InputError(f"elements_bits: must be 1 to 32, not {elements_bits}")
        self.operand = format_of(operand_format, "operand_format")
        self.number = FORMATS["fp32"]
        self.lanes = lanes
        self.elements_bits = elements_bits

    @property
    def latency(self) -> int:
        """Of the operation that takes longest."""
        return max(timing.latency_cycles for timing in self.timings)

    @property
    def wait_bits(self) -> int:
        """Width of the cycles from one group to the next, or to the next command."""
        longest = max(max(t.interval_cycles, t.latency_cycles) for t in self.timings)
        return max(1, int(ceil_log2(longest)))

    @property
    def command(self) -> data.StructLayout:
        """``operation`` is the position of a name in OPERATIONS."""
        return data.StructLayout({"operation": OPERATION_BITS, "elements": self.elements_bits})

    @property
    def operands(self) -> data.ArrayLayout:
        """A group as it comes in."""
        return data.ArrayLayout(self.operand.bits, self.lanes)

    @property
    def results(self) -> data.ArrayLayout:
        """A group as it goes out."""
        return data.ArrayLayout(self.number.bits, self.lanes)
