"""One layer of a transformer for all tokens of a prompt, as WaferLLM (OSDI 2025) prefills.

Tokens lie along y, elements of a token along x. Products are those of MeshGEMM, queries and keys
meet in X W^T (``dist_gemm_t``); what comes out of one is aligned on the grid for the next. Sums
over a token's elements or scores are allreduces along rows.
"""

from collections.abc import Callable

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
from traces.mapping.mesh.decode_layer import EPSILON, INVERSE_DIM, SCALE
from traces.mapping.mesh.decode_sizes import Layer
from traces.mapping.mesh.flow import ALLREDUCES
from traces.mapping.mesh.prefill_sizes import PrefillLayout, prefill_values
from traces.mapping.mesh.prefill_steps import Steps
from traces.mapping.mesh.sequence import Script, Tasks
from traces.mesh.commands import Command, vec

SLOTS = 5


def transformer_prefill_layer(
    mesh: WaveletMesh, layer: Layer, tokens: int, grid: int, format: str = "fp16",
    allreduce: str = "k_tree", groups: int = 0, as_published: bool = False,
    values: dict[str, npt.ArrayLike] | None = None,
) -> Mapped:  # fmt: skip
    """Program of a layer on ``grid`` x ``grid`` PEs; a token attends to itself and those before it.

    ``values``, if any, are those of ``transformer_decode_layer``, but hidden [tokens, dim], cos and
    sin [tokens, dim], and no keys and values: their caches are regions ``k_cache`` and ``v_cache``.
    One head, as in WaferLLM's configurations. Results hidden, k_cache and v_cache are matrices
    [tokens, dim]. Each command rounds to ``format``. MARK notes the end of task n under n.
    ``as_published``: any number of a query's elements, as in decoding. Raises InputError.
    """
    where = f"prefill_layer:{layer},tokens={tokens},grid={grid},{allreduce},{format}"
    check_grid(where, mesh, grid, grid)
    check_format(where, mesh, format)
    check_slots(where, mesh, SLOTS)
    layer.check(where, grid)
    if layer.heads != 1:
        raise InputError(f"{where}: heads must be 1; a prefill has no layout for more")
    if tokens < 1:
        raise InputError(f"{where}: tokens must be 1 at least")
    if as_published and values is not None:
        raise InputError(f"{where}: as_published is for timing; values must be left out")
    if allreduce not in ALLREDUCES:
        raise InputError(f"{where}: allreduce must be one of {', '.join(ALLREDUCES)}")
    check_memory(
        where, mesh, (grid, grid),
        lambda side, _: PrefillLayout(layer, tokens, side, format, as_published).memory().bytes,
    )  # fmt: skip
    layout = PrefillLayout(layer, tokens, grid, format, as_published)
    made = _Prefill(where, layout, allreduce, groups)
    check_colours(where, mesh, made.steps.colours)
    made.attention()
    made.feed_forward()
    if len(made.tasks.tasks) > mesh.pe.tasks:
        raise InputError(
            f"{where}: needs {len(made.tasks.tasks)} tasks; must be {mesh.pe.tasks} at most, those "
            f"of a PE of {mesh.name}"
        )
    routes = made.steps.x_routes, made.steps.columns.routes()
    given = {} if values is None else prefill_values(layout, made.steps.places, values)
    program = made.tasks.program(routes, made.memory.regions, given)
    results = {name: layout.tokens_by_dim(name) for name in ("hidden", "k_cache", "v_cache")}
    return Mapped(program, results, layout.notes())


class _Prefill:
    def __init__(self, name: str, layout: PrefillLayout, allreduce: str, groups: int) -> None:
        self.layout, self.format = layout, layout.format
        self.memory = layout.memory()
        self.at = {region.name: region.start for region in self.memory.regions}
        self.tasks = Tasks(name, layout.side)
        self.steps = Steps(self.tasks, layout.side, layout.format, allreduce, groups)
        self.m, self.d, self.f = layout.token_chunk, layout.dim_chunk, layout.ffn_chunk
        self.ports_x = list(self.steps.x_ports)
        self.ports_y = list(self.steps.y_ports)

    def vec(
        self, function: Function, length: int, dst: int, a: int, b: int = -1, **others: object
    ) -> Command:
        return vec(function, length, dst, a, b, self.format, **others)

    def pair(self, name: str, next_one: str, turned: int = 0) -> tuple[int, int]:
        """Two buffers, the one that has the tile first."""
        both = self.at[name], self.at[next_one]
        return both[turned], both[1 - turned]

    def norm(self, weight: str) -> None:
        """normed = hidden / sqrt(mean of squares + epsilon) * weight, token by token."""
        at, m, d, steps = self.at, self.m, self.d, self.steps
        hidden, normed, squares, total = at["hidden"], at["normed"], at["x_next"], at["total"]

        def build(x: int, _: int) -> list[Command]:
            script = Script()
            script.add(self.vec(Function.MUL, d * m, squares, hidden, hidden))
            steps.over_columns(script, Function.ADD, total, squares, m, d)
            steps.reduce(script, x, m, total)
            for function, constant in ((Function.MUL, INVERSE_DIM), (Function.ADD, EPSILON)):
                number = at["constants"] + constant
                script.add(self.vec(function, m, total, total, number, b_element=0))
            script.add(self.vec(Function.RSQRT, m, total, total))
            steps.by_row(script, Function.MUL, normed, hidden, total, m, d)
            script.repeat(
                d,
                self.vec(
                    Function.MUL, m, normed, normed, at[weight], b_element=0,
                    dst_turn=(m, 0), a_turn=(m, 0), b_turn=(1, 0),
                ),
            )  # fmt: skip
            return script.commands

        self.tasks.add(weight, build, steps.reduce_keys())

    def products(
        self, name: str, source: str, weights: list[tuple[str, str]], inner: int, outer: int,
        after: Callable[[Script], None],
    ) -> None:  # fmt: skip
        """Each (weight, target): target = source weight, source aligned once; then ``after``."""
        steps, m, side = self.steps, self.m, self.layout.side
        turns = steps.align_rows(f"align {source}", self.pair(source, "x_next"), inner * m)

        def build(x: int, y: int) -> list[Command]:
            script, turned = Script(), turns[y]
            for weight, target in weights:
                steps.gemm(
                    script, (x, y), self.pair(source, "x_next", turned),
                    self.pair(weight, "w_next"), self.at[target], (m, inner, outer),
                )  # fmt: skip
                # All steps of a ring bring the tile back, perhaps to the other buffer.
                turned = (turned + side) % 2 if side > 1 else 0
            after(script)
            return script.commands

        keys_y = list(zip(self.ports_y, turns, strict=True))
        self.tasks.add(name, build, self.ports_x, keys_y)

    def attention(self) -> None:
        at, m, d, steps, side = self.at, self.m, self.d, self.steps, self.layout.side
        self.norm("attention_norm")
        weights = [("wq", "q"), ("wk", "k"), ("wv", "v")]
        self.products("q k v", "normed", weights, d, d, self.rotate_and_keep)
        k_turns = steps.align_columns("align k", self.pair("k", "w_next"), d * m)
        # C ends in its first buffer: rows begin in the one from which they get there.
        moves = [steps.rows.alignment(place)[0] for place in steps.places]
        starts = [(side + count) % 2 if side > 1 else 0 for count in moves]

        def score(x: int, y: int) -> list[Command]:
            script = Script()
            sums = self.pair("scores", "x_next", starts[y])
            keys = self.pair("k", "w_next", k_turns[x])
            steps.gemm_t(script, (x, y), at["q"], keys, sums, (m, d, m))
            return script.commands

        self.tasks.add(
            "scores", score, list(zip(self.ports_x, k_turns, strict=True)),
            list(zip(self.ports_y, starts, strict=True)),
        )  # fmt: skip
        steps.align_rows("align scores", self.pair("scores", "x_next"), m * m, ahead=1, ends=0)
        self.softmax()
        s_turns = steps.align_rows("align weights", self.pair("scores", "x_next"), m * m)
        v_turns = steps.align_columns("align v", self.pair("v", "w_next"), d * m)

        def weigh(x: int, y: int) -> list[Command]:
            script = Script()
            steps.gemm(
                script, (x, y), self.pair("scores", "x_next", s_turns[y]),
                self.pair("v", "w_next", v_turns[x]), at["attended"], (m, m, d), True,
            )  # fmt: skip
            return script.commands

        self.tasks.add(
            "values", weigh, list(zip(self.ports_x, v_turns, strict=True)),
            list(zip(self.ports_y, s_turns, strict=True)),
        )  # fmt: skip
        self.products("o", "attended", [("wo", "projected")], d, d, self.residual)

    def rotate_and_keep(self, script: Script) -> None:
        """Rotary positions of queries and keys; the cache; the scale of scores."""
        at, m, d = self.at, self.m, self.d
        for tile in (at["q"], at["k"]):
            turned, sin = at["x_next"], at["sin"]
            pairs = {"dst_turn": (2 * m, 0), "a_turn": (2 * m, 0), "b_turn": (2 * m, 0)}
            script.repeat(
                d // 2,
                self.vec(Function.MUL, m, turned, tile + m, sin, **pairs),
                self.vec(Function.MUL, m, turned + m, tile, sin + m, **pairs),
            )
            script.add(
                self.vec(Function.MUL, d * m, tile, tile, at["cos"]),
                self.vec(Function.ADD, d * m, tile, tile, turned),
            )
        scale = at["constants"] + SCALE
        script.add(
            self.vec(Function.MUL, d * m, at["q"], at["q"], scale, b_element=0),
            self.vec(Function.COPY, d * m, at["k_cache"], at["k"]),
            self.vec(Function.COPY, d * m, at["v_cache"], at["v"]),
        )

    def softmax(self) -> None:
        """Of the scores of a token, those of tokens behind it masked."""
        at, m, steps = self.at, self.m, self.steps
        scores, total = at["scores"], at["total"]

        def build(x: int, _: int) -> list[Command]:
            script = Script()
            script.add(self.vec(Function.ADD, m * m, scores, scores, at["mask"]))
            steps.over_columns(script, Function.MAX, total, scores, m, m)
            steps.reduce(script, x, m, total, Combine.MAX)
            steps.by_row(script, Function.SUB, scores, scores, total, m, m)
            script.add(self.vec(Function.EXP, m * m, scores, scores))
            steps.over_columns(script, Function.ADD, total, scores, m, m)
            steps.reduce(script, x, m, total)
            script.add(self.vec(Function.RECIPROCAL, m, total, total))
            steps.by_row(script, Function.MUL, scores, scores, total, m, m)
            return script.commands

        self.tasks.add("softmax", build, steps.reduce_keys())

    def residual(self, script: Script) -> None:
        at, size = self.at, self.d * self.m
        script.add(self.vec(Function.ADD, size, at["hidden"], at["hidden"], at["projected"]))

    def gate(self, script: Script) -> None:
        at, size = self.at, self.f * self.m
        script.add(
            self.vec(Function.SILU, size, at["gate"], at["gate"]),
            self.vec(Function.MUL, size, at["up"], at["up"], at["gate"]),
        )

    def feed_forward(self) -> None:
        self.norm("ffn_norm")
        weights = [("w_up", "up"), ("w_gate", "gate")]
        self.products("up gate", "normed", weights, self.d, self.f, self.gate)
        self.products("down", "up", [("w_down", "projected")], self.f, self.d, self.residual)
