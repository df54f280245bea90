"""Traces and command logs of the AiM simulator, tests/golden/pim_aim*.parquet."""

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from arch.pim.system import Pim, load_pim
from sim.pim.run import PimRun, run_trace
from traces.pim.aim import aim_in

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = {"PREab": "PREA", "PREpb": "PRE"}
"""As the simulator calls them."""
MADE = ("random", "refreshed")
"""Begins of the names of traces that are made from seeds."""
REFRESHED = ("controller.refresh=all_bank", "timings.nRFCab=240", "timings.nREFI=700")
"""With which the latter were run."""
COLUMNS = ["cycle", "command", "bank", "row", "column"]


@cache
def traces() -> pd.DataFrame:
    """Text, logged channel and counts, by trace."""
    return pd.read_parquet(GOLDEN / "pim_aim_traces.parquet").set_index("trace")


@cache
def _logs(name: str) -> pd.DataFrame:
    return pd.read_parquet(GOLDEN / f"{name}.parquet")


def log(trace: str) -> pd.DataFrame:
    """Commands of the logged channel, or of all if the trace is made from a seed, with ``channel``;
    -1 where an address has no meaning."""
    table = _logs("pim_aim_random" if trace.startswith(MADE) else "pim_aim")
    found = table.loc[table.trace == trace].drop(columns="trace")
    numbers = dict.fromkeys(set(found.columns) - {"command"}, int)
    return found.astype({**numbers, "command": str}).reset_index(drop=True)


def run(
    text: str, pim: str | Pim, *changes: str, every: bool = False
) -> tuple[PimRun, npt.NDArray[np.void]]:
    """A run of a trace, and its log."""
    loaded = load_pim(pim, changes) if isinstance(pim, str) else pim
    chunks: list[npt.NDArray[np.void]] = []
    done = run_trace(
        loaded,
        aim_in(text.encode(), loaded),
        every=every,
        log=lambda chunk: chunks.append(chunk.copy()),
    )
    return done, np.concatenate(chunks)


def named(done: PimRun, commands: npt.NDArray[np.void], *more: str) -> pd.DataFrame:
    """A log with the simulator's names; ``more`` columns."""
    names = np.array([NAMES.get(name, name) for name in done.tables.names])
    columns = {name: commands[name] for name in (*COLUMNS, *more)}
    return pd.DataFrame({**columns, "command": names[commands["command"]]})
