"""Planes of registers that move as a whole.

A plane is flat and column by column: the register of PE (r, c) is at ``base + c * rows + r`` of
a longer buffer. Lowering ``base`` by one moves every word one row down, by ``rows`` one column to
the right; what enters at the edge is written to the cells that come into view.
"""

from typing import Any

import numpy as np

from sim.jit import njit

NEVER = 2**62

SLACK_STEPS = 256
"""Moves after which a plane is copied back to the end of its buffer."""


@njit
def multiply_add(sums: Any, sums_at: Any, x: Any, x_at: Any, y: Any, y_at: Any, n: Any) -> None:
    """Add to each of ``n`` sums its product. The views tell the compiler that no index wraps."""
    into = sums[sums_at : sums_at + n]
    by = x[x_at : x_at + n]
    and_by = y[y_at : y_at + n]
    for j in range(n):
        into[j] += by[j] * and_by[j]


@njit
def add_then_multiply(
    sums: Any, product: Any, product_at: Any, x: Any, x_at: Any, y: Any, y_at: Any, n: Any
) -> None:
    """Add to each of ``n`` sums an earlier product and put a new product in its place."""
    ready = product[product_at : product_at + n]
    by = x[x_at : x_at + n]
    and_by = y[y_at : y_at + n]
    for j in range(n):
        sums[j] += ready[j]
        ready[j] = by[j] * and_by[j]


@njit
def saturated(value: Any, largest: Any) -> Any:
    """The number nearest to ``value`` from ``-largest - 1`` to ``largest``."""
    return max(-largest - 1, min(largest, value))


@njit
def multiply_add_saturated(
    sums: Any, sums_at: Any, x: Any, x_at: Any, y: Any, y_at: Any, n: Any, largest: Any
) -> None:
    """``multiply_add`` with products, then sums, that saturate at ``largest``."""
    into = sums[sums_at : sums_at + n]
    by = x[x_at : x_at + n]
    and_by = y[y_at : y_at + n]
    for j in range(n):
        product = saturated(np.int64(by[j]) * np.int64(and_by[j]), largest)
        into[j] = saturated(np.int64(into[j]) + product, largest)


@njit
def add_then_multiply_saturated(
    sums: Any,
    product: Any,
    product_at: Any,
    x: Any,
    x_at: Any,
    y: Any,
    y_at: Any,
    n: Any,
    largest: Any,
) -> None:
    """``add_then_multiply`` with products and sums that saturate at ``largest``."""
    ready = product[product_at : product_at + n]
    by = x[x_at : x_at + n]
    and_by = y[y_at : y_at + n]
    for j in range(n):
        sums[j] = saturated(np.int64(sums[j]) + np.int64(ready[j]), largest)
        ready[j] = saturated(np.int64(by[j]) * np.int64(and_by[j]), largest)


@njit
def move_up(buffer: Any, begin: Any, to: Any, n: Any) -> None:
    """Copy ``n`` words from ``begin`` to ``to`` > ``begin``; the ranges may overlap."""
    for j in range(n - 1, -1, -1):
        buffer[to + j] = buffer[begin + j]


@njit
def record(trace: Any, cycle: Any, plane: Any, at: Any, rows: Any, cols: Any) -> None:
    """Copy a plane to ``trace[cycle]``, [row, column]."""
    for c in range(cols):
        for r in range(rows):
            trace[cycle, r, c] = plane[at + c * rows + r]
