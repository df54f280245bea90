"""The array unit: a grid of processing elements (PEs).

Rows, columns and time carry one dimension of the product ``C[M, N] = A[M, K] @ B[K, N]`` each:

========  =======  =======  ========  ==============================
dataflow  rows     columns  streamed  stationary in the PEs
========  =======  =======  ========  ==============================
``ws``    K        N        M         weights ``B``
``is``    K        M        N         inputs ``A``
``os``    M        N        K         partial sums ``C``
========  =======  =======  ========  ==============================

A *fold* is one pass of the grid: at most ``rows`` x ``cols`` of the two spatial dimensions and
the whole streamed dimension of the tile.
"""

from typing import Literal

from pydantic import Field, model_validator

from arch.mac.engine import Engine
from arch.mac.formats import FORMAT_BITS, FormatName
from arch.spec import Spec

Dataflow = Literal["ws", "os", "is"]


class Array(Spec):
    """A systolic array of ``rows`` x ``cols`` PEs, one multiply-accumulate each a cycle."""

    clock: str = "core"
    """Name of the clock whose edges the array steps on."""
    rows: int = Field(ge=1, le=65_536)
    """PEs from top to bottom."""
    cols: int = Field(ge=1, le=65_536)
    """PEs from left to right."""
    copies: int = Field(default=1, ge=1, le=4096)
    """Grids side by side that hold the same stationary operand (``ws``, ``is``); each takes a
    vector of a fold a cycle."""
    dataflow: Dataflow
    """What stays in the PEs: weights, partial sums or inputs."""
    pe_latency_cycles: int = Field(default=1, ge=1, le=64)
    """Cycles from a PE's operands to its partial sum; operands are skewed to match."""
    weight_load: Literal["serial", "overlapped"] = "overlapped"
    """How the stationary operand enters (``ws``, ``is``): into the PEs' only register after the
    previous fold, or into a second one behind it. It shifts in at one row a cycle."""
    empty_load_cycles: int | None = Field(default=None, ge=1, le=2**20)
    """Cycles of a load that finds the array empty, where simulators count others than a row a cycle
    (``ws``, ``is``)."""
    drain: Literal["serial", "preloaded", "overlapped"] = "overlapped"
    """What of a fold waits until the previous one has left the array: all, its vectors but not its
    stationary operand (``ws``, ``is``), or nothing."""
    edge_folds: Literal["clipped", "full"] = "clipped"
    """Whether a fold smaller than the array takes the time of its own size (unused rows and
    columns transparent) or that of a full one."""
    accumulator_rows: int = Field(default=0, ge=0, le=2**30)
    """Rows (``cols`` wide) of the accumulators below the array, all copies together. Partial sums
    of a tile that streams more vectors than this go to the scratchpad and are read back."""
    operand_format: FormatName = "int8"
    """Number format of inputs and weights."""
    accumulator_format: FormatName = "int32"
    """Number format of partial sums."""
    accumulator_overflow: Literal["wrap", "saturate"] = "wrap"
    """What becomes of a sum that does not fit ``accumulator_format``. A product is brought into the
    format first, then each addition's result."""
    output_format: FormatName = "int8"
    """Number format of complete sums."""
    engine: Engine | None = None
    """A SIMD engine in each PE, in whose words layers of any of its formats are packed, in place of
    the formats above. Sums stay in the PEs (``os``)."""
    convention: Literal["physical", "scalesim"] = "physical"
    """``scalesim`` reproduces the accounting of SCALE-Sim 3: no overlap of folds, full edge
    folds, no drain under ``os``, one cycle less than simulated."""

    @model_validator(mode="after")
    def _scalesim_fixes_the_rest(self) -> "Array":
        if self.convention == "scalesim":
            wanted = {
                "weight_load": "serial",
                "drain": "serial",
                "edge_folds": "full",
                "pe_latency_cycles": 1,
                "accumulator_rows": 0,
                "copies": 1,
                "empty_load_cycles": None,
            }
            for name, value in wanted.items():
                if getattr(self, name) != value:
                    raise ValueError(
                        f"convention 'scalesim' needs {name} {value!r}, not {getattr(self, name)!r}"
                    )
        return self

    @model_validator(mode="after")
    def _sums_that_stay_hold_nothing(self) -> "Array":
        held = {
            "copies": self.copies != 1,
            "empty_load_cycles": self.empty_load_cycles is not None,
            "drain": self.drain == "preloaded",
        }
        for name, is_given in held.items():
            if is_given and self.dataflow == "os":
                raise ValueError(
                    f"{name} {getattr(self, name)!r}: PEs hold no operand under dataflow 'os'; it "
                    "needs 'ws' or 'is'"
                )
        return self

    @model_validator(mode="after")
    def _engine_fixes_the_formats(self) -> "Array":
        if self.engine is None:
            return self
        if self.dataflow != "os":
            raise ValueError(
                f"engine: its sums stay in the PEs; it needs dataflow 'os', not {self.dataflow!r}"
            )
        if self.convention != "physical":
            raise ValueError(f"engine: needs convention 'physical', not {self.convention!r}")
        for name in (
            "operand_format",
            "accumulator_format",
            "accumulator_overflow",
            "output_format",
        ):
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name}: formats are those of the engine's modes; leave it out")
        return self

    @property
    def pes(self) -> int:
        """PEs of all copies."""
        return self.copies * self.rows * self.cols

    @property
    def operand_bits(self) -> int:
        """Width of what a PE multiplies: an operand, or a word of them."""
        return self.engine.word_bits if self.engine else FORMAT_BITS[self.operand_format]

    @property
    def lanes_most(self) -> int:
        """Most multiply-accumulates of a PE in a cycle."""
        return max(map(self.engine.lanes, self.engine.modes)) if self.engine else 1

    @property
    def accumulator_bits(self) -> int:
        """Width of a partial sum."""
        return self.engine.sum_bits if self.engine else FORMAT_BITS[self.accumulator_format]
