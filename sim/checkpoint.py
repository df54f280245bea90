"""Writing a run's state to a file, and going on from it."""

import json
import zipfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.commands import COMMAND, CommandTrace
from arch.errors import InputError
from arch.load import machine_sha256
from arch.machine import Machine
from sim.jit import KERNEL_HASH
from sim.outcome import workload_sha256
from sim.report.log import CommandLog
from sim.result import Energy, OperatorResult
from sim.system import System
from traces.operators import Workload

FORMAT_VERSION = 1
NONE = np.zeros(0, np.int64)


@dataclass
class Progress:
    """Where a run is, beside the state of its units."""

    base_ticks: npt.NDArray[np.int64]
    """Ticks by cause at the start of the window."""
    step: int = 0
    step_start: int = 0
    """Tick at which the step began."""
    step_from: int = 0
    """The same, or the start of the window if that is later."""
    counting: bool = False
    """Whether the window has begun."""
    saved: bool = False
    counted: Counter[str] = field(default_factory=Counter)
    """Events up to ``step_from``."""
    stalled: npt.NDArray[np.int64] = field(default_factory=lambda: NONE)
    """Ticks by cause up to ``step_from``."""
    operators: list[OperatorResult] = field(default_factory=list)
    log_commands: npt.NDArray[np.void] = field(default_factory=lambda: np.zeros(0, COMMAND))
    log_ids: npt.NDArray[np.int64] = field(default_factory=lambda: NONE)
    log_dependencies: npt.NDArray[np.int64] = field(default_factory=lambda: NONE)
    log_start: npt.NDArray[np.int64] = field(default_factory=lambda: NONE)
    log_end: npt.NDArray[np.int64] = field(default_factory=lambda: NONE)
    commands_before: int = 0
    """Commands of the steps that are done."""
    operator_names: list[str] = field(default_factory=list)
    tensor_names: list[str] = field(default_factory=list)
    tensor_addresses: list[int] = field(default_factory=list)

    def log_step(
        self, trace: CommandTrace, runtime: npt.NDArray[np.void], start_tick: int, end_tick: int
    ) -> None:
        """Keep a step's commands that ran inside the window."""
        ran = (runtime["start"] >= 0) & (runtime["start"] < end_tick)
        ran &= (runtime["end"] < 0) | (runtime["end"] > start_tick)
        commands = trace.commands[ran].copy()
        commands["operator"] += len(self.operator_names)
        commands["tensor"] += np.where(commands["tensor"] >= 0, len(self.tensor_names), 0)
        commands["deps_begin"] += len(self.log_dependencies)
        commands["deps_end"] += len(self.log_dependencies)
        ids = np.flatnonzero(ran) + self.commands_before
        self.log_ids = np.concatenate([self.log_ids, ids])
        dependencies = trace.dependencies + self.commands_before
        self.log_dependencies = np.concatenate([self.log_dependencies, dependencies])
        self.log_commands = np.concatenate([self.log_commands, commands])
        self.log_start = np.concatenate([self.log_start, runtime["start"][ran]])
        self.log_end = np.concatenate([self.log_end, runtime["end"][ran]])
        self.commands_before += len(trace.commands)
        self.operator_names += trace.operator_names
        self.tensor_names += trace.tensor_names
        self.tensor_addresses += trace.tensors["address"].tolist()

    def command_log(self, tick_khz: int, machine: Machine) -> CommandLog:
        """The commands kept, with their ticks."""
        return CommandLog(
            ids=self.log_ids,
            commands=self.log_commands,
            dependencies=self.log_dependencies,
            start_ticks=self.log_start,
            end_ticks=self.log_end,
            operator_names=tuple(self.operator_names),
            tensor_names=tuple(self.tensor_names),
            tick_khz=tick_khz,
            tensor_addresses=tuple(self.tensor_addresses),
            cores=machine.cores,
            pim_channels=machine.pim_channels,
        )


ARRAY_FIELDS = (
    "base_ticks",
    "stalled",
    "log_commands",
    "log_ids",
    "log_dependencies",
    "log_start",
    "log_end",
)
SCALAR_FIELDS = (
    "step",
    "step_start",
    "step_from",
    "counting",
    "commands_before",
    "operator_names",
    "tensor_names",
    "tensor_addresses",
)


def write_checkpoint(
    path: Path, machine: Machine, workload: Workload, system: System, progress: Progress
) -> None:
    """Write the whole state. Raises InputError if the file cannot be written."""
    meta: dict[str, Any] = {name: getattr(progress, name) for name in SCALAR_FIELDS}
    meta |= {
        "format_version": FORMAT_VERSION,
        "machine_sha256": machine_sha256(machine),
        "workload_sha256": workload_sha256(workload),
        "kernel_hash": KERNEL_HASH,
        "counted": dict(progress.counted),
        "operators": [asdict(operator) for operator in progress.operators],
    }
    arrays = {f"state.{name}": a for name, a in system.state.arrays_by_name().items()}
    arrays |= {name: getattr(progress, name) for name in ARRAY_FIELDS}
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, meta=np.array(json.dumps(meta)), **arrays)
        partial.replace(path)
    except OSError as error:
        raise InputError(
            f"checkpoint {path}: cannot be written ({error.strerror}); give a path in a folder "
            "that exists and may be written"
        ) from error


def read_checkpoint(path: Path, machine: Machine, workload: Workload, system: System) -> Progress:
    """Put a saved state into ``system`` and return where the run was.

    Raises InputError if the file is not a checkpoint, or not one of this machine, workload and
    version.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            meta = json.loads(str(saved["meta"]))
            arrays = {name: saved[name] for name in saved.files if name != "meta"}
    except OSError as error:
        raise InputError(f"checkpoint {path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"checkpoint {path}: not a checkpoint, or damaged; give a file that --checkpoint wrote"
        ) from error
    expected = {
        "format_version": (FORMAT_VERSION, "lockstep's version"),
        "kernel_hash": (KERNEL_HASH, "lockstep's version"),
        "machine_sha256": (machine_sha256(machine), "the machine"),
        "workload_sha256": (workload_sha256(workload), "the workload"),
    }
    for name, (value, what) in expected.items():
        if meta.get(name) != value:
            raise InputError(
                f"checkpoint {path}: {what} differs from the run that wrote it; resume with the "
                "same machine, workload and version"
            )
    for name in system.state.arrays_by_name():
        system.state.put(name, arrays[f"state.{name}"])
    fields: dict[str, Any] = {name: meta[name] for name in SCALAR_FIELDS}
    fields |= {name: arrays[name] for name in ARRAY_FIELDS}
    return Progress(
        **fields,
        counted=Counter(meta["counted"]),
        operators=[_operator(row) for row in meta["operators"]],
    )


def _operator(row: dict[str, Any]) -> OperatorResult:
    joules = row.pop("energy")
    return OperatorResult(**row, energy=Energy(joules["by_component_pj"], tuple(joules["unknown"])))
