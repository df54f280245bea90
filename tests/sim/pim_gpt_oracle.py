"""A GPT in plain loops, with the roundings that docs/pim.md says: the memory's and the chip's."""

import numpy as np
import pim_values_oracle as oracle

F = np.float32
CHUNK = 1024
"""Elements of the global buffer."""


class Gpt:
    """Generates with caches of keys and values; ``layers`` as ``sim.pim.value_model`` has them."""

    def __init__(self, weights, heads, form, adders, group) -> None:  # type: ignore[no-untyped-def]
        """``group``: outputs at a time; sums of more go on on the chip after CHUNK elements."""
        self.w, self.heads, self.form, self.adders, self.group = weights, heads, form, adders, group
        self.keys = [[] for _ in weights.layers]  # type: ignore[var-annotated]
        self.values = [[] for _ in weights.layers]  # type: ignore[var-annotated]

    def r(self, x):  # type: ignore[no-untyped-def]
        return oracle.stored(x, self.form)

    def product(self, matrix, vector, bias=None):  # type: ignore[no-untyped-def]
        if bias is not None:
            bias = self.r(bias)
        chunk = CHUNK if len(vector) > CHUNK and len(matrix) > self.group else None
        return oracle.gemv(self.r(matrix), vector, self.form, chunk, bias)

    def norm(self, x, gain, bias):  # type: ignore[no-untyped-def]
        return oracle.norm(x, self.r(gain), self.r(bias), self.form, self.adders)

    def step(self, token):  # type: ignore[no-untyped-def]
        """Logits."""
        w, position = self.w, len(self.keys[0])
        x = self.r(self.r(w.embedding[token]) + self.r(w.positions[position]))
        for number, layer in enumerate(w.layers):
            x = self.block(number, layer, x)
        return self.product(w.embedding, self.norm(x, w.final_gain, w.final_bias))

    def block(self, number, layer, x):  # type: ignore[no-untyped-def]
        size = len(layer.qkv) // 3 // self.heads
        scale = F(1 / np.sqrt(size))
        qkv, bias = layer.qkv.copy(), layer.qkv_bias.copy()
        qkv[: size * self.heads] *= scale
        bias[: size * self.heads] *= scale
        y = self.norm(x, layer.attention_gain, layer.attention_bias)
        query, key, value = self.product(qkv, y, bias).reshape(3, self.heads, size)
        self.keys[number].append(key)
        self.values[number].append(value)
        mixed = []
        for head in range(self.heads):
            past = [k[head] for k in self.keys[number]]
            scores = oracle.gemv(past, query[head], self.form)
            weights = oracle.softmax(scores, self.form, self.adders)
            columns = np.stack([v[head] for v in self.values[number]]).T
            mixed.append(oracle.gemv(columns, weights, self.form))
        y = self.product(layer.out, np.concatenate(mixed), layer.out_bias)
        x = self.r(y + x)
        y = self.norm(x, layer.ffn_gain, layer.ffn_bias)
        inner = self.product(layer.up, y, layer.up_bias)
        inner = self.r([oracle.gelu(v) for v in inner])
        return self.r(self.product(layer.down, inner, layer.down_bias) + x)
