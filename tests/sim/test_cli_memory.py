"""``lockstep run MEMORY --trace``, ``memories`` and ``check-commands``."""

import gzip
import json
from pathlib import Path

import pytest
from calling import call, launch

TRACE = "".join(f"{'ST' if i % 3 == 2 else 'LD'} {i * 4160:#x}\n" for i in range(2000))


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "t.trace.gz"
    path.write_bytes(gzip.compress(TRACE.encode()))
    return path


def test_a_trace_runs(trace: Path) -> None:
    done = call("run", "ddr4_2400", "--trace", trace)
    assert done.exit_code == 0, done.output
    assert "requests                2,000  1,334 reads, 666 writes" in done.output


def test_json_has_all_numbers(trace: Path) -> None:
    done = call("run", "ddr4_2400", "--trace", trace, "--json", "--set", "channels=2")
    found = json.loads(done.stdout)
    assert found["memory"]["channels"] == 2
    assert found["reads"] + found["writes"] == found["requests"] == 2000


def test_the_log_passes_the_judge(trace: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    assert call("run", "ddr4_2400", "--trace", trace, "--commands", log, "-q").exit_code == 0
    judged = call("check-commands", log, "--standard", "DDR4")
    assert judged.exit_code == 0, judged.output
    assert "no violation" in judged.output
    lines = log.read_text().splitlines()
    first_read = next(i for i, line in enumerate(lines) if ",RD," in line)
    cycle, rest = lines[first_read].split(",", 1)
    lines[first_read] = f"{int(cycle) - 1},{rest}"
    log.write_text("\n".join(lines) + "\n")
    assert call("check-commands", log, "--standard", "DDR4").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "ddr3_800", "--trace", "{trace}"], "known by name are ddr4_2400"),
        (["run", "ddr4_2400", "--trace", "{trace}", "--workload", "resnet50"], "give one of"),
        (["run", "ddr4_2400", "--trace", "nothing.trace"], "nothing.trace"),
        (["run", "ddr4_2400", "--trace", "{trace}", "--set", "mapping=roco"], "leaves out"),
        (["run", "ddr4_2400", "--trace", "{trace}", "--until", "5"], "--until: is not for --trace"),
        (
            ["run", "ddr4_2400", "--trace", "{trace}", "--commands", "a.txt"],
            "are written as .parquet or .csv",
        ),
        (["run", "ddr4_2400"], "give one of --workload"),
    ],
)
def test_what_is_wrong(arguments: list[str], message: str, trace: Path) -> None:
    done = call(*(each.format(trace=trace) for each in arguments))
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


def test_memories_are_listed() -> None:
    done = call("memories")
    assert "hbm2_2000      HBM2/HBM2_8Gb/HBM2_2000Mbps, 1 channel, 2 GiB" in done.output


def test_a_broken_trace_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "t.trace"
    path.write_text(TRACE + "LD nowhere\n")
    done = launch("run", "ddr4_2400", "--trace", str(path))
    assert done.returncode == 2
    assert "t.trace: line 2001: address is" in done.stderr
    assert "Traceback" not in done.stderr
