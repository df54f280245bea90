"""What may stand in each field of a parameter object, for messages and documentation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic.fields import FieldInfo

from arch.paths import Path
from arch.spec import Spec

UNITS = (
    ("bytes_per_cycle", "bytes/cycle"),
    ("_kib", "KiB"),
    ("_bytes", "bytes"),
    ("_cycles", "cycles"),
    ("_khz", "kHz"),
    ("_pj", "pJ"),
    ("_mw", "mW"),
)
"""Units by how the name of a field ends."""


@dataclass(frozen=True)
class Shape:
    """What may stand in one place."""

    kind: Literal[
        "integer", "number", "flag", "text", "choice", "section", "table", "list", "any"
    ]  # fmt: skip
    nullable: bool = False
    or_text: bool = False
    """Whether text may stand there too."""
    least: int | None = None
    """Smallest value, or number of items or characters."""
    most: int | None = None
    choices: tuple[str, ...] = ()
    sections: tuple[type[Spec], ...] = ()
    """Parameter objects that a section may be."""
    key: "Shape | None" = None
    """Names in a table."""
    item: "Shape | None" = None
    """Values in a table or list."""

    def wanted(self) -> str:
        """What would be right, in words."""
        if self.kind == "integer":
            text = f"a whole number{_bounds(self.least, self.most, ' from ')}"
        elif self.kind == "number":
            text = "a number"
        elif self.kind == "flag":
            text = "true or false"
        elif self.kind == "choice":
            text = one_of(self.choices)
        elif self.sections:
            needed = [required(each) or list(each.model_fields) for each in self.sections]
            text = f"a section with {one_of([', '.join(names) for names in needed])}"
        elif self.kind == "table":
            names = ", ".join(self.key.choices) if self.key and self.key.choices else "names"
            what = "a section" if self.item and self.item.sections else ""
            what = what or (self.item.wanted() if self.item else "")
            text = f"{names}{_count(self.least, self.most)}, each with {what}"
        elif self.kind == "list":
            text = f"a list{_count(self.least, self.most)}"
            text += f", each {self.item.wanted()}" if self.item else ""
        elif self.kind == "any":
            text = "any value"
        elif self.most is not None:
            text = "a name of letters, digits and _ that begins with a letter"
        else:
            text = "text" + (", not empty" if self.least else "")
        text += " or text" if self.or_text else ""
        return text + (", or null" if self.nullable else "")

    def range(self) -> str:
        """What would be right where only the size of a number is wrong."""
        return _bounds(self.least, self.most, "") + (", or null" if self.nullable else "")


def _bounds(least: int | None, most: int | None, before: str) -> str:
    if least is not None and most is not None:
        return f"{before}{least} to {most}"
    if least is None and most is None:
        return ""
    comma = ", " if before else ""
    return f"{comma}{least} or more" if most is None else f"{comma}{most} at most"


def _count(least: int | None, most: int | None) -> str:
    if most is not None:
        return f", {least} to {most} of them" if least else f", {most} of them at most"
    return ", not empty" if least else ""


def one_of(choices: Sequence[str]) -> str:
    """Choices as ``a, b or c``."""
    return " or ".join(part for part in (", ".join(choices[:-1]), choices[-1]) if part)


def required(section: type[Spec]) -> list[str]:
    """Names of the fields that a section must give."""
    return [name for name, info in section.model_fields.items() if info.is_required()]


def shape_of(info: FieldInfo) -> Shape:
    """What may stand in a field."""
    return _shape(info.annotation, info.metadata)


def _shape(annotation: Any, metadata: Sequence[Any]) -> Shape:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        nested = [m for each in arguments[1:] for m in getattr(each, "metadata", [each])]
        return _shape(arguments[0], [*nested, *metadata])
    if origin in (Union, UnionType):
        shapes = [_shape(each, metadata) for each in arguments if each is not NoneType]
        sections = tuple(section for shape in shapes for section in shape.sections)
        or_text = any(shape.kind == "text" for shape in shapes[1:])
        nullable = NoneType in arguments
        return replace(shapes[0], sections=sections, nullable=nullable, or_text=or_text)
    bounds: dict[str, Any] = {}
    for each in metadata:
        if isinstance(each, Ge | MinLen):
            bounds["least"] = each.ge if isinstance(each, Ge) else each.min_length
        elif isinstance(each, Le | MaxLen):
            bounds["most"] = each.le if isinstance(each, Le) else each.max_length
    if origin is Literal:
        return Shape("choice", choices=tuple(map(str, arguments)))
    if origin is dict:
        return Shape("table", **bounds, key=_shape(arguments[0], []), item=_shape(arguments[1], []))
    if origin is tuple:
        return Shape("list", **bounds, item=_shape(arguments[0], []))
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return Shape("section", sections=(annotation,))
    if annotation is bool:
        return Shape("flag")
    if annotation is Any:
        return Shape("any")
    kinds: dict[Any, Any] = {int: "integer", float: "number"}
    return Shape(kinds.get(annotation, "text"), **bounds)


def find(root: type[Spec], path: Path) -> Shape | None:
    """What may stand at a path; None where nothing may.

    A part ``[Name]`` says which parameter object a section is, where it may be several.
    """
    shape: Shape | None = Shape("section", sections=(root,))
    for part in path:
        if shape is None:
            return None
        if str(part).startswith("["):
            shape = replace(
                shape, sections=tuple(s for s in shape.sections if f"[{s.__name__}]" == part)
            )
            continue
        if shape.or_text:
            continue  # pydantic's name for one of both
        if shape.sections:
            fields = (section.model_fields.get(str(part)) for section in shape.sections)
            info = next((each for each in fields if each is not None), None)
            shape = shape_of(info) if info else None
        else:
            shape = shape.item
    return shape


@dataclass(frozen=True)
class Row:
    """A field as documentation shows it."""

    path: str
    """Names of scratchpads and the like as ``<name>``."""
    shape: Shape
    unit: str
    default: str
    """Empty if the field must be given."""
    meaning: str


def rows(root: type[Spec], above: str = "", unit: str = "") -> Iterator[Row]:
    """All fields of a parameter object and of those inside it, in their order."""
    for name, info in root.model_fields.items():
        shape = shape_of(info)
        path = f"{above}{name}"
        own = next((each for end, each in UNITS if name.endswith(end)), unit)
        if name == "clocks":
            own = "kHz"
        default = info.get_default(call_default_factory=True) if not info.is_required() else None
        shown = "" if info.is_required() else _default(default)
        kinds = (shape.kind, shape.item.kind if shape.item else "")
        number = "integer" in kinds or "number" in kinds
        meaning = " ".join((info.description or "").split())
        yield Row(path, shape, own if number else "", shown, meaning)
        for section in shape.sections:
            yield from rows(section, f"{path}.", own)
        for section in shape.item.sections if shape.item is not None else ():
            yield from rows(section, f"{path}.<name>.", own)


def _default(value: Any) -> str:
    if isinstance(value, Spec):
        return "its defaults"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, tuple) and value:
        return ", ".join(map(str, value))
    return "none" if value in ((), {}) else str(value)
