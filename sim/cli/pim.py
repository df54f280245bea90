"""``lockstep run PIM --workload NAME`` and the list of PIMs."""

from contextlib import ExitStack
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import typer

from arch.errors import InputError
from sim.cli import traced

if TYPE_CHECKING:
    from arch.pim.system import Pim
    from sim.pim.generate import Generation


def run_workload(
    pim: str,
    workload: str,
    settings: list[str] | None,
    commands: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Generate tokens of a model on a PIM and show what came of it."""
    from arch.pim.attacc import is_attacc
    from arch.pim.hbm import is_hbm_pim
    from arch.pim.joint import is_joint_pim
    from arch.pim.system import load_pim

    if is_attacc(pim):
        raise InputError(f"{pim}: runs from Python, sim.pim.attacc.run.attend, not workloads")
    if is_joint_pim(pim):
        raise InputError(f"{pim}: runs traces, not workloads; give --trace")
    if is_hbm_pim(pim):
        raise InputError(
            f"{pim}: runs traces, not workloads; `lockstep pim-kernel` writes those of products "
            "and more, for --trace"
        )
    loaded = load_pim(pim, settings or ())
    loaded.device()
    traced.carry_out(
        lambda stderr: (_generate(loaded, workload, commands, stderr),),
        "sim.pim.generation_report", commands, as_json=as_json, quiet=quiet,
    )  # fmt: skip


def _generate(pim: "Pim", workload: str, commands: Path | None, stderr: Any) -> "Generation":
    from sim.pim.generate import contexts, generate, place
    from traces.workload import split_options

    name, options = split_options(workload)
    first, last = contexts(name, options)
    layout = place(pim, name, last)
    with ExitStack() as stack:
        tell = stack.enter_context(traced.counting_bar(last - first + 1, stderr, "tokens"))
        log = None
        if commands is not None:
            from sim.pim.log import commands_file

            log = stack.enter_context(commands_file(commands, pim))
        return generate(pim, layout, first, last, progress=tell, log=log)


def pims() -> None:
    """List the PIMs that are known by name."""
    from arch.pim.attacc import is_attacc, load_attacc
    from arch.pim.hbm import is_hbm_pim, load_hbm_pim
    from arch.pim.joint import is_joint_pim, load_joint_pim
    from arch.pim.system import load_pim, pim_names

    for name in pim_names():
        if is_attacc(name):
            device, channels, how = "AttAcc/HBM3", load_attacc(name).channels, "all_bank"
        elif is_hbm_pim(name):
            hbm = load_hbm_pim(name)
            device, channels, how = hbm.device().name, hbm.channels, hbm.controller.refresh
        elif is_joint_pim(name):
            joint = load_joint_pim(name)
            device, channels = joint.device().name, joint.channels
            how = joint.controller.refresh
        else:
            pim = load_pim(name)
            device, channels, how = pim.device().device.name, pim.channels, pim.controller.refresh
        refresh = how.replace("_", "-").replace("none", "no")
        told = f"{name:<32} {device}, {channels} channels, {refresh} refresh"
        typer.echo(fill(told, 80, subsequent_indent=" " * 33, break_on_hyphens=False))
