"""Compiling all kernels into an empty cache, and that nothing is compiled a second time."""

from pathlib import Path
from typing import Any

from figures import Figure, state
from programs import lockstep, run_python

PATHS = str(Path(__file__).with_name("paths.py"))
SECTION = "Compiling"
INCLUDES = (
    "Whole processes with a cache folder of their own. `lockstep run` compiles the engine with the "
    "machine's units; the value kernels are compiled where Python calls them first. The other "
    "process goes through three dataflows, one to three cores, no memory, a shared and a separate "
    "one, DRAM channels, several clocks, windows, checkpoints, replays, forced edges, both value "
    "kernels, every memory under a trace, AiM, HBM-PIM and PIM-GPT, and adds no file to the cache."
)


def kernels(cache: Path) -> set[Path]:
    """Everything that Numba has kept."""
    return {path for path in cache.rglob("*") if path.suffix in (".nbi", ".nbc")}


def test_first_run_of_the_command(benchmark: Any, tmp_path: Path) -> None:
    ran = benchmark.pedantic(
        lockstep,
        args=("run", "systolic_128", "--workload", "squeezenet"),
        kwargs={"LOCKSTEP_CACHE": str(tmp_path)},
        rounds=1,
    )
    assert "compiling" in ran.stderr
    assert kernels(tmp_path)
    state(
        benchmark,
        SECTION,
        "the first `lockstep run` ever, of squeezenet",
        [Figure("whole process", ran.seconds, "s", below=30)],
        INCLUDES,
    )


def test_everything_once(benchmark: Any, tmp_path: Path) -> None:
    cache = {"LOCKSTEP_CACHE": str(tmp_path)}
    first = benchmark.pedantic(run_python, args=(PATHS, "first"), kwargs=cache, rounds=1)
    compiled = kernels(tmp_path)
    assert compiled
    again = run_python(PATHS, "first", **cache)
    run_python(PATHS, "all", **cache)
    added = kernels(tmp_path) - compiled
    assert not added, sorted(path.name for path in added)
    size = sum(path.stat().st_size for path in compiled)
    state(
        benchmark,
        SECTION,
        "every kernel once",
        [
            Figure("empty cache, whole process", first.seconds, "s", below=30),
            Figure("the same a second time", again.seconds, "s"),
            Figure("kept in the cache", size, "B"),
            Figure("added by all other paths", len(added), "files"),
        ],
        INCLUDES,
    )
