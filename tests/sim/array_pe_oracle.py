"""The systolic array with PEs as objects: one word and its tag at a time.

Slow and obvious: control travels with the words as tags instead of being worked out from times.
Only the starts of the folds come from the schedule in ``array_oracle``. ``run`` steps until all
output vectors have left and fills ``registers``, a plane of each register for each cycle.
"""

from dataclasses import dataclass, field

from array_oracle import Fold, tile_folds

from arch.array import Array

Matrix = list[list[int]]
Tag = tuple[int, int]
"""Fold and vector of a word."""
Word = tuple[int, Tag | None]
NOTHING: Word = (0, None)
"""A word that nobody sent."""


def cut(matrix: Matrix, rows: int, cols: int, grid_rows: int, grid_cols: int) -> list[list[Matrix]]:
    """Blocks of at most ``grid_rows`` x ``grid_cols`` of a ``rows`` x ``cols`` matrix."""
    return [
        [
            [line[y : y + grid_cols] for line in matrix[x : x + grid_rows]]
            for y in range(0, cols, grid_cols)
        ]
        for x in range(0, rows, grid_rows)
    ]


def fit(value: int, bits: int, overflow: str) -> int:
    """A product or sum in the accumulator format."""
    half = 1 << (bits - 1)
    if overflow == "saturate":
        return sorted([-half, value, half - 1])[1]
    return (value + half) % (2 * half) - half


@dataclass
class WsPe:
    operand: Word = NOTHING
    weight: int = 0
    shadow: int = 0
    fresh: bool = False
    """Whether the shadow holds a word of the load that passes."""
    psum: list[Word] = field(default_factory=list)


class WsMachine:
    """``a @ b`` with ``b`` held in the PEs, for one group; ``run`` fills ``registers``."""

    def __init__(self, array: Array, a: Matrix, b: Matrix, bits: int) -> None:
        self.array, self.bits = array, bits
        m, k, n = len(a), len(b), len(b[0])
        self.out = [[0] * n for _ in range(m)]
        self.folds: list[tuple[Fold, Matrix, Matrix, int]] = []
        """Times, stationary block, stream (a list of vectors), first output column."""
        streams = cut(a, m, k, m, array.rows)[0]
        held = cut(b, k, n, array.rows, array.cols)
        order = [(y, x) for x in range(len(held[0])) for y in range(len(held))]
        times = tile_folds(array, *((m, n, k) if array.dataflow == "ws" else (n, m, k)))
        for fold, (y, x) in zip(times, order, strict=True):
            self.folds.append((fold, held[y][x], streams[y], x * array.cols))
        self.registers: list[dict[str, Matrix]] = []
        p = array.pe_latency_cycles
        self.pes = [
            [WsPe(psum=[NOTHING] * p) for _ in range(array.cols)] for _ in range(array.rows)
        ]

    def fit(self, value: int) -> int:
        return fit(value, self.bits, self.array.accumulator_overflow)

    def left_edge(self, r: int, x: int) -> Word:
        for f, (fold, _, stream, _) in enumerate(self.folds):
            i = x - fold.s - r * self.array.pe_latency_cycles
            if 0 <= i < fold.t and r < fold.a:
                return (stream[i][r] if r < len(stream[i]) else 0), (f, i)
        return NOTHING

    def top_edge(self, c: int, x: int) -> tuple[int, bool] | None:
        """The stationary word that enters column c, and whether it is the first of its fold."""
        for fold, block, _, _ in self.folds:
            word = x - fold.l - c
            if 0 <= word < fold.a:
                r = fold.a - 1 - word
                used = r < len(block) and c < len(block[0])
                return (block[r][c] if used else 0), word == 0
        return None

    def next_pe(self, r: int, c: int, x: int) -> WsPe:
        pe = self.pes[r][c]
        value, tag = self.pes[r][c - 1].operand if c else self.left_edge(r, x)
        above = self.pes[r - 1][c].psum[-1][0] if r else 0
        new = WsPe((value, tag), pe.weight, pe.shadow, pe.fresh)
        overlapped = self.array.weight_load == "overlapped"
        if overlapped and tag is not None and tag[1] == 0:
            new.weight = pe.shadow
        new.psum = [(self.fit(above + self.fit(new.weight * value)), tag), *pe.psum[:-1]]
        word = self.top_edge(c, x)
        if word is not None:
            first = word[1]
            new.fresh = r == 0 or (self.pes[r - 1][c].fresh and not first)
            if new.fresh:
                above_pe = self.pes[r - 1][c]
                source = above_pe.shadow if overlapped else above_pe.weight
                loaded = source if r else word[0]
                if overlapped:
                    new.shadow = loaded
                else:
                    new.weight = loaded
        return new

    def run(self) -> int:
        """Step until all output vectors have left; returns the cycles."""
        rows, cols = range(self.array.rows), range(self.array.cols)
        due: dict[int, list[tuple[int, int, int, int]]] = {}
        missing = sum(fold.t * fold.b for fold, *_ in self.folds)
        x = 0
        while missing:
            self.pes = [[self.next_pe(r, c, x) for c in cols] for r in rows]
            names = ["weight", "shadow"] if self.array.weight_load == "overlapped" else ["weight"]
            planes = {n: [[getattr(pe, n) for pe in row] for row in self.pes] for n in names}
            planes["operand"] = [[pe.operand[0] for pe in row] for row in self.pes]
            for stage in range(self.array.pe_latency_cycles):
                planes[f"psum{stage}"] = [[pe.psum[stage][0] for pe in row] for row in self.pes]
            self.registers.append(planes)
            for r in rows:
                for c in cols:
                    value, tag = self.pes[r][c].psum[-1]
                    fold = self.folds[tag[0]][0] if tag is not None else None
                    if tag is not None and fold is not None and r == fold.a - 1 and c < fold.b:
                        deskew = fold.b - 1 - c
                        due.setdefault(x + deskew, []).append((*tag, c, value))
            leaving = due.pop(x, [])
            assert len({(f, i) for f, i, _, _ in leaving}) <= 1, "two vectors at the port"
            for f, i, c, value in leaving:
                missing -= 1
                col = self.folds[f][3] + c
                if col < len(self.out[0]) and c < len(self.folds[f][1][0]):
                    self.out[i][col] = self.fit(self.out[i][col] + value)
            x += 1
        return x


@dataclass
class OsPe:
    left: Word = NOTHING
    top: Word = NOTHING
    product: list[Word] = field(default_factory=list)
    sum: int = 0
    drain: int = 0
    owner: int | None = None
    """Fold whose word, still to leave, is in the drain register (drain serial: in the sum)."""


class OsMachine:
    """``a @ b`` with the sums held in the PEs, for one group; ``run`` fills ``registers``."""

    def __init__(self, array: Array, a: Matrix, b: Matrix, bits: int) -> None:
        self.array, self.bits = array, bits
        m, k, n = len(a), len(b), len(b[0])
        self.out = [[0] * n for _ in range(m)]
        self.folds: list[tuple[Fold, Matrix, Matrix, int, int]] = []
        """Times, rows of a, columns of b, first output row and column."""
        times = iter(tile_folds(array, m, n, k))
        for y in range(0, m, array.rows):
            for x in range(0, n, array.cols):
                columns = [[line[c] for line in b] for c in range(x, min(n, x + array.cols))]
                self.folds.append((next(times), a[y : y + array.rows], columns, y, x))
        self.registers: list[dict[str, Matrix]] = []
        self.chain = "drain" if array.drain == "overlapped" else "sum"
        self.draining: dict[int, tuple[int, int]] = {}
        """Of a column that drains: fold, words that have left."""
        self.due: dict[int, list[tuple[int, int, int, int]]] = {}
        """By the cycle in which they leave the deskew lines: fold, vector, column, value."""
        stages = array.pe_latency_cycles - 1
        self.pes = [
            [OsPe(product=[NOTHING] * stages) for _ in range(array.cols)] for _ in range(array.rows)
        ]

    def fit(self, value: int) -> int:
        return fit(value, self.bits, self.array.accumulator_overflow)

    def edge(self, which: str, lane: int, x: int) -> Word:
        """Word that enters a row or a column (``which``) in cycle x.

        Columns without a use get zeros, tagged like the words of the others.
        """
        for f, (fold, rows, columns, _, _) in enumerate(self.folds):
            lanes, tagged = (rows, fold.a) if which == "row" else (columns, self.array.cols)
            i = x - fold.s - lane
            if 0 <= i < fold.t and lane < tagged:
                return (lanes[lane][i] if lane < len(lanes) else 0), (f, i)
        return NOTHING

    def run(self) -> int:
        """Step until all output vectors have left; returns the cycles."""
        rows, cols = range(self.array.rows), range(self.array.cols)
        missing = sum(fold.a * fold.b for fold, *_ in self.folds)
        x = 0
        while missing:
            old = self.pes
            self.pes = [[self.next_pe(r, c, x, old) for c in cols] for r in rows]
            self.drain_columns(old, x)
            self.finish_sums(old, x)
            self.registers.append(self.planes())
            leaving = self.due.pop(x, [])
            assert len({(f, i) for f, i, _, _ in leaving}) <= 1, "two vectors at the port"
            for f, i, c, value in leaving:
                missing -= 1
                fold, lines, columns, row, col = self.folds[f]
                r = fold.a - 1 - i
                if r < len(lines) and c < len(columns):
                    self.out[row + r][col + c] = value
            x += 1
        return x

    def planes(self) -> dict[str, Matrix]:
        names = {"sum", self.chain}
        planes = {n: [[getattr(pe, n) for pe in row] for row in self.pes] for n in names}
        planes["left"] = [[pe.left[0] for pe in row] for row in self.pes]
        planes["top"] = [[pe.top[0] for pe in row] for row in self.pes]
        for stage in range(self.array.pe_latency_cycles - 1):
            planes[f"product{stage}"] = [[pe.product[stage][0] for pe in row] for row in self.pes]
        return planes

    def drain_columns(self, old: list[list[OsPe]], x: int) -> None:
        """Columns that drain send their last row's word out and shift the others down."""
        for c, (f, gone) in list(self.draining.items()):
            fold = self.folds[f][0]
            word = getattr(old[fold.a - 1][c], self.chain)
            if c < fold.b:
                self.due.setdefault(x + fold.b - 1 - c, []).append((f, gone, c, word))
            for r in range(fold.a):
                pe = self.pes[r][c]
                if r and old[r - 1][c].owner == f:
                    setattr(pe, self.chain, getattr(old[r - 1][c], self.chain))
                    pe.owner = f
                elif pe.owner == f:
                    pe.owner = None
            self.draining[c] = (f, gone + 1)
            if gone + 1 == fold.a:
                del self.draining[c]

    def finish_sums(self, old: list[list[OsPe]], x: int) -> None:
        """Sums that took their last product wait for the drain; the last row's begins it."""
        for r, row in enumerate(self.pes):
            for c, pe in enumerate(row):
                _, tag = self.arriving(r, c, x, old)
                if tag is None or tag[1] != self.folds[tag[0]][0].t - 1:
                    continue
                pe.owner = tag[0]
                if self.chain == "drain":
                    pe.drain = pe.sum
                if r == self.folds[tag[0]][0].a - 1:
                    assert c not in self.draining, "two folds drain through one column"
                    self.draining[c] = (tag[0], 0)

    def inputs(self, r: int, c: int, x: int, pes: list[list[OsPe]]) -> tuple[Word, Word]:
        left = pes[r][c - 1].left if c else self.edge("row", r, x)
        top = pes[r - 1][c].top if r else self.edge("column", c, x)
        return left, top

    def arriving(self, r: int, c: int, x: int, pes: list[list[OsPe]]) -> Word:
        """The product that the sum of a PE takes in cycle x, and its tag."""
        if self.array.pe_latency_cycles > 1:
            return pes[r][c].product[-1]
        return self.multiply(*self.inputs(r, c, x, pes))

    def multiply(self, left: Word, top: Word) -> Word:
        tag = left[1] if left[1] is not None and top[1] is not None else None
        assert tag is None or left[1] == top[1], "operands of different products meet"
        return self.fit(left[0] * top[0]), tag

    def next_pe(self, r: int, c: int, x: int, old: list[list[OsPe]]) -> OsPe:
        pe = old[r][c]
        left, top = self.inputs(r, c, x, old)
        value, tag = self.arriving(r, c, x, old)
        first = tag is not None and tag[1] == 0
        total = self.fit(value if first else pe.sum + value)
        stages = [self.multiply(left, top), *pe.product][: len(pe.product)]
        return OsPe(left, top, stages, total, pe.drain, pe.owner)
