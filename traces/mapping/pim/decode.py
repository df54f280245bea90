"""Steps of a GPT that generates token by token."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from traces.mapping.pim.attention import emit_attention
from traces.mapping.pim.builder import PimBuilder
from traces.mapping.pim.gemv import Gemv
from traces.mapping.pim.layout import TableLayout
from traces.mapping.pim.model_layout import (
    ATTENTION_NORM,
    DOWN_BIAS,
    FFN_NORM,
    OUT_BIAS,
    POSITIONS,
    ModelLayout,
)
from traces.mapping.pim.repeat import REPEATED, repeat_layer
from traces.mapping.pim.vector_ops import Span, emit_elementwise, emit_norm
from traces.pim.dtype import PimTrace


def decode_step(layout: ModelLayout, context: int, token: int = 0) -> PimTrace:
    """Instructions of one new token, which attends to ``context`` tokens, itself among them.

    ``token``: number in the vocabulary of the token whose embedding is read. Operators are called
    as in ``traces.transformer``, and ``layer0.append`` ...: the writing of keys and values.

    Raises InputError for a context or a token that is out of range.
    """
    return _Template(layout, context, token).step(context)


def generation(layout: ModelLayout, first: int, last: int, token: int = 0) -> Iterator[PimTrace]:
    """Steps with contexts ``first`` to ``last``, as ``decode_step`` gives them; the arrays of one
    are not to be used after the next is taken. All of a step must be done before the next."""
    template: _Template | None = None
    for context in range(first, last + 1):
        if template is None or not template.covers(context):
            template = _Template(layout, context, token)
        yield template.step(context)


def operator_kind(name: str) -> str:
    """``qkv`` of ``layer3.qkv``."""
    return name.rpartition(".")[2]


@dataclass(frozen=True)
class _Places:
    """Instructions that the token changes."""

    context: npt.NDArray[np.int64]
    key: npt.NDArray[np.int64]
    value: npt.NDArray[np.int64]
    position: npt.NDArray[np.int64]


class _Template:
    """The steps of as many contexts as a column has lanes: they differ in a few fields only."""

    def __init__(self, layout: ModelLayout, context: int, token: int) -> None:
        if not 1 <= context <= layout.tokens_max:
            raise InputError(
                f"{layout.name}: a context of {context} tokens; must be 1 to {layout.tokens_max}, "
                "for which the caches have room"
            )
        if not 0 <= token < layout.model.vocabulary:
            raise InputError(
                f"{layout.name}: token {token}; must be 0 to {layout.model.vocabulary - 1}"
            )
        self._layout = layout
        self._window = (context - 1) // layout.geometry.lanes
        self._lower(context, token)

    def covers(self, context: int) -> bool:
        """Whether steps of a context are made of this one."""
        if context > self._layout.tokens_max:
            return False
        return (context - 1) // self._layout.geometry.lanes == self._window

    def _lower(self, context: int, token: int) -> None:
        layout = self._layout
        builder = PimBuilder(layout.sram.columns)
        _embed(builder, layout, token)
        begin = end = builder.size
        for number in range(min(REPEATED, layout.model.layers)):
            builder.row_offset = number * layout.layer_rows
            begin = builder.size
            _layer(builder, layout, f"layer{number}", context)
            end = builder.size
        builder.row_offset = 0
        _finish(builder, layout)
        extra = max(0, layout.model.layers - REPEATED)
        lowered = repeat_layer(builder, begin, end, layout.layer_rows, extra)
        self._instructions, self._after, self._names, marks = lowered
        self._places = _Places(**marks)

    def step(self, context: int) -> PimTrace:
        """The step of a context that this one covers."""
        g, one, places = self._layout.geometry, self._instructions, self._places
        token = context - 1
        one["elements"][places.context] = context
        one["bank"][places.key] = token % g.group % g.banks
        one["data"][places.value] = 1 + token % g.lanes
        parts = self._layout.positions.segments(token)
        for place, (bank, part) in zip(places.position, parts, strict=True):
            one["bank"][place], one["row"][place], one["column"][place] = (
                bank,
                part.row,
                part.column,
            )
        return PimTrace(one, self._after, self._names)


def _read_table(builder: PimBuilder, table: TableLayout, index: int, gpr: int) -> int:
    """Read a vector to GPRs from one on; returns the one behind."""
    g = table.geometry
    width = len(g.channels)
    for bank, part in table.segments(index):
        builder.memory(
            "RD_SBK", g.mask(), writes=(gpr + part.offset * width, part.count * width), bank=bank,
            row=part.row, column=part.column, count=part.count,
        )  # fmt: skip
        if table.name == POSITIONS:
            builder.mark("position")
    return gpr + table.pitch * width


def _embed(builder: PimBuilder, layout: ModelLayout, token: int) -> None:
    """The row of the logits' matrix that is the token's, and its position's vector."""
    g, sram, model = layout.geometry, layout.sram, layout.model
    columns = g.columns_of(model.hidden)
    group, inside = divmod(token, g.group)
    channel, bank = divmod(inside, g.banks)
    builder.operator("embedding")
    for chunk, (first, _) in enumerate(layout.head.chunks):
        for part in layout.head.segments(group, chunk):
            place = (sram.normed + first + part.offset, part.count)
            builder.memory(
                "RD_SBK", g.mask(channel, channel + 1), writes=place, bank=bank, row=part.row,
                column=part.column, count=part.count,
            )  # fmt: skip
    state = (sram.state, columns)
    _read_table(builder, layout.positions, 0, sram.gains)
    builder.vector("copy", model.hidden, state, (sram.normed, columns))
    builder.operator("embedding_add")
    emit_elementwise(builder, "add", state, (state, (sram.gains, columns)), model.hidden)


def _norm(builder: PimBuilder, layout: ModelLayout, table: TableLayout, index: int) -> None:
    sram, hidden = layout.sram, layout.model.hidden
    columns = layout.geometry.columns_of(hidden)
    bias = _read_table(builder, table, index, sram.gains)
    _read_table(builder, table, index + 1, bias)
    emit_norm(
        builder, (sram.state, columns), (sram.normed, columns), hidden, (sram.gains, columns),
        (bias, columns), (sram.squares, 2 * columns), sram.scalars,
    )  # fmt: skip


def _layer(builder: PimBuilder, layout: ModelLayout, prefix: str, context: int) -> None:
    """Biases are read before the product that needs them, while the memory would wait."""
    layer, sram = layout.layer, layout.sram
    hidden = layout.model.hidden
    columns = layout.geometry.columns_of(hidden)
    state, normed = (sram.state, columns), (sram.normed, columns)

    builder.operator(f"{prefix}.attention_norm")
    _norm(builder, layout, layer.vectors, ATTENTION_NORM)
    builder.operator(f"{prefix}.qkv")
    _read_table(builder, layer.qkv_bias, 0, sram.bias)
    Gemv(layer.qkv, sram.normed, sram.queries, sram.qkv_sums, sram.bias).emit(builder)
    emit_attention(builder, layout, prefix, context)
    builder.operator(f"{prefix}.attention_out")
    _read_table(builder, layer.vectors, OUT_BIAS, sram.bias)
    Gemv(layer.out, sram.attended, sram.normed, sram.out_sums, sram.bias).emit(builder)
    builder.operator(f"{prefix}.attention_add")
    emit_elementwise(builder, "add", state, (normed, state), hidden)

    builder.operator(f"{prefix}.ffn_norm")
    _norm(builder, layout, layer.vectors, FFN_NORM)
    builder.operator(f"{prefix}.ffn_up")
    _read_table(builder, layer.up_bias, 0, sram.bias)
    Gemv(
        layer.up, sram.normed, sram.inner, sram.ffn_sums, sram.bias,
        lambda piece, elements: _activate(builder, prefix, piece, elements),
    ).emit(builder)  # fmt: skip
    builder.operator(f"{prefix}.ffn_down")
    _read_table(builder, layer.vectors, DOWN_BIAS, sram.bias)
    Gemv(layer.down, sram.inner, sram.normed, sram.ffn_sums, sram.bias).emit(builder)
    builder.operator(f"{prefix}.ffn_add")
    emit_elementwise(builder, "add", state, (normed, state), hidden)


def _activate(builder: PimBuilder, prefix: str, piece: Span, elements: int) -> None:
    """A piece of the FFN's inner vector, while the memory multiplies the next."""
    builder.operator(f"{prefix}.ffn_activation")
    emit_elementwise(builder, "act", piece, (piece,), elements)
    builder.operator(f"{prefix}.ffn_up")


def _finish(builder: PimBuilder, layout: ModelLayout) -> None:
    sram = layout.sram
    builder.operator("final_norm")
    _norm(builder, layout, layout.final_norm, 0)
    builder.operator("lm_head")
    Gemv(layout.head, sram.normed, sram.logits, sram.head_sums).emit(builder)
