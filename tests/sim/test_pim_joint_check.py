"""The checker on banks with one or two row buffers: what is planted in a legal log is found."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from joint_cases import SHAPE, Records, load, run

from sim.dram_check.check import check_log
from sim.pim.joint.log import commands_file, names_of
from traces.mapping.joint_attention import Request, attention_stage

LENGTH = 64


def _legal(name: str) -> tuple[Records, tuple[str, ...]]:
    pim = load(name)
    _, logs = run(pim, attention_stage(pim, [Request(0, LENGTH)], SHAPE, 20))
    return logs[0], names_of(pim)


def _found(name: str, log: Records, folder: Path) -> set[str]:
    pim = load(name)
    with commands_file(folder / "log.csv", pim) as write:
        write(0, log)
    standard = "NEUPIMS" if pim.row_buffers == "dual" else "NEUPIMS-SINGLE"
    return {violation.rule for violation in check_log(folder / "log.csv", standard)}


def _nth(log: Records, names: tuple[str, ...], name: str, number: int = 3) -> int:
    return int(np.flatnonzero(log["command"] == names.index(name))[number])


def _early(name: str, number: int = 3) -> Callable[[Records, tuple[str, ...]], Records]:
    """One command comes a cycle too early."""

    def plant(log: Records, names: tuple[str, ...]) -> Records:
        log = log.copy()
        log["cycle"][_nth(log, names, name, number)] -= 1
        return log[np.argsort(log["cycle"], kind="stable")]

    return plant


def _without(name: str) -> Callable[[Records, tuple[str, ...]], Records]:
    """One command is missing."""
    return lambda log, names: np.delete(log, _nth(log, names, name))


def _longer(log: Records, names: tuple[str, ...]) -> Records:
    """A composite has more columns than the controller has waited for."""
    log = log.copy()
    log["column"][_nth(log, names, "COMPS", 0)] += 4
    return log


def _other_row(log: Records, names: tuple[str, ...]) -> Records:
    """A column is of another row than that of its tile."""
    log = log.copy()
    log["row"][_nth(log, names, "COMPS")] += 1
    return log


def _both(log: Records, names: tuple[str, ...]) -> Records:
    """A group opens for PIM the row that memory has open in one of its banks."""
    log = log.copy()
    opened = int(log["row"][_nth(log, names, "ACT", 0)])
    log["row"][_nth(log, names, "GACT", 0)] = opened
    return log


PLANTED = [
    ("neupims", _early("GACT"), "tFAW"),
    ("neupims", _early("PIMPRE", 0), "tRTPL"),
    ("neupims", _longer, "tCOMP"),
    ("neupims", _other_row, "other row"),
    ("neupims", _both, "row in both buffers"),
    ("neupims", _without("GACT"), "closed bank"),
    ("neupims", _without("PIMPRE"), "open bank"),
    ("neupims_single_wide", _early("COMP"), "tCOMP"),
    ("neupims_single_wide", _early("GACT"), "tFAW"),
    ("neupims_single_wide", _without("GACT"), "closed bank"),
    ("neupims_single_wide", _without("PREpb"), "open bank"),
]


@pytest.mark.compiled
@pytest.mark.parametrize(("name", "plant", "rule"), PLANTED)
def test_what_is_planted_is_found(
    name: str, plant: Callable[..., Records], rule: str, tmp_path: Path
) -> None:
    log, names = _legal(name)
    assert _found(name, log, tmp_path) == set()
    assert rule in _found(name, plant(log, names), tmp_path)
