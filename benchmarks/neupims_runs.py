"""The runs of NeuPIMs' evaluation: one decode iteration of a batch on each system."""

from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

from arch.serving import load_system
from sim.cache import Cache
from sim.jit import KERNEL_HASH
from sim.serving.device import RooflineDevice, Share
from sim.serving.outcome import Iteration, Served
from sim.serving.record import Record
from sim.serving.report import PIM_BUSY, PIM_UNITS
from sim.serving.requests import requests_of
from sim.serving.serve import Options, schedule
from traces.transformer.model import models

SEED, WARM_UP = 1, 1000
MODELS = {
    "gpt3_6_7b": (4, 1),
    "gpt3_13b": (4, 1),
    "gpt3_30b": (4, 2),
    "gpt3_175b": (8, 4),
}
"""Tensor and pipeline parallel degrees of the paper."""
BATCHES = (64, 128, 256, 384, 512)
DATA_SETS = ("sharegpt", "alpaca")
SYSTEMS = (
    "gpu_a100",
    "npu_only",
    "npu_only_as_published",
    "npu_pim_as_published",
    "npu_pim",
    "neupims",
    "neupims_whole_batch",
    "neupims_single_row_buffer",
    "neupims_round_robin",
    "npu_pim_throttled",
)
FIRST = (
    ("gpt3_6_7b", "sharegpt", 256),
    ("gpt3_6_7b", "sharegpt", 512),
    ("gpt3_6_7b", "sharegpt", 64),
    ("gpt3_30b", "sharegpt", 256),
    ("gpt3_6_7b", "alpaca", 256),
    ("gpt3_6_7b", "sharegpt", 384),
    ("gpt3_6_7b", "sharegpt", 128),
    ("gpt3_30b", "sharegpt", 512),
    ("gpt3_30b", "sharegpt", 64),
    ("gpt3_6_7b", "alpaca", 512),
    ("gpt3_6_7b", "alpaca", 64),
)
"""Cases that are run before the others."""
HELD = "mapping.held_layers=one"
"""As NeuPIMs' simulator, which holds keys and values of one layer."""

Numbers = dict[str, Any]


class Case(NamedTuple):
    """A run."""

    model: str
    data_set: str
    batch: int
    system: str

    @property
    def key(self) -> str:
        """In files."""
        return "/".join(map(str, self))


def cases() -> list[Case]:
    """All runs, the most telling first."""
    grid = [(m, d, b) for d in DATA_SETS for m in MODELS for b in BATCHES]
    grid = [*FIRST, *(each for each in grid if each not in FIRST)]
    return [Case(*each, system) for each in grid for system in SYSTEMS]


def run_case(case: Case) -> Numbers:
    """One iteration of the sequences that a device has at a time, through its layers.

    With pipeline parallel as many such batches are under way as there are groups of layers; a
    token of each sequence then takes as many passes, and tokens a second are those of one pass.
    """
    tensor, pipeline = MODELS[case.model]
    model = models()[case.model]
    share = Share(case.model, model, tensor, pipeline)
    system = load_system(case.system, [] if case.system.startswith("gpu") else [HELD])
    options = Options(case.batch, 1, WARM_UP)
    requests = requests_of(case.data_set, SEED, model.positions)
    begin = process_time()
    if system.roofline is not None:
        from dataclasses import replace

        roomy = system.roofline.model_copy(update={"capacity_bytes": 10**15})
        device: Any = RooflineDevice(roomy, share)
        record = schedule(requests, device.room(), replace(options))
    else:
        from sim.serving.machine import MachineDevice

        assert system.mapping is not None
        with Cache() as cache:
            device = MachineDevice(system, share, case.batch, cache)
            placed = Options(case.batch, 1, WARM_UP, placement=system.mapping.assignment)
            record = schedule(requests, device.room(), placed)
            done = device.run(record.iterations[0].slots)
            return _numbers(case, share, device, record, done, process_time() - begin)
    done = device.run(record.iterations[0].slots)
    return _numbers(case, share, device, record, done, process_time() - begin)


def _numbers(
    case: Case, share: Share, device: Any, record: Record, done: Any, cpu_seconds: float
) -> Numbers:
    slots = record.iterations[0].slots
    tokens = sum(slot.length for slot in slots)
    iteration = Iteration(len(slots), tokens, 0, done.seconds, (done,))
    served = Served(
        (iteration,), record, device.peak_macs_per_second, device.bandwidth_bytes_per_second
    )
    return {
        "sequences": len(slots),
        "mean_length": tokens / len(slots),
        "sub_batches": done.sub_batches,
        "seconds": done.seconds,
        "tokens_per_second": len(slots) / done.seconds,
        "npu_utilisation": served.npu_utilisation,
        "pim_utilisation": served.busy_share(PIM_UNITS, PIM_BUSY),
        "bandwidth_utilisation": served.bandwidth_utilisation,
        "stages": {row.name: [row.repeats, row.seconds] for row in done.stages},
        "fits": fits(case),
        "cpu_seconds": cpu_seconds,
        "kernels": KERNEL_HASH,
    }


def fits(case: Case) -> bool | None:
    """Whether keys and values of all layers and of all batches under way have room; None for a
    roofline."""
    from sim.serving.machine import MachineDevice

    system = load_system(case.system)
    if system.mapping is None:
        return None
    tensor, pipeline = MODELS[case.model]
    model = models()[case.model]
    device = MachineDevice(system, Share(case.model, model, tensor, pipeline), case.batch, None)
    room, batch = device.room(), case.batch * pipeline
    requests = requests_of(case.data_set, SEED, model.positions)
    needed = sum(
        room.need(each.final_tokens) for each, _ in zip(requests, range(batch), strict=False)
    )
    return needed <= room.units * room.channels


def measure(workers: int, known: set[str]) -> Iterator[tuple[str, Numbers]]:
    """All runs that are not known yet, as they end."""
    wanted = [case for case in cases() if case.key not in known]
    if workers == 1:
        yield from ((case.key, run_case(case)) for case in wanted)
        return
    with get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(_keyed, wanted)


def _keyed(case: Case) -> tuple[str, Numbers]:
    return case.key, run_case(case)


def main(path: Path, workers: int) -> None:
    """Run what is not in a file yet, a line a run."""
    import json

    known = {}
    if path.exists():
        known = dict(json.loads(line) for line in path.read_text().splitlines())
    with path.open("a") as file:
        for key, numbers in measure(workers, set(known)):
            file.write(json.dumps([key, numbers]) + "\n")
            file.flush()
            print(key, f"{numbers['tokens_per_second']:,.0f} tokens/s", flush=True)
