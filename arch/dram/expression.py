"""Latencies as sums of named timings: ``nCL + nBL + 2 - nCWL``."""

import ast
from collections.abc import Mapping

BINARY = {ast.Add: int.__add__, ast.Sub: int.__sub__, ast.Mult: int.__mul__}
CALLS = {"max": max, "min": min}


def evaluate(expression: str, names: Mapping[str, int]) -> int:
    """Value of an expression of whole numbers, names, ``+ - *``, ``max`` and ``min``.

    Raises ValueError that says what is wrong: a name that is not known, or anything else.
    """
    try:
        tree = ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{expression!r} is no expression of timings") from None
    return _value(tree, expression, names)


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
