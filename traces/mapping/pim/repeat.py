"""Layers that are alike: two are lowered, those behind are copies of the second."""

import numpy as np
import numpy.typing as npt

from traces.mapping.pim.builder import PimBuilder, Size

REPEATED = 2
"""Layers that are lowered. The second waits for the first as any later one for the one before."""
Places = dict[str, npt.NDArray[np.int64]]
Lowered = tuple[npt.NDArray[np.void], npt.NDArray[np.int64], tuple[str, ...], Places]
"""Instructions, places of what must be done before, operators, places by mark."""


def repeat_layer(builder: PimBuilder, begin: Size, end: Size, rows: int, extra: int) -> Lowered:
    """A program with ``extra`` more layers behind the one between ``begin`` and ``end``, each
    ``rows`` further in the memory."""
    instructions, after = builder.arrays()
    marks = {name: np.array(found, np.int64) for name, found in builder.marks.items()}
    if not extra:
        return instructions, after, tuple(builder.names), marks
    size, waits = end.instructions - begin.instructions, end.waits - begin.waits
    kinds = end.operators - begin.operators
    more = np.tile(instructions[begin.instructions : end.instructions], extra)
    step = np.repeat(np.arange(1, extra + 1), size)
    more["row"] += np.where(more["row"] >= 0, step * rows, 0)
    more["operator"] += step * kinds
    tail = instructions[end.instructions :].copy()
    tail["operator"] += extra * kinds
    for part, offset in ((more, step * waits), (tail, extra * waits)):
        part["after_begin"] += offset
        part["after_end"] += offset
    shifts = np.repeat(np.arange(1, extra + 1), waits) * size
    for name, places in marks.items():
        inside = places[(places >= begin.instructions) & (places < end.instructions)]
        copies = inside + size * np.arange(1, extra + 1)[:, None]
        marks[name] = np.concatenate([places, copies.ravel()])
    return (
        np.concatenate([instructions[: end.instructions], more, tail]),
        np.concatenate(
            [
                after[: end.waits],
                np.tile(after[begin.waits : end.waits], extra) + shifts,
                after[end.waits :] + extra * size,
            ]
        ),
        _names(builder.names, begin.operators, end.operators, extra),
        marks,
    )


def _names(lowered: list[str], begin: int, end: int, extra: int) -> tuple[str, ...]:
    """Of all layers: ``layer1.qkv`` comes again as ``layer2.qkv``."""
    more = [
        f"layer{number}.{name.partition('.')[2]}"
        for number in range(REPEATED, REPEATED + extra)
        for name in lowered[begin:end]
    ]
    return (*lowered[:end], *more, *lowered[end:])
