"""A layer of a transformer for a prompt in NumPy, in the order and rounding that it declares."""

import numpy as np
from mesh_orders import adder, reduced
from mesh_runs import chain, once


class Prefill:
    def __init__(self, layer, tokens, side, format, kind):
        self.dim, self.ffn, self.epsilon = layer["dim"], layer["ffn"], layer["epsilon"]
        self.tokens, self.side, self.format, self.kind = tokens, side, format, kind
        line = [*range(0, side, 2), *reversed(range(1, side, 2))]
        self.at, self.place = line, [line.index(each) for each in range(side)]

    def round(self, value):
        return once(np.asarray(value, np.longdouble), self.format)

    def blocks(self, size, even=False):
        chunk = -(-size // self.side)
        chunk += chunk % 2 if even else 0
        return [np.arange(size)[n * chunk : (n + 1) * chunk] for n in range(self.side)]

    def gemm(self, x, w, inner, outer, order=1):
        """X W: at places (r, l) the blocks l + r - s, or of X W^T those at l - r + s."""
        whole = np.zeros((len(x), w.shape[1]), np.longdouble)
        for i, rows in enumerate(self.blocks(len(x))):
            for j, columns in enumerate(outer):
                r, l = self.place[i], self.place[j]  # noqa: E741
                places = [(l + r - s if order > 0 else l - r + s) for s in range(self.side)]
                ks = [int(k) for p in places for k in inner[self.at[p % self.side]]]
                whole[np.ix_(rows, columns)] = chain(x[rows], w[:, columns], ks, self.format)
        return whole

    def along_rows(self, parts, combine=None):
        """Parts [tokens] of the columns of PEs."""
        return reduced(self.kind, parts, combine or adder(self.format))

    def total(self, x, blocks, combine=None):
        """Over each PE's columns from the first on, then over PEs; none is zero."""
        add, parts = combine or adder(self.format), []
        for block in blocks:
            total = x[:, block[0]] if len(block) else np.zeros(len(x), np.longdouble)
            for column in block[1:]:
                total = add(total, x[:, column])
            parts.append(total)
        return self.along_rows(parts, combine)

    def function(self, of, value):
        return self.round(of(np.asarray(value, np.float64)))

    def norm(self, h, weight):
        mean = self.total(self.round(h * h), self.blocks(self.dim, True))
        mean = self.round(self.round(mean * self.round(1 / self.dim)) + self.round(self.epsilon))
        root = self.function(lambda v: 1 / np.sqrt(v), mean)
        return self.round(self.round(h * root[:, None]) * weight)

    def rotate(self, t, cos, sin):
        turned = np.empty_like(t)
        turned[:, 0::2] = self.round(t[:, 1::2] * -sin[:, 0::2])
        turned[:, 1::2] = self.round(t[:, 0::2] * sin[:, 1::2])
        return self.round(self.round(t * cos) + turned)

    def layer(self, given):
        v = {name: self.round(np.asarray(each, np.float32)) for name, each in given.items()}
        h, dims, ffn = v["hidden"], self.blocks(self.dim, True), self.blocks(self.ffn)
        seen = self.blocks(self.tokens)
        normed = self.norm(h, v["attention_norm"])
        q, k, self.values = (self.gemm(normed, v[w], dims, dims) for w in ("wq", "wk", "wv"))
        q, self.keys = (self.rotate(t, v["cos"], v["sin"]) for t in (q, k))
        q = self.round(q * self.round(1 / np.sqrt(np.float64(self.dim))))
        scores = self.gemm(q, self.keys.T, dims, seen, order=-1)
        masked = -32768.0 if self.format == "fp16" else np.float32(-1e30)
        behind = np.triu(np.full(scores.shape, masked, np.longdouble), 1)
        scores = self.round(scores + behind)
        top = scores.max(1)
        powers = self.function(np.exp, self.round(scores - top[:, None]))
        inverse = self.function(lambda z: 1 / z, self.total(powers, seen))
        weights = self.round(powers * inverse[:, None])
        attended = self.gemm(weights, self.values, seen, dims)
        h = self.round(h + self.gemm(attended, v["wo"], dims, dims))
        normed = self.norm(h, v["ffn_norm"])
        up, gate = (self.gemm(normed, v[w], dims, ffn) for w in ("w_up", "w_gate"))
        act = self.round(up * self.function(lambda g: g / (1 + np.exp(-g)), gate))
        return np.float32(self.round(h + self.gemm(act, v["w_down"], ffn, dims)))
