"""A transformer in the memory of a PIM, and its vectors in the chip's SRAM."""

from dataclasses import dataclass

from arch.errors import InputError
from arch.pim.system import Pim
from traces.mapping.pim.cache_layout import (
    Heads,
    KeyLayout,
    ValueLayout,
    default_heads_per_row,
    default_value_tokens,
    place_keys,
    place_values,
)
from traces.mapping.pim.gemv import most_block_groups, workspace_gprs
from traces.mapping.pim.geometry import Geometry
from traces.mapping.pim.layout import (
    Allocator,
    MatrixLayout,
    TableLayout,
    place_matrix,
    place_table,
)
from traces.transformer import Transformer

POSITIONS = "positions"
SCALARS = 8
"""Columns for single numbers."""
ATTENTION_NORM, FFN_NORM, OUT_BIAS, DOWN_BIAS = 0, 2, 4, 5
"""Places in a layer's table of vectors; a norm has its gain there and its bias behind."""


@dataclass(frozen=True)
class Sram:
    """First columns of vectors. Attention, the FFN and the logits have the room behind the first
    few one after the other."""

    columns: int
    """There are."""
    normed: int
    state: int
    scalars: int
    gains: int
    """Gain and bias of a norm, in whole columns of all channels each."""
    bias: int
    squares: int
    """Two fp32 vectors of a norm, before what comes after it has the room."""
    queries: int
    """Then keys and values of the token."""
    attended: int
    """Results of the values."""
    scores: int
    """Of two blocks of heads."""
    exponents: int
    """fp32 vector of a softmax."""
    inner: int
    """Of the FFN."""
    qkv_sums: int
    out_sums: int
    ffn_sums: int
    logits: int
    head_sums: int


@dataclass(frozen=True)
class LayerLayout:
    """Of the first layer; those behind lie ``ModelLayout.layer_rows`` further each."""

    vectors: TableLayout
    qkv_bias: TableLayout
    up_bias: TableLayout
    qkv: MatrixLayout
    """Queries of all heads, keys, values; heads padded to whole columns."""
    out: MatrixLayout
    up: MatrixLayout
    down: MatrixLayout
    keys: KeyLayout
    values: ValueLayout


@dataclass(frozen=True)
class ModelLayout:
    """Everything has its place."""

    name: str
    model: Transformer
    geometry: Geometry
    heads: Heads
    positions: TableLayout
    final_norm: TableLayout
    head: MatrixLayout
    """Of the logits; an output's row is the token's embedding too."""
    layer: LayerLayout
    layer_rows: int
    rows: int
    """That all take in each bank."""
    sram: Sram
    notes: tuple[str, ...]

    @property
    def tokens_max(self) -> int:
        """For which the caches have room."""
        return self.heads.tokens_max

    @property
    def qkv_outputs(self) -> int:
        return 3 * self.heads.heads * self.heads.columns * self.geometry.lanes


def place_model(
    name: str, model: Transformer, pim: Pim, tokens_max: int,
    key_heads_per_row: int | None = None, value_tokens_per_row: int | None = None,
) -> ModelLayout:  # fmt: skip
    """Lay out a GPT: a decoder with layer norm first, GELU, learned positions and tied head.

    ``key_heads_per_row``, ``value_tokens_per_row``: of the caches, see ``cache_layout``; left out,
    those with the fewest opened rows. Raises InputError for another kind of model, for what does
    not fit the memory or the chip's SRAM, and for a PIM without a chip.
    """
    _check_model(name, model)
    if pim.asic is None:
        raise InputError(f"{pim.name}: has no asic, the chip that does norms and softmax; give one")
    if tokens_max < 1:
        raise InputError(f"{name}: tokens are {tokens_max}; must be 1 at least")
    g = Geometry.of(pim)
    if not g.addressed:
        raise InputError(f"{pim.name}: has WR_BIAS; a model needs MACs that begin at any column")
    heads = Heads(g, model.heads, model.head_dim, tokens_max)
    room = _Room(name, model, heads, pim.asic.sram_kib * 1024 // (g.lanes * g.element_bytes))
    allocator = Allocator(g, f"{name} with {tokens_max} tokens")
    positions = max(model.positions, tokens_max)
    table = place_table(allocator, POSITIONS, positions, model.hidden)
    final_norm = place_table(allocator, "final_norm", 2, model.hidden)
    head = room.matrix(allocator, "lm_head", model.vocabulary, model.hidden, room.head_free, False)
    before = allocator.rows
    inner = room.padded
    per_row = key_heads_per_row or default_heads_per_row(heads, room.scores_free)
    layer = LayerLayout(
        vectors=place_table(allocator, "vectors", 6, model.hidden),
        qkv_bias=place_table(allocator, "qkv_bias", 1, 3 * inner),
        up_bias=place_table(allocator, "up_bias", 1, model.ffn),
        qkv=room.matrix(allocator, "qkv", 3 * inner, model.hidden, room.qkv_free, True),
        out=room.matrix(allocator, "attention_out", model.hidden, inner, room.out_free, True),
        up=room.matrix(allocator, "ffn_up", model.ffn, model.hidden, room.ffn_free, True),
        down=room.matrix(allocator, "ffn_down", model.hidden, model.ffn, room.ffn_free, True),
        keys=place_keys(allocator, heads, per_row),
        values=place_values(
            allocator, heads, value_tokens_per_row or default_value_tokens(heads)
        ),
    )  # fmt: skip
    layer_rows = allocator.rows - before
    allocator.take((model.layers - 1) * layer_rows)
    allocator.check()
    notes = [f"{name}: {each}" for each in model.assumed]
    if tokens_max > model.positions:
        notes.append(
            f"{name}: {tokens_max} tokens; its position embedding ends at {model.positions} and is "
            "extended"
        )
    return ModelLayout(
        name, model, g, heads, table, final_norm, head, layer, layer_rows, allocator.rows,
        room.plan(layer, head), tuple(notes),
    )  # fmt: skip


def _check_model(name: str, model: Transformer) -> None:
    wanted = {
        "kind": "decoder", "activation": "gelu", "norm": "layer", "norm_first": True,
        "rotary": False, "tied_head": True, "experts": 1, "bias": "all",
        "kv_heads": model.heads, "embedding_dim": model.hidden,
    }  # fmt: skip
    for field, value in wanted.items():
        given = getattr(model, field)
        if given != value:
            raise InputError(
                f"{name}: {field} is {given}; a PIM's decode step is of models with {value}"
            )


class _Room:
    """SRAM columns: what is always there, and what is left for each use."""

    def __init__(self, name: str, model: Transformer, heads: Heads, total: int) -> None:
        g = heads.geometry
        self._name, self._heads, self.total = name, heads, total
        self.padded = heads.heads * heads.columns * g.lanes
        """Elements of all heads."""
        self.hidden, self.inner = g.columns_of(model.hidden), g.columns_of(model.ffn)
        self.attended = g.columns_of(self.padded)
        self.logits = g.columns_of(model.vocabulary)
        width = len(g.channels)
        # Vectors that are read from the memory fill a column of each channel.
        read, bias = (-(-n // width) * width for n in (
            self.hidden, max(self.inner, 3 * self.attended)
        ))  # fmt: skip
        self.starts = [0]
        for size in (self.hidden, self.hidden, SCALARS, 2 * read, bias):
            self.starts.append(self.starts[-1] + size)
        after = self.starts[-1]
        self.exponents = 2 * g.columns_of(heads.tokens_max)
        queries = 3 * self.attended
        self.queries_end = after + queries
        self.qkv_free = total - self.queries_end
        self.out_free = self.qkv_free - self.attended
        self.scores_free = self.out_free - self.exponents
        self.ffn_free = total - after - self.inner
        self.head_free = total - self.hidden - self.logits
        spaces = {
            "norms": total - after - 4 * self.hidden,
            "attention": self.scores_free,
            "the FFN": self.ffn_free,
            "the logits": self.head_free,
        }
        for what, free in spaces.items():
            if free < 0:
                each = g.lanes * g.element_bytes
                raise InputError(
                    f"{name}: vectors of {what} with {heads.tokens_max} tokens take "
                    f"{(total - free) * each} bytes of SRAM; there are {total * each}; take a "
                    "larger asic.sram_kib or fewer tokens"
                )

    def matrix(
        self, allocator: Allocator, name: str, n: int, k: int, free: int, biased: bool
    ) -> MatrixLayout:
        """Place a matrix with the largest blocks whose sums fit."""
        g = allocator.geometry
        probe = MatrixLayout(g, name, n, k, 0, -(-n // g.group))
        if probe.accumulates:
            return place_matrix(allocator, name, n, k)
        groups = most_block_groups(probe, free, biased)
        blocks = -(-probe.groups // groups)
        return place_matrix(allocator, name, n, k, -(-probe.groups // blocks))

    def plan(self, layer: LayerLayout, head: MatrixLayout) -> Sram:
        """Raises InputError where scores do not fit."""
        normed, state, scalars, gains, bias, after = self.starts
        attended = self.queries_end
        scores = attended + self.attended
        width = len(self._heads.geometry.channels)
        each = self._heads.token_groups * width
        exponents = scores + 2 * layer.keys.heads_per_row * each
        if exponents + self.exponents > self.total:
            raise InputError(
                f"{self._name}: scores of 2 x {layer.keys.heads_per_row} heads take "
                f"{exponents - scores} columns of SRAM; there are {self.scores_free} for them; "
                "take a larger asic.sram_kib or a smaller key_heads_per_row"
            )
        assert workspace_gprs(head, False) <= self.head_free
        return Sram(
            columns=self.total, normed=normed, state=state, scalars=scalars, gains=gains,
            bias=bias, squares=after, queries=after, attended=attended, scores=scores,
            exponents=exponents, inner=after, qkv_sums=attended, out_sums=scores,
            ffn_sums=after + self.inner, logits=self.hidden, head_sums=self.hidden + self.logits,
        )  # fmt: skip
