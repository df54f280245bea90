"""Traces for channels with memory and PIM commands, and their checks."""

import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from arch.pim.joint import JointPim, load_joint_pim
from sim.dram_check.check import Report, inspect_log
from sim.pim.joint.device import JointRun, run_trace
from sim.pim.joint.log import commands_file
from traces.mapping.joint_attention import Request, Shape, attention_stage
from traces.pim.joint import LINE, READ, SYNC, WRITE

GOLDEN = Path(__file__).parents[1] / "golden"
SHAPE = Shape(heads=8, head_dim=128)
Records = npt.NDArray[np.void]


@cache
def golden_traces() -> pd.DataFrame:
    """PIM, text and counts, by case."""
    return pd.read_parquet(GOLDEN / "pim_neupims_traces.parquet").set_index("case")


@cache
def golden_logs() -> pd.DataFrame:
    """Commands of all cases."""
    return pd.read_parquet(GOLDEN / "pim_neupims.parquet")


def stage_rows() -> pd.DataFrame:
    """Measurements of attention stages."""
    return pd.read_csv(GOLDEN / "pim_neupims_stage.csv")


def run(pim: JointPim, lines: Records, *, every: bool = False) -> tuple[JointRun, list[Records]]:
    """A run and the logs of its channels."""
    logs: list[Records] = []
    return run_trace(pim, [lines], every=every, log=lambda _, log: logs.append(log)), logs


def judged(pim: JointPim, logs: Sequence[Records], folder: Path) -> Report:
    """What the checker finds."""
    path = folder / "log.csv"
    with commands_file(path, pim) as write:
        for channel, log in enumerate(logs):
            write(channel, log)
    return inspect_log(path, "NEUPIMS" if pim.row_buffers == "dual" else "NEUPIMS-SINGLE")


def traffic(seed: int, count: int, *, gap: int, writes: float, first_row: int = 1) -> Records:
    """Reads and writes of channel 0 at random, each address once, some of them in runs."""
    draw = random.Random(seed)
    cycle, seen = 5, set[tuple[int, int, int]]()
    bank = row = column = 0
    lines = np.zeros(count, LINE)
    for line in lines:
        cycle += draw.randrange(gap)
        while True:
            if draw.random() < 0.6:
                column = (column + 1) % 16
            else:
                bank, row = draw.randrange(32), first_row + draw.randrange(40)
                column = draw.randrange(16)
            if (bank, row, column) not in seen:
                break
            bank = draw.randrange(32)
        seen.add((bank, row, column))
        line["op"] = WRITE if draw.random() < writes else READ
        line["cycle"], line["bank"], line["row"], line["column"] = cycle, bank, row, column
    return lines


def mixed(pim: JointPim, seed: int, requests: int, lengths: Sequence[int] = (128, 64)) -> Records:
    """An attention stage of channel 0, with traffic in its first part; some of the rows are those
    of its tiles."""
    stage = attention_stage(pim, [Request(0, each) for each in lengths], SHAPE, 20)
    sync = int(np.flatnonzero(stage["op"] == SYNC)[0])
    others = traffic(seed, requests, gap=(3, 8, 20)[seed % 3], writes=(0.1, 0.3, 0.5, 0)[seed % 4])
    return np.concatenate([stage[:sync], others, stage[sync:]])


def load(name: str, *settings: str) -> JointPim:
    """A PIM by name, with settings."""
    return load_joint_pim(name, settings)
