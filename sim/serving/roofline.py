"""An iteration of a device that is known by its peaks alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from arch.roofline import Roofline
from traces.transformer.model import Transformer


@dataclass(frozen=True)
class RooflineWork:
    """What a device does for a batch in some layers."""

    seconds: float
    macs: int
    moved_bytes: int


def decode(
    device: Roofline, model: Transformer, tensor_parallel: int, layers: int, lengths: Sequence[int]
) -> RooflineWork:
    """A token of each sequence, which attends to so many tokens, through some layers.

    Norms, activations and residuals cost nothing: kernels of products take them along.
    """
    batch, size = len(lengths), device.element_bytes
    wide = model.ffn * (2 if model.activation == "swiglu" else 1)
    products = (
        (model.hidden, model.qkv_dim // tensor_parallel),
        (model.attention_dim // tensor_parallel, model.hidden),
        (model.hidden, wide // tensor_parallel),
        (model.ffn // tensor_parallel, model.hidden),
    )
    seconds, macs, moved = 0.0, 0, 0
    for k, n in products:
        own_macs, own_bytes = batch * k * n, (k * n + batch * (k + n)) * size
        seconds += device.product_seconds(own_macs, own_bytes)
        macs, moved = macs + own_macs, moved + own_bytes
    tokens = sum(lengths)
    query = model.attention_dim // tensor_parallel
    own_macs = 2 * query * tokens
    own_bytes = 2 * model.kv_heads * model.head_dim // tensor_parallel * tokens * size
    seconds += device.attention_seconds(own_macs, own_bytes)
    seconds += 2 * device.allreduce_seconds(batch * model.hidden * size, tensor_parallel)
    return RooflineWork(layers * seconds, layers * (macs + own_macs), layers * (moved + own_bytes))
