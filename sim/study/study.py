"""A study, from its file or from Python, and the folder that it lives in."""

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from arch.catalog import CONFIGS
from arch.errors import InputError
from arch.load import load_machine, machine_names
from arch.machine import Machine
from arch.mesh.load import is_mesh, load_packet_mesh, mesh_names
from arch.mesh.packet import PacketMesh
from arch.spec_file import Folder, is_there, read_spec
from sim.report.writing import open_whole
from sim.study import journal, metrics
from sim.study.evaluate import Evaluate
from sim.study.record import Record
from sim.study.space import Base, Space, space_of
from sim.study.spec import POINTS_MAX, Counted, StudySpec
from traces import workload as workloads
from traces.mesh.traffic import MeshWithTraffic, with_traffic
from traces.operators import Workload

STUDIES = Folder(CONFIGS / "studies", "study")
study_names = STUDIES.names
DOCUMENT = "study.json"
"""In a study's folder: everything that the study is."""


@dataclass(frozen=True)
class Study:
    """A question about machines, ready to run.

    ``evaluate`` takes a machine and returns metrics by name, in place of simulating workloads; it
    must be importable by other processes.
    """

    spec: StudySpec
    base: Base
    workloads: Mapping[str, Workload] = field(default_factory=dict)
    evaluate: Evaluate | None = None
    place: str = "study"
    """Where it comes from, for messages."""

    @cached_property
    def space(self) -> Space:
        """Its points."""
        return space_of(self.spec, self.base, self.place)

    def check(self) -> None:
        """Raise InputError for parameters, metrics and components that there are not."""
        spec = self.spec
        faults = []
        try:
            size = self.space.size
        except InputError as error:
            faults.append(str(error))
        else:
            if spec.sampling.method == "grid" and size > POINTS_MAX:
                faults.append(
                    f"{self.place}: sampling: a grid of {size} points; must be {POINTS_MAX} at "
                    "most: give the method random or latin_hypercube, and points"
                )
        faults += self._misplaced()
        if self.evaluate is None:
            known = list(metrics.MESH)
            if isinstance(self.base, Machine):
                known = metrics.names(list(spec.workloads))
            for section in ("objectives", "constraints"):
                for name in getattr(spec, section):
                    if name not in known:
                        faults.append(f"{self.place}: {section}.{name}: {_unknown(name, known)}")
        if faults:
            raise InputError("\n".join(faults))

    def _misplaced(self) -> list[str]:
        """What is there for the other kind of machine, or is not there for this one."""
        spec, place = self.spec, self.place
        if isinstance(self.base, Machine):
            faults = []
            if spec.traffic is not None:
                faults.append(f"{place}: traffic: is that of packet meshes; give workloads")
            static = not set(spec.objectives) - set(metrics.STATIC)
            if self.evaluate is None and not spec.workloads and not static:
                faults.append(f"{place}: workloads: is missing; name what shall run")
            return faults
        given = {"workloads": bool(spec.workloads), "counted": spec.counted != Counted()}
        faults = [
            f"{place}: {section}: is not for packet meshes; remove it"
            for section, there in given.items()
            if there
        ]
        if self.evaluate is None and spec.traffic is None:
            faults.append(f"{place}: traffic: is missing; say what the mesh carries")
        return faults

    def document(self) -> dict[str, Any]:
        """All that the study is, as plain data: equal documents give equal results."""
        return {
            "spec": self.spec.model_dump(mode="json"),
            "machine": self.base.model_dump(mode="json"),
            "workloads": {
                name: sha256(each.model_dump_json().encode()).hexdigest()
                for name, each in self.workloads.items()
            },
            "evaluate": None if self.evaluate is None else reference(self.evaluate),
        }

    @property
    def sha256(self) -> str:
        """Of the document."""
        return sha256(json.dumps(self.document(), sort_keys=True).encode()).hexdigest()


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    shown = ", ".join(each for each in known if "." not in each)
    each = "; WORKLOAD.METRIC of each workload" if len(shown) < len(", ".join(known)) else ""
    return f"is no metric; {hint}Metrics are {shown}{each}"


def load_study(name_or_path: str) -> Study:
    """A study by name or from a YAML file; paths in it are from the file's folder.

    Raises InputError with what is wrong and where.
    """
    path = STUDIES.find(name_or_path)
    return study_of(_spec(path), beside=path.parent, place=str(path))


def shipped() -> dict[str, StudySpec]:
    """What the studies that are known by name ask."""
    return {name: _spec(STUDIES.find(name)) for name in study_names()}


def _spec(path: Path) -> StudySpec:
    return read_spec(StudySpec, path, "a study: name, machine, parameters, objectives ...")


def study_of(
    spec: StudySpec, evaluate: Evaluate | None = None, beside: Path = Path(), place: str = "study"
) -> Study:
    """The study that a specification describes. Raises InputError."""
    try:
        base = _base(spec, beside)
    except InputError as error:
        raise InputError(f"{place}: machine: {error}") from None
    loaded = {}
    absolute = {}
    for label, given in spec.workloads.items():
        absolute[label] = _beside(given, beside)
        try:
            loaded[label] = workloads.load(absolute[label]).workload
        except InputError as error:
            raise InputError(f"{place}: workloads.{label}: {error}") from None
    spec = spec.model_copy(update={"workloads": absolute})
    study = Study(spec, base, loaded, evaluate, place)
    study.check()
    return study


def _base(spec: StudySpec, beside: Path) -> Base:
    """The machine, or the mesh with what it carries, that a study is around."""
    name = spec.machine
    if name not in (*machine_names(), *mesh_names()) and is_there(beside / name):
        name = str(beside / name)
    if not is_mesh(name):
        return load_machine(name, spec.set)
    mesh = load_packet_mesh(name, spec.set)
    return mesh if spec.traffic is None else with_traffic(mesh, spec.traffic)


def _beside(given: str, folder: Path) -> str:
    """A workload as named, a file by its full path."""
    name, colon, options = given.partition(":")
    there = folder / name
    return f"{there.resolve()}{colon}{options}" if is_there(there) and there.is_file() else given


def reference(function: Evaluate) -> str:
    """``module:name`` of a function. Raises InputError where other processes cannot import it."""
    name = getattr(function, "__qualname__", "<unnamed>")
    if "<" in name:
        raise InputError(
            f"evaluate: given {name}; must be a function of a module, which workers can import"
        )
    return f"{function.__module__}:{name}"


def write_document(study: Study, folder: Path) -> None:
    """Keep a study in its folder."""
    text = json.dumps({"place": study.place, **study.document()}, indent=1) + "\n"
    with open_whole(folder / DOCUMENT) as file:
        file.write(text.encode())


def read_folder(folder: Path, *, to_run: bool) -> tuple[Study, tuple[Record, ...]]:
    """The study of a folder, and its finished points.

    Without ``to_run`` workloads are not read. Raises InputError where the folder holds none, or
    what is to run has changed since.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder of a study; `lockstep study run` makes one")
    path = folder / DOCUMENT
    try:
        data = json.loads(path.read_text())
        spec = StudySpec.model_validate_json(json.dumps(data["spec"]))
        base = _base_of(data["machine"])
        place, evaluate = str(data["place"]), data["evaluate"]
        digests = {name: data["workloads"][name] for name in spec.workloads}
    except FileNotFoundError:
        raise InputError(f"{folder}: holds no study ({DOCUMENT} is missing)") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise InputError(
            f"{path}: is not as this lockstep writes it ({first}); use the version that began "
            "the study, or run it in another folder"
        ) from None
    records = journal.read(folder / journal.NAME).records
    if not to_run:
        return Study(spec, base, {}, None, place), records
    own = None if evaluate is None else _imported(evaluate, path)
    loaded = {name: workloads.load(given).workload for name, given in spec.workloads.items()}
    study = Study(spec, base, loaded, own, place)
    for name, digest in study.document()["workloads"].items():
        if digest != digests[name]:
            raise InputError(
                f"{folder}: workload {name} ({spec.workloads[name]}) has changed since the study "
                "began; restore it, or run the study in another folder"
            )
    return study, records


def _base_of(data: dict[str, Any]) -> Base:
    """What ``write_document`` wrote."""
    model: type[Base] = Machine
    if "router" in data:
        model = MeshWithTraffic if "traffic" in data else PacketMesh
    return model.model_validate_json(json.dumps(data))


def _imported(name: str, path: Path) -> Evaluate:
    module, _, inner = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in inner.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"{path}: evaluates points by {name}, which cannot be imported here ({error}); run "
            "the script that began the study again: it goes on"
        ) from None
    if module == "__main__" or not callable(found):
        raise InputError(
            f"{path}: evaluates points by a function of a script; run the script that began the "
            "study again: it goes on"
        )
    return found  # type: ignore[no-any-return]
