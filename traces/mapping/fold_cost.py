"""About how long an array takes for the folds of a tile; compares mappings, decides no cycle."""

from typing import Any

import numpy as np

from arch.array import Array


def fold_cycles(array: Array, m: Any, n: Any, k: Any, groups: Any, pack: Any) -> Any:
    """Estimated cycles of ``groups`` products m x n x k, ``pack`` of them in a fold.

    Extents may be numbers or arrays of them.
    """
    rows, cols = array.rows // pack, array.cols // pack
    row_extent, col_extent, length = {"ws": (k, n, m), "is": (k, m, n), "os": (m, n, k)}[
        array.dataflow
    ]
    length = np.ceil(length / array.copies)
    full = array.edge_folds == "full" or array.convention == "scalesim"
    used = array.rows if full else np.minimum(row_extent, rows) * pack
    across = array.cols if full else np.minimum(col_extent, cols) * pack
    overlapped = array.dataflow == "os" or array.weight_load == "overlapped"
    each = np.maximum(length, used) if overlapped else length + used
    if array.drain == "serial":
        each = each + used + across
    elif array.drain == "preloaded":
        each = length + used + across
    folds = np.ceil(row_extent / rows) * np.ceil(col_extent / cols) * np.ceil(groups / pack)
    return folds * each
