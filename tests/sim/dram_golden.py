"""Requests and command logs of peers, tests/golden/dram_*.parquet."""

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from arch.dram.device import Device, resolve
from arch.dram.load import load_standard
from sim.dram.state import REQUEST

GOLDEN = Path(__file__).parents[1] / "golden"
PRESETS = {
    "ddr4_2400R": ("ddr4", "DDR4_8Gb_x8", "DDR4_2400R"),
    "ddr5_4800B": ("ddr5", "DDR5_16Gb_x8", "DDR5_4800BN"),
    "gddr6_14000_1250mV": ("gddr6", "GDDR6_8Gb_x16", "GDDR6_14000_1250mV_double"),
    "hbm2_2000": ("hbm2", "HBM2_8Gb", "HBM2_2000Mbps"),
    "hbm3_6400": ("hbm3", "HBM3_4Gb", "HBM3_6400Mbps"),
    "lpddr5_6400": ("lpddr5", "LPDDR5_8Gb_x16", "LPDDR5_6400"),
}
"""Ramulator's configurations: standard, organisation, speed."""
ADDRESS = ["bank_group", "bank", "row", "column"]


@cache
def device(config: str) -> Device:
    standard, organisation, speed = PRESETS[config]
    return resolve(load_standard(standard), organisation, speed)


@cache
def _table(name: str) -> pd.DataFrame:
    return pd.read_parquet(GOLDEN / f"dram_{name}.parquet")


def requests(trace: str, of: Device) -> npt.NDArray[np.void]:
    """A trace as REQUEST, in the first rank or pseudo-channel."""
    table = _table("requests")
    rows = table[table.trace == trace]
    given = np.zeros(len(rows), REQUEST)
    given["bank"] = rows.bank_group.astype(int) * of.sizes[-1] + rows.bank.astype(int)
    for name in ("cycle", "row", "column", "address", "write"):
        given[name] = rows[name].astype(int)
    return given


@cache
def runs(simulator: str) -> list[tuple[str, str, bool]]:
    """Configuration, trace and refresh of each log."""
    table = _table(simulator)
    keys = table[["config", "trace", "refresh"]].drop_duplicates()
    return [(str(c), str(t), bool(r)) for c, t, r in keys.itertuples(index=False)]


def log(simulator: str, config: str, trace: str, refresh: bool) -> pd.DataFrame:
    """Command log; -1 where an address has no meaning."""
    table = _table(simulator)
    chosen = (table.config == config) & (table.trace == trace) & (table.refresh == refresh)
    columns = ["cycle", "command", *ADDRESS]
    return table.loc[chosen, columns].astype(dict.fromkeys(["cycle", *ADDRESS], int))
