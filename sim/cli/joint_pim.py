"""``lockstep run`` of a PIM whose channels hold memory and PIM commands together."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli import traced

if TYPE_CHECKING:
    from arch.pim.joint import JointPim
    from sim.pim.joint.device import JointRun


def run_trace(
    pim: str,
    trace: Path,
    settings: list[str] | None,
    commands: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a trace of PIM instructions and requests and show what came of it."""
    from arch.pim.joint import load_joint_pim

    loaded = load_joint_pim(pim, settings or ())
    loaded.device()
    traced.carry_out(
        lambda stderr: (_serve(loaded, trace, commands, stderr),),
        "sim.pim.joint.report", commands, as_json=as_json, quiet=quiet,
    )  # fmt: skip


def _serve(pim: "JointPim", trace: Path, commands: Path | None, stderr: Any) -> "JointRun":
    from sim.pim.joint import device
    from traces.pim.joint import open_joint

    with ExitStack() as stack:
        stream = open_joint(trace, pim)
        tell = stack.enter_context(traced.progress_bar(stream, stderr, "channels"))
        log = None
        if commands is not None:
            from sim.pim.joint.log import commands_file

            log = stack.enter_context(commands_file(commands, pim))
        return device.run_trace(pim, stream, progress=tell, log=log)
