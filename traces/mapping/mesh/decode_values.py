"""Values of a layer's matrices and vectors, and of its cache, laid on a grid for decoding."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from traces.mapping.mesh.decode_sizes import DecodeLayout
from traces.mapping.mesh.spread import matrix, vector
from traces.mapping.mesh.tiles import Floats, rounded


def decode_values(layout: DecodeLayout, given: Mapping[str, npt.ArrayLike]) -> dict[str, Floats]:
    """Values of regions, from those of ``transformer_decode_layer``."""
    grid, format = (layout.width, layout.height), layout.format
    hidden, heads, ffn = layout.hidden, layout.heads, layout.ffn
    made = {
        name: vector(given[name], hidden, grid, format)
        for name in ("hidden", "attention_norm", "ffn_norm")
    }
    for name, rows, columns in (
        ("wq", hidden, heads), ("wk", hidden, heads), ("wv", hidden, heads), ("wo", heads, hidden),
        ("w_up", hidden, ffn), ("w_gate", hidden, ffn), ("w_down", ffn, hidden),
    ):  # fmt: skip
        made[name] = matrix(given[name], rows, columns, format)
    signs = np.where(np.arange(layout.layer.dim) % 2, 1, -1)
    made["cos"] = vector(given["cos"], heads, grid, format)
    made["sin"] = vector(np.asarray(given["sin"]) * signs, heads, grid, format)
    constants = [
        1 / layout.layer.dim, layout.layer.epsilon, 1 / math.sqrt(layout.layer.head_dim),
    ]  # fmt: skip
    made["constants"] = np.tile(rounded(constants, format), (layout.height, layout.width, 1))
    made["k_cache"] = cached(layout, given["keys"]).swapaxes(2, 3)
    made["v_cache"] = cached(layout, given["values"])
    for name in ("k_cache", "v_cache"):
        made[name] = np.ascontiguousarray(made[name].reshape(layout.height, layout.width, -1))
    return made


def cached(layout: DecodeLayout, tokens: npt.ArrayLike) -> Floats:
    """[height, width, slots, chunk] the tokens before the new one, the oldest in the first row."""
    given = np.pad(rounded(tokens, layout.format), ((0, 0), (0, 1)))
    whole = np.zeros((layout.height, layout.width, layout.slots, layout.heads.chunk), np.float32)
    few, more = divmod(layout.context - 1, layout.height)
    begin = 0
    for row in range(layout.height):
        end = begin + few + (row >= layout.height - more)
        parts = given[begin:end][:, layout.heads.index]
        whole[row, :, : end - begin] = parts.swapaxes(0, 1)
        begin = end
    return whole


def rotations(dim: int, heads: int, position: int, base: float = 10_000.0) -> Floats:
    """[2, dim] cos and sin of a token's position for all heads, as the host computes them."""
    head_dim = dim // heads
    angles = position * base ** (-np.arange(0, head_dim, 2) / head_dim)
    both = np.stack([np.cos(angles), np.sin(angles)])
    return np.tile(np.repeat(both, 2, axis=1), heads).astype(np.float32)
