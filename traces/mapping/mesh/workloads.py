"""Programs of wafers by name: ``mesh_gemm:m=2048,k=2048,n=2048,grid=64``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from arch.errors import InputError
from arch.mesh.program import FORMATS, Combine
from arch.mesh.wavelet import WaveletMesh
from traces.mapping.mesh.assembly import Mapped, check_grid
from traces.mapping.mesh.cannon import cannon
from traces.mapping.mesh.collectives import COLLECTIVES, collective
from traces.mapping.mesh.decode_layer import transformer_decode_layer
from traces.mapping.mesh.decode_sizes import Layer
from traces.mapping.mesh.dist_gemm_t import dist_gemm_t
from traces.mapping.mesh.flow import ALLREDUCES
from traces.mapping.mesh.kv_cache import kv_cache
from traces.mapping.mesh.mesh_gemm import mesh_gemm
from traces.mapping.mesh.mesh_gemv import mesh_gemv
from traces.mapping.mesh.prefill_layer import transformer_prefill_layer
from traces.mapping.mesh.shift_gemm import Sizes
from traces.mapping.mesh.summa import summa
from traces.transformer import models
from traces.workload import split_given

Given = Mapping[str, Any]
Choices = dict[str, type | tuple[str, ...]]


@dataclass(frozen=True)
class MeshWorkload:
    """A program that a name stands for."""

    what: str
    options: Choices
    """A whole number, a name, or one of some names, each by what it is called."""
    needs: tuple[str, ...]
    """Options without which there is no program."""
    build: Callable[[WaveletMesh, Given], Mapped]


FORMAT: Choices = {"format": FORMATS}
PLACE: Choices = {"width": int, "height": int, "grid": int}
PRODUCT: Choices = {"m": int, "k": int, "n": int, "grid": int, **FORMAT}
SHIFTS: Choices = {**PRODUCT, "align": ("grid", "host"), "step": int, "steps": ("own", "answered")}
TREE: Choices = {"allreduce": ALLREDUCES, "groups": int}
LAYER: Choices = {
    "model": str, "dim": int, "ffn": int, "heads": int, "as_published": int, **TREE, **FORMAT,
}  # fmt: skip
LINES: Choices = {
    "wavelets": int, "axis": ("x", "y", "both"), "combine": ("add", "max"), **PLACE, **FORMAT,
}  # fmt: skip
FROM_ZERO = ("step", "groups", "as_published", "width", "height", "grid")
"""Numbers that may be zero, or are held against the mesh."""
DIGITS = 9
"""Of a number, at most."""
ALIASES = {"k_tree": "ktree_allreduce", "ring": "ring_allreduce"}


def _format(given: Given) -> str:
    return str(given.get("format", "fp16"))


def _square(mesh: WaveletMesh, given: Given) -> int:
    return int(given.get("grid", min(mesh.width, mesh.height)))


def _grid(mesh: WaveletMesh, given: Given) -> tuple[int, int]:
    width, height = (
        given.get(side, given.get("grid", whole))
        for side, whole in (("width", mesh.width), ("height", mesh.height))
    )
    return int(width), int(height)


def _sizes(given: Given) -> Sizes:
    return Sizes(given["m"], given["k"], given["n"])


def _shifts(build: Callable[..., Mapped]) -> Callable[[WaveletMesh, Given], Mapped]:
    return lambda mesh, given: build(
        mesh, _sizes(given), _square(mesh, given), _format(given),
        align_by=given.get("align", "grid"), only=given.get("step"),
        answered=given.get("steps") == "answered",
    )  # fmt: skip


def _square_product(build: Callable[..., Mapped]) -> Callable[[WaveletMesh, Given], Mapped]:
    return lambda mesh, given: build(mesh, _sizes(given), _square(mesh, given), _format(given))


def _summa(mesh: WaveletMesh, given: Given) -> Mapped:
    return summa(
        mesh, _sizes(given), _grid(mesh, given), _format(given),
        forward=given.get("forward", "multicast"), only=given.get("step"),
    )  # fmt: skip


def _gemv(mesh: WaveletMesh, given: Given) -> Mapped:
    dims = [given["k"], given["n"], *([given["next"]] if "next" in given else [])]
    return mesh_gemv(
        mesh, dims, _grid(mesh, given), given.get("allreduce", "k_tree"), _format(given),
        given.get("groups", 0),
    )  # fmt: skip


def _cache(kind: Any) -> Callable[[WaveletMesh, Given], Mapped]:
    return lambda mesh, given: kv_cache(
        mesh, kind, given["dim"], given["tokens"], _grid(mesh, given), _format(given)
    )


def _layer(where: str, given: Given) -> Layer:
    heads = given.get("heads", 1)
    if "model" not in given:
        if not {"dim", "ffn"} <= set(given):
            raise InputError(f"{where}: needs model=NAME, or dim=N and ffn=N")
        return Layer(given["dim"], given["ffn"], heads)
    if {"dim", "ffn"} & set(given):
        raise InputError(f"{where}: give model, or dim and ffn, not both")
    known = {
        name: model
        for name, model in models().items()
        if (model.norm, model.activation, model.rotary, model.experts) == ("rms", "swiglu", True, 1)
    }
    if given["model"] not in known:
        raise InputError(f"{where}: model {given['model']!r}; must be one of {', '.join(known)}")
    model = known[given["model"]]
    return Layer(model.hidden, model.ffn, heads)


def _tree(given: Given) -> dict[str, Any]:
    return {
        "format": _format(given), "allreduce": given.get("allreduce", "k_tree"),
        "groups": given.get("groups", 0), "as_published": bool(given.get("as_published", 0)),
    }  # fmt: skip


def _decode(mesh: WaveletMesh, given: Given) -> Mapped:
    layer = _layer("decode_layer", given)
    context = given.get("context", 4096)
    return transformer_decode_layer(mesh, layer, context, _grid(mesh, given), **_tree(given))


def _prefill(mesh: WaveletMesh, given: Given) -> Mapped:
    layer = _layer("prefill_layer", given)
    tokens = given.get("tokens", 4096)
    return transformer_prefill_layer(mesh, layer, tokens, _square(mesh, given), **_tree(given))


def _collective(kind: str) -> Callable[[WaveletMesh, Given], Mapped]:
    def build(mesh: WaveletMesh, given: Given) -> Mapped:
        format, axis = _format(given), given.get("axis", "x")
        # Lines along an axis are alike: one of them stands for all.
        one = {"x": {"height": 1}, "y": {"width": 1}, "both": {}}[axis]
        width, height = _grid(mesh, {**one, **given})
        check_grid(kind, mesh, width, height)
        elements = given["wavelets"] * (1 if format == "fp32" else 2)
        groups = {name: given[name] for name in ("group", "groups") if name in given}
        combine = Combine.MAX if given.get("combine") == "max" else Combine.ADD
        return Mapped(
            collective(
                kind, width, height, elements, axis=axis, format=format, combine=combine, **groups
            )
        )

    return build


def _lines(kind: str) -> MeshWorkload:
    options = dict(LINES)
    if kind == "two_phase":
        options["group"] = int
    if kind == "ktree_allreduce":
        options["groups"] = int
    return MeshWorkload(f"the collective {kind}", options, ("wavelets",), _collective(kind))


MNK = ("m", "k", "n")
WORKLOADS: dict[str, MeshWorkload] = {
    "mesh_gemm": MeshWorkload("MeshGEMM", SHIFTS, MNK, _shifts(mesh_gemm)),
    "cannon": MeshWorkload("Cannon's product", SHIFTS, MNK, _shifts(cannon)),
    "summa": MeshWorkload(
        "SUMMA", {**PRODUCT, **PLACE, "forward": ("multicast", "relay"), "step": int}, MNK, _summa
    ),
    "dist_gemm_t": MeshWorkload("X W^T", PRODUCT, MNK, _square_product(dist_gemm_t)),
    "mesh_gemv": MeshWorkload(
        "MeshGEMV, and a next one", {"k": int, "n": int, "next": int, **PLACE, **TREE, **FORMAT},
        ("k", "n"), _gemv,
    ),
    "kv_shift": MeshWorkload(
        "a cache kept by shifts", {"dim": int, "tokens": int, **PLACE, **FORMAT},
        ("dim", "tokens"), _cache("shift"),
    ),
    "kv_concat": MeshWorkload(
        "a cache that piles up", {"dim": int, "tokens": int, **PLACE, **FORMAT},
        ("dim", "tokens"), _cache("concat"),
    ),
    "decode_layer": MeshWorkload(
        "a layer for one token", {"context": int, **LAYER, **PLACE}, (), _decode
    ),
    "prefill_layer": MeshWorkload(
        "a layer for a prompt", {"tokens": int, "grid": int, **LAYER}, (), _prefill
    ),
    **{kind: _lines(kind) for kind in COLLECTIVES},
    **{short: _lines(kind) for short, kind in ALIASES.items()},
    "meshgemm": MeshWorkload("MeshGEMM", SHIFTS, MNK, _shifts(mesh_gemm)),
}  # fmt: skip
WORKLOADS["meshgemv"] = WORKLOADS["mesh_gemv"]


def names() -> tuple[str, ...]:
    """Programs that are known by name."""
    return tuple(sorted(WORKLOADS))


def is_workload(text: str) -> bool:
    """Whether a text is one of these names, options or not."""
    return text.partition(":")[0] in WORKLOADS


def build(text: str, mesh: WaveletMesh) -> Mapped:
    """The program of ``name:option=value,...`` for a mesh; ``grid`` is the mesh's if not given.

    Raises InputError: of a name or an option that is not there, it says which are.
    """
    base, texts = split_given(text, "value")
    if base not in WORKLOADS:
        close = get_close_matches(base, WORKLOADS, 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise InputError(f"mesh workload {base!r}; known are {', '.join(names())}{hint}")
    workload = WORKLOADS[base]
    given = {name: _value(text, workload, name, value) for name, value in texts.items()}
    missing = [name for name in workload.needs if name not in given]
    if missing:
        raise InputError(f"{text}: needs {', '.join(f'{name}=N' for name in missing)}")
    return workload.build(mesh, given)


def _value(where: str, workload: MeshWorkload, name: str, value: str) -> int | str:
    kind = workload.options.get(name)
    if kind is None:
        raise InputError(f"{where}: option {name!r}; must be one of {', '.join(workload.options)}")
    if isinstance(kind, tuple):
        if value not in kind:
            raise InputError(f"{where}: {name} must be one of {', '.join(kind)}, not {value!r}")
        return value
    if kind is str:
        return value
    least = 0 if name in FROM_ZERO else 1
    if not (value.isascii() and value.isdigit() and len(value) <= DIGITS) or int(value) < least:
        raise InputError(
            f"{where}: {name} must be a whole number from {least} to {'9' * DIGITS}, not {value!r}"
        )
    return int(value)
