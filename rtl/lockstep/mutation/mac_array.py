"""Arrays of SIMD engines in which faults are planted."""

from arch.array import Array
from arch.mac.engine import Engine, Mode

EXACT = Engine(
    word_bits=8,
    carry_bits=4,
    modes=(
        Mode(input_format="fp8_e5m2"),
        Mode(input_format="fp4_e2m1"),
        Mode(input_format="posit8_0", weight_format="int8"),
    ),
    result_formats=("fp8_e5m2", "int8", "posit8_0"),
)
CHAINED = Engine(
    word_bits=8,
    modes=(Mode(input_format="int8"), Mode(input_format="fp4_e2m1")),
    accumulation="chained",
    chain_format="fp16",
    result_formats=("fp16", "int8", "fp4_e2m1"),
)
STRADDLING = Engine(
    word_bits=9,
    carry_bits=2,
    modes=(
        Mode(input_format="fp8_e5m2", weight_format="posit9_1"),
        Mode(input_format="fp4_e2m1"),
    ),
    result_formats=("fp8_e5m2", "uint8", "ue4m3", "fp16"),
)
"""Special bits are in two slices, of the products and of the sum."""

NARROW = Engine(
    word_bits=8,
    carry_bits=6,
    modes=(
        Mode(input_format="fp4_e2m1"),
        Mode(input_format="posit4_1", weight_format="fp4_e2m1"),
        Mode(input_format="int4"),
    ),
    result_formats=("posit4_1", "fp4_e2m1", "int8"),
)
NARROW_CHAINED = Engine(
    word_bits=4,
    modes=(Mode(input_format="posit4_1"), Mode(input_format="int4"), Mode(input_format="fp4_e2m1")),
    accumulation="chained",
    chain_format="fp8_e5m2",
    result_formats=("fp8_e5m2", "int4", "posit4_1"),
)

SMALL = {
    "array, exact": Array(rows=2, cols=2, dataflow="os", engine=EXACT, pe_latency_cycles=2),
    "array, chained": Array(
        rows=2, cols=2, dataflow="os", drain="serial", edge_folds="full",
        engine=Engine(
            word_bits=8, modes=(Mode(input_format="posit8_0"), Mode(input_format="fp4_e2m1")),
            accumulation="chained", chain_format="posit8_0",
        ),
    ),
}  # fmt: skip
"""Those of which the netlists are changed."""
CASES = {
    "exact": Array(rows=1, cols=4, dataflow="os", engine=EXACT, pe_latency_cycles=2),
    "chained": Array(
        rows=3, cols=2, dataflow="os", engine=CHAINED, drain="serial", pe_latency_cycles=2,
    ),
    "straddling": Array(
        rows=3, cols=2, dataflow="os", engine=STRADDLING, drain="serial", edge_folds="full",
    ),
    "NaN alone": Array(
        rows=2, cols=2, dataflow="os", edge_folds="full", pe_latency_cycles=2,
        engine=Engine(
            word_bits=8, modes=(Mode(input_format="posit8_0"), Mode(input_format="fp4_e2m1"))
        ),
    ),
    "three stages": Array(
        rows=3, cols=2, dataflow="os", pe_latency_cycles=3,
        engine=Engine(
            word_bits=8, modes=(Mode(input_format="fp8_e5m2"), Mode(input_format="posit8_0")),
            accumulation="chained", chain_format="fp8_e5m2",
        ),
    ),
}  # fmt: skip
"""Those that judge the model's kernels."""
EXACT_ONE, EXACT_TWO = "engines, exact, serial drain", "engines, exact, two stages"
CHAINED_TWO, CHAINED_THREE = "engines, chained, serial drain", "engines, chained, three stages"
TIMED = {
    EXACT_ONE: Array(
        rows=2, cols=2, dataflow="os", engine=NARROW, drain="serial", edge_folds="full"
    ),
    EXACT_TWO: Array(rows=2, cols=2, dataflow="os", engine=NARROW, pe_latency_cycles=2),
    CHAINED_TWO: Array(
        rows=2, cols=2, dataflow="os", engine=NARROW_CHAINED, drain="serial", pe_latency_cycles=2
    ),
    CHAINED_THREE: Array(rows=2, cols=2, dataflow="os", engine=NARROW_CHAINED, pe_latency_cycles=3),
}
"""Those of mistakes of timing, of which each is built anew."""
