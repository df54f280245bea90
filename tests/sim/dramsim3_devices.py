"""The devices of DRAMsim3's runs: Ramulator's, with what its configurations cannot say."""

from functools import cache

import dram_golden

from arch.dram.device import Device, resolve
from arch.dram.load import load_standard

ONE_CYCLE_BURST = {"nBL": 1, "nWTRS": 10, "nWTRL": 12, "nWR": 31}
"""GDDR6: it counts a burst of 16 as one cycle, and what counts from its end was set one longer."""
CONFIGS = ("ddr4_2400_matched", "gddr6_matched", "hbm2_matched")


@cache
def device(config: str) -> Device:
    if config == "ddr4_2400_matched":
        return dram_golden.device("ddr4_2400R")
    if config == "gddr6_matched":
        names = dram_golden.PRESETS["gddr6_14000_1250mV"]
        return resolve(load_standard(names[0]), *names[1:], timings=ONE_CYCLE_BURST)
    assert config == "hbm2_matched"
    # One pseudo-channel, which activates in one cycle.
    names = dram_golden.PRESETS["hbm2_2000"]
    standard = load_standard(names[0])
    activate = standard.commands["ACT"].model_copy(update={"cycles": 1})
    commands = {**standard.commands, "ACT": activate}
    standard = standard.model_copy(update={"commands": commands})
    return resolve(standard, *names[1:], levels={"pseudo_channel": 1})
