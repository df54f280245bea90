"""Runs ZigZag; started by ``zigzag_peer.py`` in the interpreter that has it.

``python zigzag_run.py FOLDER once LPF`` calls its API once, as a user's script would.
``python zigzag_run.py FOLDER measure LPF ROUNDS`` writes ``FOLDER/measured.json``: seconds of its
phases, and what it says of the layer.
"""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

from zigzag.api import get_hardware_performance_zigzag
from zigzag.mapping.temporal_mapping import TemporalMappingType
from zigzag.stages.evaluation.cost_model_evaluation import CostModelStage
from zigzag.stages.main import MainStage
from zigzag.stages.mapping.spatial_mapping_generation import SpatialMappingGeneratorStage
from zigzag.stages.mapping.temporal_mapping_generator_stage import TemporalMappingGeneratorStage
from zigzag.stages.parser.accelerator_parser import AcceleratorParserStage
from zigzag.stages.parser.workload_parser import WorkloadParserStage
from zigzag.stages.results.reduce_stages import MinimalLatencyStage
from zigzag.stages.stage import Stage
from zigzag.stages.workload_iterator import WorkloadStage

PACKAGES = ("zigzag-dse", "numpy")


class Counted(Stage):
    """Passes mappings on to the cost model and counts them."""

    seen = 0

    def run(self) -> Iterator[Any]:
        Counted.seen += 1
        yield from self.list_of_callables[0](self.list_of_callables[1:], **self.kwargs).run()


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a call, and what it gave."""
    start = perf_counter()
    given = function()
    return perf_counter() - start, given


def api(folder: Path, lpf_limit: int) -> float:
    """Its API: reads the three files, searches, writes results and figures; latency in cycles."""
    out = folder / "out"
    found = get_hardware_performance_zigzag(
        str(folder / "workload.yaml"),
        str(folder / "accelerator.yaml"),
        str(folder / "mapping.yaml"),
        opt="latency",
        dump_folder=str(out),
        pickle_filename=str(out / "list_of_cmes.pickle"),
        lpf_limit=lpf_limit,
        loma_show_progress_bar=False,
    )
    return float(found[1])


def search(folder: Path, lpf_limit: int, mapping: str = "mapping.yaml") -> tuple[float, Any]:
    """Mapping search and cost model on what was read before; seconds, and the best it found."""
    files = {"workload": str(folder / "workload.yaml"), "mapping": str(folder / mapping)}
    reader = WorkloadParserStage([WorkloadStage], accelerator=None, **files)
    accelerator = AcceleratorParserStage.parse_accelerator(str(folder / "accelerator.yaml"))
    stage = MainStage(
        [
            WorkloadStage,
            MinimalLatencyStage,
            SpatialMappingGeneratorStage,
            MinimalLatencyStage,
            TemporalMappingGeneratorStage,
            Counted,
            CostModelStage,
        ],
        accelerator=accelerator,
        workload=reader.parse_workload(),
        loma_lpf_limit=lpf_limit,
        loma_show_progress_bar=False,
        nb_mappings_generated=3,
        access_same_data_considered_as_no_access=True,
        temporal_mapping_type=TemporalMappingType.UNEVEN,
    )
    Counted.seen = 0
    seconds, answers = timed(stage.run)
    return seconds, answers[0][0]


def write_given(folder: Path, best: Any) -> None:
    """A mapping file that leaves nothing to search: the order of loops that was found."""
    mappings = json.loads((folder / "mapping.yaml").read_text())
    levels = next(iter(best.temporal_mapping.mapping_dic_origin.values()))
    order = [[dim.name, int(size)] for level in levels for dim, size in level]
    given = [{**each, "temporal_ordering": order} for each in mappings]
    (folder / "given.yaml").write_text(json.dumps(given))


def said_of(best: Any) -> dict[str, Any]:
    """What the cost model says of a mapping, in cycles; transfers of its memory in accesses."""
    memory_reads = memory_writes = 0
    for levels in best.memory_word_access.values():
        accesses = {str(way): int(count) for way, count in levels[-1].data.items()}
        memory_reads += accesses["rd_out_to_low"] + accesses["rd_out_to_high"]
        memory_writes += accesses["wr_in_by_low"] + accesses["wr_in_by_high"]
    return {
        "cycles": best.latency_total2,
        "temporal_cycles": best.ideal_temporal_cycle,
        "stall_cycles": best.stall_slack_comb,
        "onload_cycles": best.data_onloading_cycle,
        "offload_cycles": best.data_offloading_cycle,
        "drain_cycles": best.systolic_drain_cycle,
        "memory_reads": memory_reads,
        "memory_writes": memory_writes,
    }


def measure(folder: Path, lpf_limit: int, rounds: int) -> dict[str, Any]:
    """Seconds of its API, of search and cost model, and of the cost of one given mapping."""
    _, best = search(folder, lpf_limit)
    mappings = Counted.seen
    write_given(folder, best)
    _, one = search(folder, lpf_limit, "given.yaml")
    assert Counted.seen == 1
    assert one.latency_total2 == best.latency_total2
    seconds: dict[str, list[float]] = {"api": [], "search": [], "given": []}
    for _ in range(rounds):
        taken, latency = timed(lambda: api(folder, lpf_limit))
        assert latency == best.latency_total2
        seconds["api"].append(taken)
        seconds["search"].append(search(folder, lpf_limit)[0])
        seconds["given"] += [search(folder, lpf_limit, "given.yaml")[0] for _ in range(5)]
    return {
        **said_of(best),
        "seconds": seconds,
        "mappings": mappings,
        "versions": {name: version(name) for name in PACKAGES},
    }


def main(where: str, what: str, lpf_limit: str, rounds: str = "0") -> None:
    """Do what the arguments say."""
    folder = Path(where)
    logging.disable(logging.CRITICAL)
    if what == "once":
        api(folder, int(lpf_limit))
        return
    found = measure(folder, int(lpf_limit), int(rounds))
    (folder / "measured.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
