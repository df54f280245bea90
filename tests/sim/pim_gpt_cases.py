"""Small GPTs with drawn weights, and PIMs for them."""

import numpy as np

from arch.pim.system import Pim, load_pim
from sim.pim.value_model import GptWeights, LayerWeights
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


def pim_of(name: str, form: str, channels: int) -> Pim:
    """A PIM with another format of operands."""
    loaded = load_pim(name, [f"channels={channels}"])
    commands = loaded.command_set()
    mac = commands.mac.model_copy(update={"operand_format": form})
    changed = loaded.model_copy()
    vars(changed)["_set"] = commands.model_copy(update={"mac": mac})
    return changed
