"""Sizes of a layer on a square grid in a prefill, and its values laid there."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from traces.mapping.mesh.decode_sizes import Layer
from traces.mapping.mesh.tiles import Floats, Memory, Tiles, rounded

MASKED = {"fp16": -32_768.0, "bf16": -1e30, "fp32": -1e30}
"""What is added to scores of tokens behind."""


@dataclass(frozen=True)
class PrefillLayout:
    """Of ``tokens`` tokens on ``side`` x ``side`` PEs."""

    layer: Layer
    tokens: int
    side: int
    format: str
    odd_chunks: bool = False

    @property
    def token_chunk(self) -> int:
        """Tokens of a PE."""
        return -(-self.tokens // self.side)

    @property
    def dim_chunk(self) -> int:
        """Elements of a token in a PE, pairs of a rotation in one PE."""
        chunk = -(-self.layer.dim // self.side)
        return chunk if self.odd_chunks else chunk + chunk % 2

    @property
    def ffn_chunk(self) -> int:
        """Of those inside the FFN."""
        return -(-self.layer.ffn // self.side)

    def memory(self) -> Memory:
        """Regions of a PE."""
        m, d, f = self.token_chunk, self.dim_chunk, self.ffn_chunk
        memory = Memory(self.format)
        for name, elements in {
            "hidden": d * m, "normed": d * m, "x_next": m * max(m, d, f),
            "wq": d * d, "wk": d * d, "wv": d * d, "wo": d * d,
            "w_up": d * f, "w_gate": d * f, "w_down": f * d, "w_next": d * max(d, f, m),
            "q": d * m, "k": d * m, "v": d * m, "k_cache": d * m, "v_cache": d * m,
            "cos": d * m, "sin": d * m, "scores": m * m, "mask": m * m, "attended": d * m,
            "up": f * m, "gate": f * m, "projected": d * m, "total": m,
            "attention_norm": d, "ffn_norm": d, "constants": 3,
        }.items():  # fmt: skip
            memory.add(name, elements)
        return memory

    def notes(self) -> tuple[str, ...]:
        """Of padding, and of what is read in another way."""
        notes = ["keys and values have as many heads as queries, as in WaferLLM's configurations"]
        padded = [
            f"{name}={chunk * self.side}"
            for name, chunk, size in (
                ("tokens", self.token_chunk, self.tokens),
                ("dim", self.dim_chunk, self.layer.dim),
                ("ffn", self.ffn_chunk, self.layer.ffn),
            )
            if chunk * self.side != size
        ]
        if padded:
            notes.append(f"padded with zeros to {', '.join(padded)}")
        return tuple(notes)

    def tokens_by_dim(self, region: str) -> Tiles:
        """A matrix [tokens, dim], elements of a column neighbours."""
        y, x = np.indices((self.side, self.side))
        return Tiles(
            region, self.tokens, self.layer.dim, self.token_chunk, self.dim_chunk, y, x, True
        )


def prefill_values(
    layout: PrefillLayout, places: tuple[int, ...], given: Mapping[str, npt.ArrayLike]
) -> dict[str, Floats]:
    """Values of regions, from those of ``transformer_prefill_layer``.

    ``places`` of the positions in their ring: the host skews weights for it.
    """
    layer, side, format = layout.layer, layout.side, layout.format
    y, x = np.indices((side, side))
    place = np.array(places)
    skewed = np.argsort(place)[(place[y] + place[x]) % side]
    made = {"hidden": layout.tokens_by_dim("hidden").placed(given["hidden"], format)}
    signs = np.where(np.arange(layer.dim) % 2, 1, -1)
    made["cos"] = layout.tokens_by_dim("cos").placed(given["cos"], format)
    made["sin"] = layout.tokens_by_dim("sin").placed(np.asarray(given["sin"]) * signs, format)
    dim, ffn = (layer.dim, layout.dim_chunk), (layer.ffn, layout.ffn_chunk)
    for names, (rows, row_chunk), (columns, column_chunk) in (
        (("wq", "wk", "wv", "wo"), dim, dim),
        (("w_up", "w_gate"), dim, ffn),
        (("w_down",), ffn, dim),
    ):
        for name in names:
            tiles = Tiles(name, rows, columns, row_chunk, column_chunk, skewed, x)
            made[name] = tiles.placed(given[name], format)
    for name in ("attention_norm", "ffn_norm"):
        row = Tiles(name, 1, layer.dim, 1, layout.dim_chunk, np.zeros_like(x), x)
        made[name] = row.placed(np.reshape(given[name], (1, -1)), format)
    constants = [1 / layer.dim, layer.epsilon, 1 / math.sqrt(layer.head_dim)]
    made["constants"] = np.tile(rounded(constants, format), (side, side, 1))
    padded = layout.token_chunk * side
    ahead = np.triu(np.full((padded, padded), MASKED[format], np.float32), 1)
    chunk = layout.token_chunk
    mask = Tiles("mask", padded, padded, chunk, chunk, y, x, column_major=True)
    made["mask"] = mask.placed(ahead, format)
    return made
