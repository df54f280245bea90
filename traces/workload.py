"""Workloads by name or from a file.

``load`` takes what ``--workload`` takes: a name (``resnet50``, ``gpt2:decode=1024``) or a file
(ONNX, SCALE-Sim CSV, a saved operator graph). ``save`` writes the operator graph back.
"""

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from arch.errors import InputError
from traces import transformer
from traces.batch import scaled
from traces.operators import Workload
from traces.reading import CONFIGS, exists, parse_spec, write_text

LIGHT_ONNX = {
    "alexnet": "light_bvlc_alexnet",
    "densenet121": "light_densenet121",
    "inception_v1": "light_inception_v1",
    "inception_v2": "light_inception_v2",
    "resnet50": "light_resnet50",
    "shufflenet": "light_shufflenet",
    "squeezenet": "light_squeezenet",
    "vgg19": "light_vgg19",
    "zfnet512": "light_zfnet512",
}
"""Names of the graphs that ship inside the ``onnx`` package."""

SUFFIXES = (".onnx", ".csv", ".yaml", ".yml", ".json")


class Loaded(NamedTuple):
    """A workload, and what its reader must know of how it was read."""

    workload: Workload
    notes: tuple[str, ...]


def names() -> tuple[str, ...]:
    """All workloads that are known by name."""
    tables = (path.stem for path in (CONFIGS / "workloads").glob("*.yaml"))
    return tuple(sorted({*LIGHT_ONNX, *tables, *transformer.models()}))


def load(
    name_or_path: str | Path,
    *,
    batch: int | None = None,
    skip_unknown: bool = False,
    ceil_output: bool = False,
) -> Loaded:
    """Read a workload.

    ``name_or_path`` is a name of ``names()`` or a file (.onnx, .csv, .yaml, .json), optionally
    followed by ``:key=integer,...``: ``prefill``, ``decode`` and ``batch`` of a transformer,
    ``batch`` and symbolic dimensions of ONNX, ``batch`` and the letters of a CSV template.
    ``batch`` is the number of inputs at a time; where the description fixes its own, that many
    copies of it. ``skip_unknown`` drops ONNX operators that have no model here, and says so in
    the notes. ``ceil_output`` rounds the output size of a CSV's convolutions up, as SCALE-Sim
    does, instead of down.

    Raises InputError.
    """
    text = str(name_or_path)
    base, options = split_options(text)
    if batch is not None:
        if options.get("batch", batch) != batch:
            raise InputError(f"{text}: batch is given twice, as {options['batch']} and {batch}")
        options["batch"] = batch
    if options.get("batch", 1) < 1:
        raise InputError(f"{text}: batch must be at least 1, not {options['batch']}")
    if base in LIGHT_ONNX:
        return _light(base, options, skip_unknown)
    if base in transformer.models():
        return Loaded(*transformer.workload(base, options))
    table = CONFIGS / "workloads" / f"{base}.yaml"
    path = table if re.fullmatch(r"\w+", base) and exists(table) else Path(base)
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        onnx_reader = _onnx_reader(text)
        return Loaded(*onnx_reader.read(path, options, skip_unknown))
    if suffix == ".csv":
        from traces.scalesim import read_topology

        return Loaded(*read_topology(path, options, ceil_output))
    if suffix in SUFFIXES:
        return _saved(path, options)
    raise _unknown(base, path)


def save(workload: Workload, path: str | Path) -> None:
    """Write a workload as YAML or JSON, by the suffix; ``load`` gives it back unchanged.

    Raises InputError where the suffix is another or the file cannot be written.
    """
    target = Path(path)
    data = {
        "name": workload.name,
        "source": workload.source,
        "operators": [
            {"kind": each.kind, **each.model_dump(mode="json", exclude_defaults=True)}
            for each in workload.operators
        ],
    }
    suffix = target.suffix.lower()
    if suffix == ".json":
        write_text(target, json.dumps(data, indent=1) + "\n")
    elif suffix in (".yaml", ".yml"):
        write_text(target, yaml.safe_dump(data, sort_keys=False, allow_unicode=True))
    else:
        raise InputError(f"{target}: a workload is saved as .yaml or .json, not {suffix!r}")


def split_options(text: str) -> tuple[str, dict[str, int]]:
    """Name and options of ``name:key=integer,...``. Raises InputError."""
    base, given = split_given(text, "integer")
    for key, value in given.items():
        if not re.fullmatch(r"[0-9]{1,18}", value):
            raise _no_option(text, "integer", f"{key}={value}")
    return base, {key: int(value) for key, value in given.items()}


def split_given(text: str, value_name: str) -> tuple[str, dict[str, str]]:
    """Name and options of ``name:key=value,...``, as they are given; an error calls values so.

    Raises InputError.
    """
    base, colon, given = text.rpartition(":")
    if not colon or exists(Path(text)) or "/" in given or "\\" in given:
        return text, {}
    options: dict[str, str] = {}
    for option in given.split(","):
        key, equals, value = (part.strip() for part in option.partition("="))
        if not equals or not key:
            raise _no_option(text, value_name, option)
        if key in options:
            raise InputError(f"{text}: {key} is given twice")
        options[key] = value
    return base, options


def _no_option(text: str, value_name: str, option: str) -> InputError:
    return InputError(
        f"{text}: options after ':' must be name={value_name}, separated by commas, not {option!r}"
    )


def _only_batch(where: str, options: Mapping[str, int]) -> int:
    for key in options:
        if key != "batch":
            raise InputError(f"{where}: takes the option batch only, not {key!r}")
    return options.get("batch", 1)


def _saved(path: Path, options: Mapping[str, int]) -> Loaded:
    workload = parse_spec(Workload, path)
    copies = _only_batch(str(path), options)
    return Loaded(scaled(workload, copies), ())


def _onnx_reader(wanted: str) -> Any:
    if find_spec("onnx") is None:
        raise InputError(
            f"{wanted}: reading ONNX needs the onnx package: pip install 'lockstep-sim[onnx]'"
        )
    from traces import onnx_reader

    return onnx_reader


def _light(name: str, options: Mapping[str, int], skip_unknown: bool) -> Loaded:
    reader = _onnx_reader(name)
    found = find_spec("onnx")
    folders = found.submodule_search_locations if found else None
    file = f"{LIGHT_ONNX[name]}.onnx"
    path = Path(next(iter(folders or [""]))) / "backend" / "test" / "data" / "light" / file
    if not path.is_file():
        raise InputError(
            f"{name}: the installed onnx {version('onnx')} does not ship {file}; "
            "give a file, or install onnx 1.16 or newer with its test data"
        )
    source = f"{file} of the onnx {version('onnx')} package"
    return Loaded(*reader.read(path, options, skip_unknown, name=name, source=source))


def _unknown(base: str, path: Path) -> InputError:
    if exists(path) and path.is_dir():
        return InputError(f"{base}: is a folder; give a file or a name")
    if path.suffix or exists(path):
        return InputError(
            f"{base}: is neither a known name nor a file that ends in {', '.join(SUFFIXES)}"
        )
    near = get_close_matches(base.lower(), names(), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(names())}."
    return InputError(f"{base!r} is no workload; {hint} A file must end in {', '.join(SUFFIXES)}")
