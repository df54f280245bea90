"""What figures of a run are called."""

from sim.report.text import count, printable
from sim.result import Result


def title(result: Result) -> str:
    """Workload and machine, and the window where it is not the whole run."""
    text = printable(f"{result.workload} on {result.machine['name']}")
    if result.first_cycle or not result.complete:
        text += f"\ncycles {count(result.first_cycle)} to {count(result.end_cycle)} only"
    return text.replace("$", r"\$")
