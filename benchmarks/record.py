"""Runs the benchmarks and writes what they found to ``docs/benchmarks.md``.

``python benchmarks/record.py`` runs all of them; ``python benchmarks/record.py FILE`` takes the
JSON of ``pytest benchmarks --benchmark-only --benchmark-json FILE``.
"""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from figures import Figure

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
SCALED = ("s", "B", "MAC/s", "commands/s", "cycles/s", "folds/s", "requests/s", "updates/s")

HEAD = """\
# Benchmarks

Written by `python benchmarks/record.py`, which runs `pytest benchmarks --benchmark-only` and takes
its figures as they are: medians, and ratios of times of the same run. A benchmark fails where it
misses its target. SCALE-Sim and ZigZag are installed from PyPI into virtual environments of their
own the first time, or taken from the interpreters that `LOCKSTEP_SCALESIM_PYTHON` and
`LOCKSTEP_ZIGZAG_PYTHON` name.
"""


def shown(value: float, unit: str) -> str:
    """A number and its unit: three digits of what was measured, all of what was counted."""
    if unit in SCALED:
        fitting = (each for each in PREFIXES if abs(value) >= each[0] * 0.9995)
        scale, prefix = next(fitting, PREFIXES[-1]) if value else (1.0, "")
        return f"{value / scale:.3g} {prefix}{unit}"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f} {unit}".replace(",", " ")
    return f"{value:.3g} {unit}"


def target(figure: Figure) -> str:
    """What the figure has to be, and whether it is."""
    if figure.below is not None:
        text = f"below {shown(figure.below, figure.unit)}"
    elif figure.at_least is not None:
        text = f"at least {shown(figure.at_least, figure.unit)}"
    else:
        return ""
    return text + (": met" if figure.met else ": MISSED")


def machine_text(report: dict[str, Any]) -> str:
    """What the benchmarks ran on."""
    info = report["machine_info"]
    cpu = info.get("cpu", {}).get("brand_raw") or info["machine"]
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "numba"))
    return (
        f"On {cpu} ({os.cpu_count()} logical cores), {info['system']}, "
        f"Python {info['python_version']}, {versions}; {report['datetime'][:10]}."
    )


def page(report: dict[str, Any]) -> str:
    """The page for a report of pytest-benchmark."""
    sections: dict[str, list[dict[str, Any]]] = {}
    for found in report["benchmarks"]:
        extra = found["extra_info"]
        sections.setdefault(extra["section"], []).append(extra)
    parts = [HEAD, machine_text(report) + "\n"]
    for section, cases in sections.items():
        parts.append(f"## {section}\n")
        notes = dict.fromkeys(case["includes"] for case in cases if case["includes"])
        parts += [note + "\n" for note in notes]
        rows = ["| Case | Figure | Value | Target |", "| --- | --- | ---: | --- |"]
        for case in cases:
            for index, fields in enumerate(case["figures"]):
                figure = Figure(**fields)
                name = "" if index else case["case"]
                value = shown(figure.value, figure.unit)
                rows.append(f"| {name} | {figure.name} | {value} | {target(figure)} |")
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def run_benchmarks(path: Path) -> int:
    """Run all benchmarks and keep their JSON; return the exit status."""
    command = ["-m", "pytest", "benchmarks", "--benchmark-only", "-q", f"--benchmark-json={path}"]
    return subprocess.run([sys.executable, *command], cwd=ROOT, check=False).returncode


def main(arguments: list[str]) -> int:
    """Write the page; fail like the benchmarks did."""
    status = 0
    with TemporaryDirectory() as folder:
        path = Path(arguments[0]) if arguments else Path(folder) / "benchmarks.json"
        if not arguments:
            status = run_benchmarks(path)
        report = json.loads(path.read_text())
    PAGE.write_text(page(report))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
