"""A layer of a transformer for one token in NumPy, in the order and rounding that it declares.

Vectors are lists of parts, one for each row or column of PEs.
"""

import numpy as np
from mesh_orders import adder, reduced
from mesh_runs import chain, once

Parts = list[np.ndarray]


class Decode:
    def __init__(self, layer, context, grid, format, kind, groups=0):
        self.dim, self.ffn, self.heads = layer["dim"], layer["ffn"], layer["heads"]
        self.epsilon, self.context = layer["epsilon"], context
        (self.width, self.height), self.format = grid, format
        self.kind, self.groups = kind, groups

    def round(self, value):
        return once(np.asarray(value, np.longdouble), self.format)

    def down(self, size) -> list[np.ndarray]:
        """Elements of each row of PEs."""
        chunk = -(-size // self.height)
        return [np.arange(size)[y * chunk : (y + 1) * chunk] for y in range(self.height)]

    def across(self, size, heads=1, even=1) -> list[np.ndarray]:
        """Elements of each column of PEs; heads have columns of their own."""
        each, columns = size // heads, self.width // heads
        chunk = -(-each // columns)
        chunk += chunk % even if even == 2 else 0
        return [
            head * each + np.arange(each)[x * chunk : (x + 1) * chunk]
            for head in range(heads)
            for x in range(columns)
        ]

    def sum(self, parts, kind=None, combine=None):
        add = combine or adder(self.format)
        return reduced(kind or self.kind, parts, add, self.groups)

    def gemv(self, x, w, rows, kind=None):
        parts = [chain(x[None, r], w[r], list(range(len(r))), self.format)[0] for r in rows]
        return self.sum(parts, kind)

    def norm(self, h, weight):
        squares = []
        for rows in self.down(self.dim):
            total = np.longdouble(0)
            # Padding adds zeros.
            for value in self.round(h[rows] * h[rows]):
                total = self.round(total + value)
            squares.append(total)
        mean = self.round(self.sum(squares) * self.round(1 / self.dim))
        root = self.function(lambda v: 1 / np.sqrt(v), self.round(mean + self.round(self.epsilon)))
        return self.round(self.round(h * root) * weight)

    def function(self, of, value):
        return self.round(of(np.asarray(value, np.float64)))

    def rotate(self, v, cos, sin):
        turned = np.empty_like(v)
        turned[0::2] = self.round(v[1::2] * -sin[0::2])
        turned[1::2] = self.round(v[0::2] * sin[1::2])
        return self.round(self.round(v * cos) + turned)

    def rows_of_tokens(self, count):
        """Tokens of each row, the oldest first; the last rows have one more."""
        few, more = divmod(count, self.height)
        rows, begin = [], 0
        for y in range(self.height):
            end = begin + few + (y >= self.height - more)
            rows.append(list(range(begin, end)))
            begin = end
        return rows

    def slots(self):
        """Tokens of each row by slot, after the new one: it has the slot of the one that left."""
        before = self.rows_of_tokens(self.context - 1)
        after = self.rows_of_tokens(self.context)
        for y, row in enumerate(before):
            (came,) = [t for t in after[y] if t not in row] or [None]
            left = [t for t in row if t not in after[y]]
            if left:
                row[row.index(left[0])] = came
            elif came is not None:
                row.append(came)
        return before

    def layer(self, given):
        v = {name: self.round(np.asarray(each, np.float32)) for name, each in given.items()}
        h, inner = v["hidden"], self.across(self.dim, self.heads, 2)
        normed = self.norm(h, v["attention_norm"])
        rows = self.down(self.dim)
        q, k, new = (self.gemv(normed, v[name], rows) for name in ("wq", "wk", "wv"))
        q, k = self.rotate(q, v["cos"], v["sin"]), self.rotate(k, v["cos"], v["sin"])
        self.keys, self.values = np.vstack([v["keys"], k]), np.vstack([v["values"], new])
        q = self.round(q * self.round(1 / np.sqrt(np.float64(self.dim // self.heads))))
        slots = self.slots()
        attended = np.zeros(self.dim, np.longdouble)
        columns = self.width // self.heads
        for head in range(self.heads):
            mine = inner[head * columns : (head + 1) * columns]
            whole = np.concatenate(mine)
            scores = [self.scores(q, tokens, mine) for tokens in slots]
            weights = self.softmax(scores)
            parts = [
                chain(np.float32(weight)[None], self.values[tokens][:, whole],
                      list(range(len(tokens))), self.format)[0]
                for weight, tokens in zip(weights, slots, strict=True)
            ]  # fmt: skip
            attended[whole] = self.sum(parts)
        h = self.round(h + self.gemv(attended, v["wo"], inner))
        normed = self.norm(h, v["ffn_norm"])
        up, gate = (self.gemv(normed, v[name], rows) for name in ("w_up", "w_gate"))
        act = self.round(up * self.function(lambda g: g / (1 + np.exp(-g)), gate))
        return np.float32(self.round(h + self.gemv(act, v["w_down"], self.across(self.ffn))))

    def scores(self, q, tokens, columns):
        kind = self.kind if self.heads == 1 else "chain"
        keys = self.keys[tokens]
        parts = [
            chain(q[None, c], keys[:, c].T, list(range(len(c))), self.format)[0] for c in columns
        ]
        return self.sum(parts, kind)

    def softmax(self, scores):
        lowest = np.longdouble(-65504 if self.format == "fp16" else -3e38)
        top = self.sum([s.max() if len(s) else lowest for s in scores], combine=np.maximum)
        powers = [self.function(np.exp, self.round(s - top)) for s in scores]
        sums = []
        for row in powers:
            total = np.longdouble(0)
            for power in row:
                total = self.round(total + power)
            sums.append(total)
        inverse = self.function(lambda z: 1 / z, self.sum(sums))
        return [self.round(power * inverse) for power in powers]
