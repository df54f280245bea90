"""One layer of a transformer for one new token, as WaferLLM (OSDI 2025) decodes.

Axes alternate from product to product: the token lies along y, queries, keys and values along x.
10 allreduces: of the squares' sum, q k v, scores, their largest, their sum, what attention gives,
its projection, the squares' sum, up and gate, down. The cache has a row's tokens in each row of
PEs, and takes the new one first (``kv_cache``).
"""

import numpy.typing as npt

from arch.errors import InputError
from arch.mesh.program import Combine, Function
from arch.mesh.wavelet import WaveletMesh
from traces.mapping.mesh.assembly import (
    Mapped,
    check_colours,
    check_format,
    check_grid,
    check_memory,
    check_slots,
)
from traces.mapping.mesh.decode_sizes import DecodeLayout, Layer
from traces.mapping.mesh.decode_values import decode_values
from traces.mapping.mesh.flow import ALLREDUCE_COLOURS, ALLREDUCES, Axis, Flow
from traces.mapping.mesh.kv_cache import COLOURS as SHIFT_COLOURS
from traces.mapping.mesh.kv_cache import shift_routes
from traces.mapping.mesh.mesh_gemv import local
from traces.mesh.commands import Command, mark, recv, send, vec, wait

SLOTS = 3
LOWEST = {"fp16": -65504.0, "bf16": -3e38, "fp32": -3e38}
"""Below any score."""
STAGES = (
    "attention norm", "q k v", "rotation", "append", "scores", "softmax", "values", "o",
    "ffn norm", "up gate", "down", "end",
)  # fmt: skip
"""By their marks."""
INVERSE_DIM, EPSILON, SCALE = range(3)
"""Constants in memory."""


def transformer_decode_layer(
    mesh: WaveletMesh, layer: Layer, context: int, grid: tuple[int, int], format: str = "fp16",
    allreduce: str = "k_tree", groups: int = 0, as_published: bool = False,
    values: dict[str, npt.ArrayLike] | None = None,
) -> Mapped:  # fmt: skip
    """Program of a layer on a grid of width x height; ``context`` tokens, the new one included.

    ``values``, if any, are hidden [dim]; attention_norm, ffn_norm [dim]; wq, wk, wv, wo [dim, dim];
    w_up, w_gate [dim, ffn]; w_down [ffn, dim]; cos, sin [dim] of the new token's position, pairs of
    neighbours alike; keys, values [context - 1, dim] of the tokens before. Region ``hidden`` has
    the result. Each command rounds to ``format``. MARK notes the begin of each of ``STAGES``.

    A PE has an even number of a query's elements, so that pairs of a rotation are in one PE.

    ``as_published`` is what WaferLLM's code times (``Decode/WSE-2/src/decode.csl``), not a whole
    layer: any number of a query's elements, and a pair in two PEs is not rotated; nothing is
    appended to the cache; SILU of as many elements as a PE has of the token. Raises InputError.
    """
    width, height = grid
    where = f"decode_layer:{layer},context={context},grid={width}x{height},{allreduce},{format}"
    check_grid(where, mesh, width, height)
    check_format(where, mesh, format)
    check_slots(where, mesh, SLOTS)
    layer.check(where, width)
    if context < 1:
        raise InputError(f"{where}: context must be 1 at least: the new token")
    if allreduce not in ALLREDUCES:
        raise InputError(f"{where}: allreduce must be one of {', '.join(ALLREDUCES)}")
    if as_published and values is not None:
        raise InputError(f"{where}: as_published is for timing; values must be left out")

    def layout(across: int, down: int) -> DecodeLayout:
        return DecodeLayout(layer, context, across, down, format, as_published)

    check_memory(where, mesh, grid, lambda *at: layout(*at).memory().bytes)
    made = _Decode(layout(width, height), allreduce, groups, as_published)
    check_colours(where, mesh, made.colours)
    made.attention()
    made.feed_forward()
    given = {} if values is None else decode_values(made.layout, values)
    program = made.flow.program(where, made.memory.regions, given)
    return Mapped(program, {}, _notes(made.layout, as_published))


def _notes(layout: DecodeLayout, as_published: bool) -> tuple[str, ...]:
    notes = ["keys and values have as many heads as queries, as in WaferLLM's configurations"]
    if as_published:
        notes.append(
            "as WaferLLM's code times it: nothing is appended to the cache, SILU of the elements "
            "that a PE has of the token"
        )
    padded = [
        f"{name}={over.chunk * over.positions}"
        for name, over, size in (
            ("dim along y", layout.hidden, layout.layer.dim),
            ("dim along x", layout.heads, layout.layer.dim),
            ("ffn", layout.ffn, layout.layer.ffn),
        )
        if over.chunk * over.positions != size
    ]
    if padded:
        notes.append(f"padded with zeros to {', '.join(padded)}")
    return tuple(notes)


class _Decode:
    def __init__(
        self, layout: DecodeLayout, allreduce: str, groups: int, as_published: bool
    ) -> None:
        self.layout, self.allreduce, self.groups = layout, allreduce, groups
        self.as_published = as_published
        self.format = layout.format
        self.memory = layout.memory()
        self.at = {region.name: region.start for region in self.memory.regions}
        self.flow = Flow(layout.width, layout.height)
        each = ALLREDUCE_COLOURS[allreduce]
        self.colour: dict[Axis, int] = {"y": 0, "x": each}
        self.shift_colour = 2 * each
        # Heads have lines of their own along x; a chain's three colours do for any number.
        self.head_allreduce = allreduce if layout.layer.heads == 1 else "chain"
        self.head_colour = self.colour["x"]
        self.colours = self.shift_colour + SHIFT_COLOURS
        if layout.layer.heads > 1:
            self.head_colour = self.colours
            self.colours += ALLREDUCE_COLOURS["chain"]

    def vec(
        self, function: Function, length: int, dst: int, a: int, b: int = -1, **others: int
    ) -> Command:
        return vec(function, length, dst, a, b, self.format, **others)

    def reduce(self, axis: Axis, elements: int, at: int, combine: Combine = Combine.ADD) -> None:
        self.flow.reduce(
            axis, self.allreduce, elements, at, self.format, self.colour[axis], combine,
            self.groups,
        )  # fmt: skip

    def stage(self, name: str) -> None:
        self.flow.all(mark(STAGES.index(name)))

    def rms_norm(self, weight: str) -> None:
        """normed = hidden / sqrt(mean of squares + epsilon) * weight."""
        at, size = self.at, self.layout.hidden.chunk
        one, constants = at["one"], at["constants"]
        self.flow.all(
            self.vec(Function.MUL, size, at["normed"], at["hidden"], at["hidden"]),
            self.vec(Function.SUM, size, one, at["normed"]),
        )
        self.reduce("y", 1, one)
        self.flow.all(
            self.vec(Function.MUL, 1, one, one, constants + INVERSE_DIM),
            self.vec(Function.ADD, 1, one, one, constants + EPSILON),
            self.vec(Function.RSQRT, 1, one, one),
            self.vec(Function.MUL, size, at["normed"], at["hidden"], one, b_element=0),
            self.vec(Function.MUL, size, at["normed"], at["normed"], at[weight]),
        )

    def attention(self) -> None:
        at, c, a = self.at, self.layout.heads.chunk, self.layout.hidden.chunk
        self.stage("attention norm")
        self.rms_norm("attention_norm")
        self.stage("q k v")
        for part, weight in enumerate(("wq", "wk", "wv")):
            out = at["qkv"] + part * c
            self.flow.all(*local(at["normed"], at[weight], out, a, c, self.format))
        self.reduce("y", 3 * c, at["qkv"])
        q, k = at["qkv"], at["qkv"] + c
        self.stage("rotation")
        self.rotate(q)
        self.rotate(k)
        self.flow.all(self.vec(Function.MUL, c, q, q, at["constants"] + SCALE, b_element=0))
        self.stage("append")
        if not self.as_published:
            self.append()
        self.stage("scores")
        self.scores(q)
        self.stage("softmax")
        self.softmax()
        self.stage("values")
        self.flow.rows(self.weighted)
        self.reduce("y", c, at["attended"])
        self.stage("o")
        self.project("attended", "wo", c)

    def rotate(self, vector: int) -> None:
        """Pairs of neighbours (e, o) to (e cos - o sin, o cos + e sin); ``sin`` has the signs."""
        at, c = self.at, self.layout.heads.chunk
        turned, half = at["turned"], {"dst_element": 2, "a_element": 2, "b_element": 2}
        self.flow.all(
            self.vec(Function.MUL, c // 2, turned, vector + 1, at["sin"], **half),
            self.vec(Function.MUL, c // 2, turned + 1, vector, at["sin"] + 1, **half),
            self.vec(Function.MUL, c, vector, vector, at["cos"]),
            self.vec(Function.ADD, c, vector, vector, turned),
        )

    def append(self) -> None:
        """The new key and value into the last row; rows that have their share shift one on."""
        height = self.layout.height
        before = self.layout.context - 1
        grows = height - 1 - before % height
        self.flow.route_rows(shift_routes(height, self.shift_colour))
        self.flow.rows(lambda row: self.shift(row, grows, before // height))

    def shift(self, row: int, grows: int, full: int) -> list[Command]:
        if row < grows:
            return []
        at, c, slots = self.at, self.layout.heads.chunk, self.layout.slots
        # The oldest token of a row is in its first slot.
        slot = full if row == grows else 0
        key = at["k_cache"] + slot, slots
        value = at["v_cache"] + slot * c, 1
        commands: list[Command] = []
        for new, (held, distance) in ((at["qkv"] + c, key), (at["qkv"] + 2 * c, value)):
            if row > grows:
                colour = self.shift_colour + row % 2
                commands.append(send(colour, c, held, self.format, 1, a_element=distance))
            if row < self.layout.height - 1:
                colour = self.shift_colour + (row + 1) % 2
                commands.append(recv(colour, c, new, self.format, 2))
            commands += [
                wait(1, 2),
                self.vec(Function.COPY, c, held, new, dst_element=distance),
            ]
        return commands

    def scores(self, q: int) -> None:
        """Scores of a row's tokens, summed over the columns of a head."""
        at, c, layout = self.at, self.layout.heads.chunk, self.layout
        tokens = layout.tokens
        self.flow.rows(
            lambda row: local(
                q, at["k_cache"], at["scores"], c, tokens[row], self.format, layout.slots
            )
        )
        self.flow.reduce_rows(
            self.head_allreduce, tokens, at["scores"], self.format, self.head_colour,
            layout.width // layout.layer.heads, self.groups,
        )  # fmt: skip

    def softmax(self) -> None:
        at, tokens = self.at, self.layout.tokens
        scores, one = at["scores"], at["one"]

        def of_scores(function: Function, row: int, none: float) -> list[Command]:
            if tokens[row]:
                return [self.vec(function, tokens[row], one, scores)]
            return [vec(Function.FILL, 1, one, format=self.format, constant=none)]

        self.flow.rows(lambda row: of_scores(Function.TOP, row, LOWEST[self.format]))
        self.reduce("y", 1, one, Combine.MAX)
        self.flow.rows(
            lambda row: [
                self.vec(Function.SUB, tokens[row], scores, scores, one, b_element=0),
                self.vec(Function.EXP, tokens[row], scores, scores),
                *of_scores(Function.SUM, row, 0.0),
            ]
        )
        self.reduce("y", 1, one)
        self.flow.all(self.vec(Function.RECIPROCAL, 1, one, one))
        self.flow.rows(
            lambda row: [self.vec(Function.MUL, tokens[row], scores, scores, one, b_element=0)]
        )

    def weighted(self, row: int) -> list[Command]:
        """Values of a row's tokens, each by its weight."""
        at, c = self.at, self.layout.heads.chunk
        tokens = self.layout.tokens[row]
        return local(at["scores"], at["v_cache"], at["attended"], tokens, c, self.format)

    def feed_forward(self) -> None:
        at, a, f = self.at, self.layout.hidden.chunk, self.layout.ffn.chunk
        self.stage("ffn norm")
        self.rms_norm("ffn_norm")
        self.stage("up gate")
        up, gate = at["up_gate"], at["up_gate"] + f
        self.flow.all(*local(at["normed"], at["w_up"], up, a, f, self.format))
        self.flow.all(*local(at["normed"], at["w_gate"], gate, a, f, self.format))
        self.reduce("y", 2 * f, up)
        gated = min(a, f) if self.as_published else f
        self.flow.all(
            self.vec(Function.SILU, gated, gate, gate), self.vec(Function.MUL, f, up, up, gate)
        )
        self.stage("down")
        self.project("up_gate", "w_down", f)
        self.stage("end")

    def project(self, source: str, weight: str, rows: int) -> None:
        """Back to the token's layout, and the residual."""
        at, a = self.at, self.layout.hidden.chunk
        self.flow.all(*local(at[source], at[weight], at["projected"], rows, a, self.format))
        self.reduce("x", a, at["projected"])
        self.flow.all(self.vec(Function.ADD, a, at["hidden"], at["hidden"], at["projected"]))
