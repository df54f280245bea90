"""Profiles of hypothesis: the same examples in each run, fewer in the slower modes. Ctrl-C."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# Its asserts say what they have compared, too.
pytest.register_assert_rewrite("twin_checks")

INHERITED = [HealthCheck.differing_executors]
"""The contract's tests are inherited by every unit, which is their purpose."""

settings.register_profile(
    "compiled",
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=INHERITED,
)
settings.register_profile("checked", settings.get_profile("compiled"), max_examples=20)
settings.register_profile("interpreted", settings.get_profile("compiled"), max_examples=3)
if os.environ.get("NUMBA_DISABLE_JIT") == "1":
    settings.load_profile("interpreted")
else:
    settings.load_profile("checked" if os.environ.get("NUMBA_BOUNDSCHECK") == "1" else "compiled")

# Jobs that a shell runs in the background ignore Ctrl-C, and what tests start would, too.
signal.signal(signal.SIGINT, signal.default_int_handler)
