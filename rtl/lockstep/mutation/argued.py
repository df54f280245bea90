"""Mutants of the model that change nothing anyone can see, each with the reason."""

TRUTH = "only asked whether it is 0"
COUNTED = "overflows are counted for coverage, nothing depends on them"

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
}
"""By the mutant's description (``kernel.described``)."""
