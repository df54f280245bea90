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


RUNS = [
    ("small", "fp16"),
    *(pytest.param(case, "bf16", marks=pytest.mark.compiled) for case in CASES),
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


def exact(w, heads: int, tokens: list[int]):  # type: ignore[no-untyped-def]
    """Logits of the last of some tokens, all at once and in double precision."""

    def norm(x, gain, bias):  # type: ignore[no-untyped-def]
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * gain + bias

    x = (w.embedding[tokens] + w.positions[: len(tokens)]).astype(float)
    for layer in w.layers:
        y = norm(x, layer.attention_gain, layer.attention_bias) @ layer.qkv.T + layer.qkv_bias
        q, k, v = y.reshape(len(tokens), 3, heads, -1).transpose(1, 2, 0, 3)
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
        scores += np.triu(np.full(scores.shape[1:], -np.inf), 1)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = weights / weights.sum(-1, keepdims=True) @ v
        mixed = mixed.transpose(1, 0, 2).reshape(len(tokens), -1)
        x = x + mixed @ layer.out.T + layer.out_bias
        y = norm(x, layer.ffn_gain, layer.ffn_bias) @ layer.up.T + layer.up_bias
        y = y / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (y + 0.044715 * y**3)))
        x = x + y @ layer.down.T + layer.down_bias
    return norm(x[-1], w.final_gain, w.final_bias) @ w.embedding.T


@pytest.mark.compiled
def test_logits_are_close_to_the_exact_ones() -> None:
    model = gpt(48, 3, 16, 192, 300)
    pim = pim_of("pim_gpt", "fp16", 3)
    layout = place_model("m", model, pim, 60)
    given = weights(model, 5)
    memory = PimMemory(pim)
    store_model(memory, layout, given)
    state = PimValues(pim, memory)
    tokens = [(7 * i) % 300 for i in range(60)]
    for context, token in enumerate(tokens, start=1):
        run_values(pim, decode_step(layout, context, token), memory, state)
    expected = exact(given, model.heads, tokens)
    error = state.vector(layout.sram.logits, 300) - expected
    assert np.abs(error).max() < 0.02 * expected.std()
