"""Latencies as sums of named timings: ``nCL + nBL + 2 - nCWL``."""

import ast
from collections.abc import Mapping

BINARY = {ast.Add: int.__add__, ast.Sub: int.__sub__, ast.Mult: int.__mul__}
CALLS = {"max": max, "min": min}
CYCLES_MAX = 2**31
"""Bound on the size of a latency."""
LENGTH_MAX = 1000
"""Bound on the characters of an expression, so that none is nested too deeply to be read."""


def evaluate(expression: str, names: Mapping[str, int]) -> int:
    """Value of an expression of whole numbers, names, ``+ - *``, ``max`` and ``min``.

    Raises ValueError that says what is wrong: a name that is not known, or anything else.
    """
    try:
        value = _value(_parsed(expression), expression, names)
    except RecursionError:
        raise ValueError(f"{expression[:40]!r}... is nested too deeply") from None
    if abs(value) > CYCLES_MAX:
        raise ValueError(f"{expression!r} must be {CYCLES_MAX} cycles at most")
    return value


def names_in(expression: str) -> set[str]:
    """Timings that an expression names. Raises ValueError where it is none."""
    called = set(CALLS)
    names = {node.id for node in ast.walk(_parsed(expression)) if isinstance(node, ast.Name)}
    return names - called


def _parsed(expression: str) -> ast.expr:
    if len(expression) > LENGTH_MAX:
        raise ValueError(f"{expression[:40]!r}... must be {LENGTH_MAX} characters at most")
    try:
        return ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{expression!r} is no expression of timings") from None


def _value(node: ast.expr, expression: str, names: Mapping[str, int]) -> int:
    match node:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            return value
        case ast.Name(id=name):
            if name not in names:
                known = ", ".join(sorted(names))
                raise ValueError(f"{expression!r} names {name!r}, which is no timing; are: {known}")
            return names[name]
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in BINARY:
            x, y = (_value(side, expression, names) for side in (left, right))
            return BINARY[type(operator)](x, y)
        case ast.Call(func=ast.Name(id=name), args=[_, *_] as values, keywords=[]) if name in CALLS:
            return CALLS[name](_value(each, expression, names) for each in values)
    raise ValueError(f"{expression!r} must be a sum of timings: + - * max() min()")
