"""Products of matrices of codes by NumPy, through ml_dtypes and SoftPosit; run
with the Python that has the peer.

``python mac_peer.py KIND FILE``: FILE.npz has ``a`` [m, k] and ``b`` [k, n], codes; seconds and
codes go to FILE.out.npz.
"""

import sys
from time import perf_counter

import numpy as np


def ml_dtypes_chain(a, b):
    """Column by column of ``a``: NumPy multiplies and adds whole matrices in the format."""
    import ml_dtypes

    form = ml_dtypes.float8_e4m3fn
    x, y = a.astype(np.uint8).view(form), b.astype(np.uint8).view(form)
    start = perf_counter()
    total = np.zeros((a.shape[0], b.shape[1]), form)
    for k in range(a.shape[1]):
        total = total + x[:, k, None] * y[None, k, :]
    return perf_counter() - start, total.view(np.uint8)


def ml_dtypes_once(a, b):
    """In float64, where these sums are exact, through BLAS."""
    import ml_dtypes

    form = ml_dtypes.float8_e4m3fn
    x, y = a.astype(np.uint8).view(form), b.astype(np.uint8).view(form)
    start = perf_counter()
    total = (x.astype(np.float64) @ y.astype(np.float64)).astype(form)
    return perf_counter() - start, total.view(np.uint8)


def ml_dtypes_dot(a, b):
    """``np.dot`` of arrays of the format, whatever order and width it sums in."""
    import ml_dtypes

    form = ml_dtypes.float8_e4m3fn
    x, y = a.astype(np.uint8).view(form), b.astype(np.uint8).view(form)
    start = perf_counter()
    total = np.dot(x, y)
    return perf_counter() - start, total.view(np.uint8)


def softposit_chain(a, b):
    """Arrays of Python objects: what NumPy has for posits."""
    import softposit

    x = np.array([[softposit.posit16(bits=c) for c in row] for row in a.tolist()], object)
    y = np.array([[softposit.posit16(bits=c) for c in row] for row in b.tolist()], object)
    start = perf_counter()
    total = np.array([[softposit.posit16(bits=0)] * b.shape[1]] * a.shape[0], object)
    for k in range(a.shape[1]):
        total = total + x[:, k, None] * y[None, k, :]
    seconds = perf_counter() - start
    return seconds, np.array([[p.v.v for p in row] for row in total])


def softposit_once(a, b):
    """SoftPosit's quire, an element at a time."""
    import softposit

    x = [[softposit.posit16(bits=c) for c in row] for row in a.tolist()]
    y = [[softposit.posit16(bits=c) for c in row] for row in b.T.tolist()]
    start = perf_counter()
    found = np.zeros((a.shape[0], b.shape[1]), np.int64)
    for i, row in enumerate(x):
        for j, column in enumerate(y):
            quire = softposit.quire16()
            for p, q in zip(row, column, strict=True):
                quire.qma(p, q)
            found[i, j] = quire.toPosit().v.v
    return perf_counter() - start, found


KINDS = {
    "ml_dtypes_chain": ml_dtypes_chain,
    "ml_dtypes_once": ml_dtypes_once,
    "ml_dtypes_dot": ml_dtypes_dot,
    "softposit_chain": softposit_chain,
    "softposit_once": softposit_once,
}

if __name__ == "__main__":
    with np.load(sys.argv[2] + ".npz") as given, np.errstate(all="ignore"):
        seconds, codes = KINDS[sys.argv[1]](given["a"], given["b"])
    np.savez(sys.argv[2] + ".out.npz", seconds=seconds, codes=codes)
