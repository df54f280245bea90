"""Mutants of the model that change nothing anyone can see, each with the reason."""

TRUTH = "only asked whether it is 0"
COUNTED = "overflows are counted for coverage, nothing depends on them"
NO_NUMBER = "nothing looks at the exponent of what is no number"
MASKED = "the limb more that it takes is masked away"
NO_VECTOR = "where no vector leaves its token is 0: row 0, edge 0, of which the rest is false"

ARGUED = {
    'registers_control.py: b["stream"] = 1 if starts or old[c["at_controller"]] else 0 (at 14): '
    "1 -> 2": TRUTH,
    'registers_streams.py: b["wants_partial"] = 1 if b["column"] >= 0 and b["adds"] and not '
    'b["keep"] else 0 (at 21): 1 -> 2': TRUTH,
    "registers_run.py: return 1 (at 7): 1 -> 2": TRUTH,
    'registers_streams.py: b["overflows"] += 1 (at 18): 1 -> 2': COUNTED,
    'registers_run.py: b["overflows"] = 0 (at 0): left out': COUNTED,
    'registers_run.py: b["overflows"] = 0 (at 17): 0 -> 1': COUNTED,
    "registers_control.py: if c[\"accumulator_rows\"] > 0: (at 3): c['accumulator_rows'] > 0 -> "
    "c['accumulator_rows'] >= 0": "the bits it adds lie above the token's width, and are read "
    "only where there are accumulators",
    'registers_streams.py: b["complete"] = 0 if c["stationary"] else 1 (at 16): 0 -> 1': "read "
    "only with a complete vector, which sets it",
    'registers_streams.py: b["ends_fold"] = 0 (at 0): left out': "read only with a complete vector "
    "that is kept, which sets it",
    "engine.py: count = (bits + LIMB_BITS - 1) >> 5 (at 9): bits + LIMB_BITS - 1 -> bits + "
    "LIMB_BITS + 1": "a limb more of the sign, and the sign above it: the same number",
    "engine.py: return NOT_A_NUMBER, False, np.int64(0), np.int64(0) (at 50): 0 -> 1": NO_NUMBER,
    "engine.py: return INFINITE, seen == IS_MINUS, np.int64(0), np.int64(0) (at 57): "
    "0 -> 1": NO_NUMBER,
    "engine.py: if within + bits > LIMB_BITS: (at 3): within + bits > LIMB_BITS -> within + bits "
    ">= LIMB_BITS": MASKED,
    "engine.py: if LIMB_BITS * i < bits: (at 3): LIMB_BITS * i < bits -> LIMB_BITS * i <= "
    "bits": MASKED,
    "registers_engine.py: if token & 1 and edge_of(c, token) > column: (at 3): token & 1 -> "
    "token | 1": NO_VECTOR,
    "registers_engine.py: shifts = token & 1 and word < row and row <= row_of(c, token) (at 9): "
    "token & 1 -> token | 1": NO_VECTOR,
}
"""By the mutant's description (``kernel.described``)."""
