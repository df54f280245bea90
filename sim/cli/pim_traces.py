"""``lockstep run PIM --trace FILE``, by the kind of PIM."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from arch.errors import InputError
from sim.cli import traced


class Kind(NamedTuple):
    """How PIMs of a kind run traces."""

    load: Callable[[str, Sequence[str]], Any]
    open: Callable[[Path, Any], Any]
    """A stream of the trace, for a PIM."""
    log: Callable[[Path, Any, Any], AbstractContextManager[Any]]
    """A file that takes commands, for a PIM and a stream."""
    run: Callable[..., Any]
    report: str
    """Module that shows a run."""
    counted: str
    """What the bar counts."""


def run_trace(
    pim: str,
    trace: Path,
    settings: list[str] | None,
    commands: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a trace on a PIM and show what came of it."""
    kind = _kind(pim)
    loaded = kind.load(pim, settings or ())
    loaded.device()

    def serve(stderr: Any) -> tuple[Any]:
        with ExitStack() as stack:
            stream = kind.open(trace, loaded)
            tell = stack.enter_context(traced.progress_bar(stream, stderr, kind.counted))
            log = commands and stack.enter_context(kind.log(commands, loaded, stream))
            return (kind.run(loaded, stream, progress=tell, log=log),)

    traced.carry_out(serve, kind.report, commands, as_json=as_json, quiet=quiet)


def _kind(pim: str) -> Kind:
    from arch.pim.attacc import is_attacc
    from arch.pim.hbm import is_hbm_pim
    from arch.pim.joint import is_joint_pim

    if is_attacc(pim):
        raise InputError(f"{pim}: runs from Python, sim.pim.attacc.run.attend, not traces")
    if is_hbm_pim(pim):
        return _transactions()
    return _joint() if is_joint_pim(pim) else _instructions()


def _instructions() -> Kind:
    from arch.pim.system import load_pim
    from sim.pim.log import commands_file
    from sim.pim.run import run_trace
    from traces.pim.aim import open_aim

    return Kind(
        load_pim, open_aim, lambda path, pim, _: commands_file(path, pim), run_trace,
        "sim.pim.report", "instructions",
    )  # fmt: skip


def _transactions() -> Kind:
    from arch.pim.hbm import load_hbm_pim
    from sim.pim.hbm.log import commands_file
    from sim.pim.hbm.run import run_trace
    from traces.pim.hbm_pim import open_hbm

    return Kind(
        load_hbm_pim, open_hbm, lambda path, pim, stream: commands_file(path, pim, stream.tags),
        lambda pim, stream, **told: run_trace(pim, stream, path=stream.path, **told),
        "sim.pim.hbm.report", "transactions",
    )  # fmt: skip


def _joint() -> Kind:
    from arch.pim.joint import load_joint_pim
    from sim.pim.joint.device import run_trace
    from sim.pim.joint.log import commands_file
    from traces.pim.joint import open_joint

    return Kind(
        load_joint_pim, open_joint, lambda path, pim, _: commands_file(path, pim), run_trace,
        "sim.pim.joint.report", "channels",
    )  # fmt: skip
