"""Sliding windows of ONNX: padding, stride and dilation of convolutions and pools."""

from traces.onnx_reader.graph import Shape
from traces.onnx_reader.node import Node


def window(node: Node, image: Shape, kernel: Shape) -> dict[str, int]:
    """Fields of a ``Window`` over ``image`` (N, C, H, W), or (N, C, W) taken as H = 1.

    Raises InputError for other ranks, and where the sizes disagree with the inferred output.
    """
    spatial = len(image) - 2
    if spatial == 3:
        raise node.error(
            f"is three-dimensional ({' x '.join(map(str, image[2:]))}); only one and two "
            "dimensions can be simulated"
        )
    if spatial not in (1, 2) or len(kernel) != spatial:
        raise node.error(
            f"must slide over one or two dimensions, with a kernel of as many; its input is "
            f"{list(image)} and its kernel {list(kernel)}"
        )
    strides = _extents(node, "strides", spatial)
    dilations = _extents(node, "dilations", spatial)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    padding = _padding(node, image[2:], spans, strides)
    output = node.output()
    if len(output) != len(image):
        raise node.error(f"its output {list(output)} and its input {list(image)} differ in rank")
    for axis in range(spatial):
        begin, end = padding[axis]
        room = image[2 + axis] + begin + end - spans[axis]
        if room < 0:
            raise node.error(
                f"its window spans {spans[axis]} on axis {2 + axis}, more than its padded input "
                f"of {room + spans[axis]}"
            )
        short = (output[2 + axis] - 1) * strides[axis] - room
        if 0 < short < strides[axis] and node.integer("ceil_mode", 0):
            # ceil_mode: the last window hangs over the end.
            padding[axis] = (begin, end + short)
        elif short > 0 or room // strides[axis] + 1 != output[2 + axis]:
            raise node.error(
                f"its output has {output[2 + axis]} elements on axis {2 + axis}, but its window "
                f"gives {room // strides[axis] + 1}"
            )
    one_dimensional = {"in_h": 1, "filt_h": 1}
    axes = ("w",) if spatial == 1 else ("h", "w")
    names = {"h": ("pad_top", "pad_bottom"), "w": ("pad_left", "pad_right")}
    fields = {"batch": image[0], "channels": image[1]}
    fields |= one_dimensional if spatial == 1 else {}
    for index, axis_name in enumerate(axes):
        fields |= {
            f"in_{axis_name}": image[2 + index],
            f"filt_{axis_name}": kernel[index],
            f"stride_{axis_name}": strides[index],
            f"dilation_{axis_name}": dilations[index],
        }
        fields |= dict(zip(names[axis_name], padding[index], strict=True))
    return fields


def _extents(node: Node, name: str, spatial: int) -> tuple[int, ...]:
    extents = node.integers(name, (1,) * spatial)
    if len(extents) != spatial or min(extents) < 1:
        raise node.error(f"{name} must be {spatial} numbers of at least 1, not {list(extents)}")
    return extents


def _padding(
    node: Node, image: Shape, spans: list[int], strides: tuple[int, ...]
) -> list[tuple[int, int]]:
    """Padding before and behind each axis."""
    mode = node.text("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        padding = []
        for extent, span, stride in zip(image, spans, strides, strict=True):
            total = max((-(-extent // stride) - 1) * stride + span - extent, 0)
            less, more = total // 2, total - total // 2
            padding.append((less, more) if mode == "SAME_UPPER" else (more, less))
        return padding
    if mode == "VALID":
        return [(0, 0)] * len(image)
    if mode != "NOTSET":
        raise node.error(f"auto_pad must be NOTSET, SAME_UPPER, SAME_LOWER or VALID, not {mode!r}")
    pads = node.integers("pads", (0,) * (2 * len(image)))
    if len(pads) != 2 * len(image):
        raise node.error(f"pads must be {2 * len(image)} numbers, not {list(pads)}")
    return list(zip(pads[: len(image)], pads[len(image) :], strict=True))
