"""A small GPT through memory and chip, token by token, bit for bit."""

import numpy as np
import pytest
from pim_gpt_cases import gpt, pim_of, weights
from pim_gpt_oracle import Gpt

from sim.pim.run import run_program
from sim.pim.value_memory import PimMemory
from sim.pim.value_model import store_model
from sim.pim.values import PimValues, run_values
from traces.mapping.pim.decode import decode_step
from traces.mapping.pim.model_layout import place_model

CASES = {
    "small": (gpt(24, 3, 8, 40), 2, 20, {}),
    "heads wrap round the channels": (gpt(48, 3, 32, 80), 3, 20, {"key_heads_per_row": 2}),
    "values in many rows": (gpt(20, 2, 20, 30), 1, 40, {"value_tokens_per_row": 16}),
    "longer than the global buffer": (gpt(1040, 1, 16, 1100, 20, 1), 2, 2, {}),
}


LONG = "longer than the global buffer"
RUNS = [(case, "bf16") for case in CASES if case != LONG] + [
    ("small", "fp16"),
    pytest.param(LONG, "bf16", marks=pytest.mark.compiled),
]


@pytest.mark.parametrize(("case", "form"), RUNS)
def test_tokens_are_the_oracles(case: str, form: str) -> None:
    model, channels, tokens, choices = CASES[case]
    pim = pim_of("pim_gpt", form, channels)
    assert pim.asic is not None
    layout = place_model(case, model, pim, tokens, **choices)
    given = weights(model, 1)
    memory = PimMemory(pim)
    store_model(memory, layout, given)
    state = PimValues(pim, memory)
    oracle = Gpt(given, model.heads, form, pim.asic.adders, 16 * channels)
    token = 7
    for context in range(1, tokens + 1):
        trace = decode_step(layout, context, token)
        run_values(pim, trace, memory, state)
        logits = state.vector(layout.sram.logits, model.vocabulary)
        np.testing.assert_array_equal(logits, oracle.step(token), f"token {context}")
        assert np.isfinite(logits).all()
        token = int(np.argmax(logits))
    # The same instructions take their time.
    assert run_program(pim, [trace]).instructions == len(trace.instructions)
