"""A small GPT through memory and chip, token by token, bit for bit."""

import numpy as np
import pytest
from pim_gpt_oracle import Gpt

from arch.pim.system import load_pim
from sim.pim.value_memory import PimMemory
from sim.pim.value_model import GptWeights, LayerWeights, store_model
from sim.pim.values import PimValues, run_values
from traces.mapping.pim.decode import decode_step
from traces.mapping.pim.model_layout import place_model
from traces.transformer import Transformer


def gpt(hidden: int, heads: int, head_dim: int, ffn: int, vocabulary: int = 40, layers: int = 3):  # type: ignore[no-untyped-def]
    return Transformer(
        source="made up", kind="decoder", layers=layers, hidden=hidden, heads=heads,
        kv_heads=heads, head_dim=head_dim, ffn=ffn, activation="gelu", norm="layer",
        norm_first=True, rotary=False, positions=64, vocabulary=vocabulary, bias="all",
    )  # fmt: skip


def weights(model: Transformer, seed: int) -> GptWeights:
    random = np.random.default_rng(seed)

    def draw(*shape: int, mean: float = 0.0, scale: float = 0.5):  # type: ignore[no-untyped-def]
        return (mean + scale * random.standard_normal(shape)).astype(np.float32)

    h, inner = model.hidden, model.heads * model.head_dim
    layers = tuple(
        LayerWeights(
            attention_gain=draw(h, mean=1), attention_bias=draw(h),
            qkv=draw(3 * inner, h), qkv_bias=draw(3 * inner), out=draw(h, inner),
            out_bias=draw(h), ffn_gain=draw(h, mean=1), ffn_bias=draw(h),
            up=draw(model.ffn, h), up_bias=draw(model.ffn), down=draw(h, model.ffn),
            down_bias=draw(h),
        )
        for _ in range(model.layers)
    )  # fmt: skip
    return GptWeights(
        draw(model.vocabulary, h), draw(model.positions, h), draw(h, mean=1), draw(h), layers
    )


CASES = {
    "small": (gpt(24, 3, 8, 40), 2, 20, {}),
    "heads wrap round the channels": (gpt(48, 3, 32, 80), 3, 20, {"key_heads_per_row": 2}),
    "values in many rows": (gpt(20, 2, 20, 30), 1, 40, {"value_tokens_per_row": 16}),
    "longer than the global buffer": (gpt(1040, 1, 16, 1100, 20, 1), 2, 2, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_tokens_are_the_oracles(case: str) -> None:
    model, channels, tokens, choices = CASES[case]
    pim = load_pim("pim_gpt", [f"channels={channels}"])
    assert pim.asic is not None
    layout = place_model(case, model, pim, tokens, **choices)
    given = weights(model, 1)
    memory = PimMemory(pim)
    store_model(memory, layout, given)
    state = PimValues(pim, memory)
    oracle = Gpt(given, model.heads, "bf16", pim.asic.adders, 16 * channels)
    token = 7
    for context in range(1, tokens + 1):
        run_values(pim, decode_step(layout, context, token), memory, state)
        logits = state.vector(layout.sram.logits, model.vocabulary)
        np.testing.assert_array_equal(logits, oracle.step(token), f"token {context}")
        assert np.isfinite(logits).all()
        token = int(np.argmax(logits))
