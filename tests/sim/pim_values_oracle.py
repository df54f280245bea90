"""What a PIM and its chip compute, in plain loops over float32 and the formats of ml_dtypes.

Written from docs/pim.md, section Values.
"""

import ml_dtypes
import numpy as np

F = np.float32
STORED = {"bf16": ml_dtypes.bfloat16, "fp16": np.float16}


def stored(x, form):  # type: ignore[no-untyped-def]
    """Rounded to a format, as float32."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(x, F).astype(STORED[form]).astype(F)


def pairs(parts):  # type: ignore[no-untyped-def]
    """Sums of neighbours, until one is left."""
    parts = [F(p) for p in parts]
    while len(parts) > 1:
        odd = [parts[-1]] if len(parts) % 2 else []
        parts = [F(a + b) for a, b in zip(parts[::2], parts[1::2], strict=False)] + odd
    return parts[0]


def dot(weights, vector, lanes, total=F(0)):  # type: ignore[no-untyped-def]
    """Products of a bank, column by column, added to its accumulator."""
    count = -(-len(vector) // lanes) * lanes
    a, b = (np.pad(np.asarray(x, F), (0, count - len(x))) for x in (weights, vector))
    for first in range(0, count, lanes):
        products = [F(x * y) for x, y in zip(a[first:][:lanes], b[first:][:lanes], strict=True)]
        total = F(total + pairs(products))
    return total


def gemv(matrix, vector, form, chunk=None, bias=None, lanes=16):  # type: ignore[no-untyped-def]
    """Product of a matrix; ``chunk``: elements after which sums are read and go on on the chip."""
    found = []
    for output, weights in enumerate(matrix):
        step = chunk or len(vector)
        terms = [
            stored(dot(weights[k : k + step], vector[k : k + step], lanes), form)
            for k in range(0, len(vector), step)
        ]
        if bias is not None:
            terms.insert(1, F(bias[output]))
        total = terms[0]
        for term in terms[1:]:
            total = F(total + term)
        found.append(total)
    return stored(found, form)


def exp(x):  # type: ignore[no-untyped-def]
    if np.isnan(x):
        return F(np.nan)
    if x < -87:
        return F(0)
    if x > 88:
        return F(np.inf)
    n = np.rint(F(x * F(np.log2(np.e))))
    r = F(F(x - F(n * F(0.693145751953125))) - F(n * F(1.42860682030941723212e-6)))
    total = F(1 / 720)
    for factor in (1 / 120, 1 / 24, 1 / 6, 1 / 2, 1, 1):
        total = F(F(total * r) + F(factor))
    return F(total * F(2.0 ** int(n)))


def reciprocal(x):  # type: ignore[no-untyped-def]
    if np.isnan(x):
        return F(np.nan)
    size = F(abs(x))
    if size < 2.0**-125:
        return np.copysign(F(np.inf), x)
    if size > 2.0**125:
        return np.copysign(F(0), x)
    y = np.array([0x7EF311C7 - int(size.view(np.int32))], np.int32).view(F)[0]
    for _ in range(3):
        y = F(y * F(F(2) - F(size * y)))
    return np.copysign(y, x)


def root(x):  # type: ignore[no-untyped-def]
    if np.isnan(x) or x < 0:
        return F(np.nan)
    if x < 2.0**-125:
        return F(0)
    if np.isinf(x):
        return F(np.inf)
    y = np.array([0x5F3759DF - (int(x.view(np.int32)) >> 1)], np.int32).view(F)[0]
    for _ in range(3):
        y = F(y * F(F(1.5) - F(F(x * F(0.5)) * F(y * y))))
    return F(x * y)


def gelu(x):  # type: ignore[no-untyped-def]
    a = F(2 * np.sqrt(2 / np.pi))
    u = F(x * F(a + F(F(a * 0.044715) * F(x * x))))
    return F(x * reciprocal(F(F(1) + exp(F(-u)))))


def total(values, adders):  # type: ignore[no-untyped-def]
    """Sum of a vector: one partial sum an adder, then their tree."""
    parts = [F(0)] * adders
    for i, value in enumerate(values):
        parts[i % adders] = F(parts[i % adders] + value)
    return pairs(parts)


def softmax(scores, form, adders):  # type: ignore[no-untyped-def]
    most = max(scores)
    powers = [exp(F(s - most)) for s in scores]
    factor = reciprocal(total(powers, adders))
    return stored([F(p * factor) for p in powers], form)


def norm(x, gain, bias, form, adders):  # type: ignore[no-untyped-def]
    share = F(F(1) / F(len(x)))
    mean = F(total(x, adders) * share)
    centred = [F(v - mean) for v in x]
    variance = F(total([F(c * c) for c in centred], adders) * share)
    factor = reciprocal(root(F(variance + F(1e-5))))
    scaled = [F(F(F(c * factor) * g) + b) for c, g, b in zip(centred, gain, bias, strict=True)]
    return stored(scaled, form)
