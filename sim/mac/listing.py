"""Formats as the list of them has them; without kernels, so at once."""

from typing import Any

from arch.mac.kinds import CODEC_BITS, Block, Format, Int, Posit


def number(value: float) -> str:
    """Shortest text of a number that is still exact in six digits, or with its exponent."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    text = repr(float(value)).removesuffix(".0")
    return text if len(text) <= 9 else f"{value:.6g}"


def specials(form: Format) -> str:
    """What a format has besides finite numbers."""
    if isinstance(form, Block):
        return specials(form.element)
    if isinstance(form, Posit):
        return "NaR"
    if isinstance(form, Int):
        return "none"
    zeros = "-0" if form.signed and form.zero and form.specials != "unsigned_zero" else ""
    known = {"ieee": "inf, NaN", "nan": "NaN", "unsigned_zero": "NaN", "none": ""}
    found = [each for each in (zeros, known[form.specials]) if each]
    return ", ".join(found) if found else "none"


def computed(form: Format) -> bool:
    """Whether the simulator computes with it, or it is only stored."""
    return isinstance(form, Block) or form.bits <= CODEC_BITS


def row(form: Format) -> dict[str, Any]:
    """A format in the list."""
    if isinstance(form, Block):
        element = row(form.element)
        scales = form.scale.name + (f" and {form.tensor_scale}" if form.tensor_scale else "")
        return {
            **element,
            "name": form.name,
            "kind": form.kind,
            "bits": form.bits,
            "bits_stored": float(form.bits_stored),
            "element": form.element.name,
            "scale": scales,
            "block": form.size,
            "source": form.source,
        }
    step = form.epsilon
    return {
        "name": form.name,
        "kind": form.kind,
        "bits": form.bits,
        "bits_stored": float(form.bits),
        "least": float(form.least),
        "smallest": float(form.smallest),
        "largest": float(form.largest),
        "epsilon": None if step is None else float(step),
        "overflow": form.overflow,
        "specials": specials(form),
        "source": form.source,
    }
