"""Paths of fields, as in ``buffer.scratchpads.ifmap.operands[0]``."""

import json
import re

Path = tuple[str | int, ...]

_WORD = re.compile(r"""[^.\[\]"=\s]+""")
_PART = re.compile(
    rf"""(^|\.)(?P<name>{_WORD.pattern})|\[(?P<index>[0-9]{{1,9}})\]|\[(?P<quoted>"[^"]*")\]"""
)


def dotted(path: Path) -> str:
    """A path as text; keys that are no plain words stand in brackets and quotes."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _WORD.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text


def parsed(text: str) -> Path | None:
    """The path that a text stands for; None if it is none."""
    path: list[str | int] = []
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            return None
        if match["name"] is not None:
            path.append(match["name"])
        elif match["index"] is not None:
            path.append(int(match["index"]))
        else:
            path.append(json.loads(match["quoted"]))
        at = match.end()
    return tuple(path) or None
