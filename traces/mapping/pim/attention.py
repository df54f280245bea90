"""Attention of one token over the caches."""

from traces.mapping.pim.builder import PimBuilder
from traces.mapping.pim.cache_layout import KeyLayout
from traces.mapping.pim.model_layout import ModelLayout
from traces.mapping.pim.vector_ops import emit_softmax


def emit_attention(builder: PimBuilder, layout: ModelLayout, prefix: str, context: int) -> None:
    """Append the token's key and value to the caches, then scores, softmax and values.

    Scores go a block of heads ahead of the values, so that the softmax of one block is computed
    while the memory has the scores of the next, and values of a head go on during the softmax of
    the next head.
    """
    keys = layout.layer.keys
    builder.operator(f"{prefix}.append")
    _append_key(builder, layout, context - 1)
    for number, block in enumerate(keys.blocks):
        builder.operator(f"{prefix}.scores")
        _scores(builder, layout, number, block, context)
        builder.operator(f"{prefix}.softmax")
        _softmax(builder, layout, number, block, context)
        if number == 0:
            builder.operator(f"{prefix}.append")
            _append_value(builder, layout, context - 1)
        else:
            builder.operator(f"{prefix}.values")
            _values(builder, layout, number - 1, block - keys.heads_per_row, context)
    builder.operator(f"{prefix}.values")
    _values(builder, layout, len(keys.blocks) - 1, keys.blocks[-1], context)


def _heads(keys: KeyLayout, block: int) -> range:
    return range(block, min(block + keys.heads_per_row, keys.heads.heads))


def _scores_at(layout: ModelLayout, number: int, inside: int) -> int:
    """First GPR of the scores of a head of a block; two blocks have room."""
    keys, width = layout.layer.keys, len(layout.geometry.channels)
    slot = number % 2 * keys.heads_per_row + inside
    return layout.sram.scores + slot * keys.heads.token_groups * width


def _append_key(builder: PimBuilder, layout: ModelLayout, token: int) -> None:
    g, keys = layout.geometry, layout.layer.keys
    columns = keys.heads.columns
    first = layout.sram.queries + keys.heads.heads * columns
    group, inside = divmod(token, g.group)
    channel = inside // g.banks
    for block in keys.blocks:
        row, column = keys.place(block, group)
        count = len(_heads(keys, block)) * columns
        builder.memory(
            "WR_SBK", g.mask(channel, channel + 1), reads=(first + block * columns, count),
            bank=inside % g.banks, row=row, column=column, count=count,
        )  # fmt: skip
        builder.mark("key")


def _append_value(builder: PimBuilder, layout: ModelLayout, token: int) -> None:
    """Rows one after the other, in each all banks, so that banks open theirs at the same time."""
    g, values = layout.geometry, layout.layer.values
    heads, width = values.heads, len(g.channels)
    slots = heads.heads * heads.units
    first = layout.sram.queries + 2 * heads.heads * heads.columns
    for start in range(0, values.turns, values.turns_per_row):
        for bank in range(g.banks):
            for turn in range(start, min(start + values.turns_per_row, values.turns)):
                row, column = values.place(turn, token // g.lanes)
                used = min(width, slots - turn * width)
                builder.memory(
                    "WR_SBK", g.mask(0, used), reads=(first + turn * width, used), bank=bank,
                    row=row, column=column, data=1 + token % g.lanes,
                )  # fmt: skip
                builder.mark("value")


def _scores(
    builder: PimBuilder, layout: ModelLayout, number: int, block: int, context: int
) -> None:
    g, keys = layout.geometry, layout.layer.keys
    columns, width = keys.heads.columns, len(g.channels)
    heads = _heads(keys, block)
    queries = (layout.sram.queries + block * columns, len(heads) * columns)
    builder.memory("WR_GB", g.mask(), reads=queries, count=queries[1])
    for group in range(-(-context // g.group)):
        tokens = min(g.group, context - group * g.group)
        channels = -(-tokens // g.banks)
        mask = g.mask(0, channels)
        for inside, head in enumerate(heads):
            row, column = keys.place(head, group)
            builder.memory(
                "MAC_ABK", mask, row=row, column=column, count=columns,
                buffer_column=inside * columns,
            )  # fmt: skip
            result = (_scores_at(layout, number, inside) + group * width, channels)
            builder.memory("RD_MAC", mask, writes=result)


def _softmax(
    builder: PimBuilder, layout: ModelLayout, number: int, block: int, context: int
) -> None:
    g, sram = layout.geometry, layout.sram
    columns = g.columns_of(context)
    for inside in range(len(_heads(layout.layer.keys, block))):
        scores = (_scores_at(layout, number, inside), columns)
        emit_softmax(builder, scores, context, (sram.exponents, 2 * columns), sram.scalars)


def _values(
    builder: PimBuilder, layout: ModelLayout, number: int, block: int, context: int
) -> None:
    g, values = layout.geometry, layout.layer.values
    width, units = len(g.channels), values.heads.units
    columns = g.columns_of(context)
    for inside, head in enumerate(_heads(layout.layer.keys, block)):
        weights = _scores_at(layout, number, inside)
        slot, end = head * units, (head + 1) * units
        while slot < end:
            turn, channel = divmod(slot, width)
            used = min(end - slot, width - channel)
            mask = g.mask(channel, channel + used)
            for first in range(0, columns, g.buffer_columns):
                count = min(g.buffer_columns, columns - first)
                builder.memory("WR_GB", mask, reads=(weights + first, count), count=count)
                _multiply(builder, layout, mask, turn, first, count)
            result = (layout.sram.attended + slot, used)
            builder.memory("RD_MAC", mask, writes=result)
            slot += used


def _multiply(
    builder: PimBuilder, layout: ModelLayout, mask: int, turn: int, first: int, count: int
) -> None:
    """Columns of tokens ``first`` to ``first + count - 1`` of a turn."""
    values = layout.layer.values
    done = 0
    while done < count:
        row, column = values.place(turn, first + done)
        taken = min(count - done, values.block_columns - (first + done) % values.block_columns)
        builder.memory("MAC_ABK", mask, row=row, column=column, count=taken, buffer_column=done)
        done += taken
