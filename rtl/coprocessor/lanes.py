"""Words in lanes of whole bytes, as AXI4-Stream has them."""

from amaranth.hdl import Cat, Shape, Value
from amaranth.lib import data


def lane_bytes(word: Shape) -> int:
    """Bytes that one word takes."""
    return int(-(-word.width // 8))


def axis_layout(words: data.ArrayLayout) -> data.StructLayout:
    """A beat: TDATA, TKEEP, TLAST."""
    octets = words.length * lane_bytes(Shape.cast(words.elem_shape))
    return data.StructLayout({"data": 8 * octets, "keep": octets, "last": 1})


def packed(words: data.View) -> Value:
    """TDATA of words, the first one lowest; the rest of a lane continues its sign, or is 0."""
    layout = words.shape()
    shape = Shape.cast(layout.elem_shape)
    width = 8 * lane_bytes(shape)
    parts = []
    for i in range(layout.length):
        word = Value.cast(words[i])
        rest = width - shape.width
        parts.append(Cat(word, (word[-1] if shape.signed else Value.cast(0)[:1]).replicate(rest)))
    return Cat(*parts)


def unpacked(octets: Value, layout: data.ArrayLayout) -> Value:
    """The words in TDATA; what a lane has beyond its word is ignored."""
    shape = Shape.cast(layout.elem_shape)
    width = 8 * lane_bytes(shape)
    return Cat(*(octets[i * width : i * width + shape.width] for i in range(layout.length)))
