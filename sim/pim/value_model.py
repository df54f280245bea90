"""Weights of a GPT, as its layout has them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from sim.pim.value_memory import PimMemory
from traces.mapping.pim.model_layout import ModelLayout

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LayerWeights:
    """Matrices are [outputs, inputs]; queries, keys and values are [head, element] each."""

    attention_gain: Floats
    attention_bias: Floats
    qkv: Floats
    """Queries of all heads, then keys, then values."""
    qkv_bias: Floats
    out: Floats
    out_bias: Floats
    ffn_gain: Floats
    ffn_bias: Floats
    up: Floats
    up_bias: Floats
    down: Floats
    down_bias: Floats


@dataclass(frozen=True)
class GptWeights:
    """Of a whole model."""

    embedding: Floats
    """[vocabulary, hidden]; the logits' matrix too."""
    positions: Floats
    """[positions, hidden]; may be fewer than there is room for."""
    final_gain: Floats
    final_bias: Floats
    layers: tuple[LayerWeights, ...]


def store_model(memory: PimMemory, layout: ModelLayout, weights: GptWeights) -> None:
    """Write the weights, rounded to the operands' format, and zeros to the caches.

    Queries' rows and biases are multiplied by 1 / sqrt(head_dim) before they are rounded, so that
    scores need no scale. Raises InputError for a shape that is not the model's.
    """
    if len(weights.layers) != layout.model.layers:
        raise InputError(
            f"{layout.name}: weights of {len(weights.layers)} layers; must be {layout.model.layers}"
        )
    memory.store_matrix(layout.head, weights.embedding)
    positions = np.zeros((layout.positions.count, layout.model.hidden), np.float32)
    positions[: len(weights.positions)] = weights.positions
    memory.store_table(layout.positions, positions)
    memory.store_table(layout.final_norm, np.stack([weights.final_gain, weights.final_bias]))
    for number, layer in enumerate(weights.layers):
        _store_layer(memory, layout, layer, number * layout.layer_rows)


def _store_layer(memory: PimMemory, layout: ModelLayout, given: LayerWeights, rows: int) -> None:
    layer, channels = layout.layer, layout.geometry.channels
    vectors = [
        given.attention_gain, given.attention_bias, given.ffn_gain, given.ffn_bias,
        given.out_bias, given.down_bias,
    ]  # fmt: skip
    memory.store_table(layer.vectors, np.stack(vectors), rows)
    qkv = _padded_heads(layout, np.column_stack([given.qkv, given.qkv_bias]))
    memory.store_matrix(layer.qkv, qkv[:, :-1], rows)
    memory.store_table(layer.qkv_bias, qkv[None, :, -1], rows)
    out = np.zeros((layout.model.hidden, layer.out.k), np.float32)
    out[:, _places(layout, 1)] = given.out
    memory.store_matrix(layer.out, out, rows)
    memory.store_matrix(layer.up, given.up, rows)
    memory.store_table(layer.up_bias, given.up_bias[None], rows)
    memory.store_matrix(layer.down, given.down, rows)
    for cache in (layer.keys, layer.values):
        memory.clear(channels, cache.first_row + rows, cache.rows)


def _places(layout: ModelLayout, parts: int) -> npt.NDArray[np.int64]:
    """Of the elements of all heads of ``parts`` tensors, where heads are padded."""
    heads = layout.heads
    pitch = heads.columns * layout.geometry.lanes
    first = np.arange(parts * heads.heads)[:, None] * pitch
    places: npt.NDArray[np.int64] = (first + np.arange(heads.head_dim)).ravel()
    return places


def _padded_heads(layout: ModelLayout, rows: Floats) -> Floats:
    """Rows of queries (scaled), keys and values at their places, zeros between."""
    heads = layout.heads
    elements = heads.heads * heads.head_dim
    if len(rows) != 3 * elements:
        raise InputError(
            f"{layout.name}: queries, keys and values have {len(rows)} rows; must be {3 * elements}"
        )
    scaled = rows.astype(np.float32)
    scaled[:elements] *= np.float32(1 / np.sqrt(heads.head_dim))
    found = np.zeros((layout.qkv_outputs, rows.shape[1]), np.float32)
    found[_places(layout, 3)] = scaled
    return found
