"""GPTs on PIM-GPT: ``PYTHONPATH=. python benchmarks/pim_gpt.py``.

Runs eight models to 8192 tokens each, and one of them and the largest again for each parameter that
is changed, in two processes, and writes docs/pim_gpt.md and its figures. Numbers are kept in a file
if one is named, a line a run, and what is in it already is not run again.
"""

import json
import sys
from contextlib import ExitStack
from pathlib import Path

from pim_gpt_runs import Numbers, machine_hash, measure

WORKERS = 2


def numbers(kept: Path | None) -> dict[str, Numbers]:
    """All results by name."""
    found: dict[str, Numbers] = {}
    machine = {"machine": machine_hash()}
    if kept is not None and kept.exists():
        first, *lines = (json.loads(line) for line in kept.read_text().splitlines())
        if first != machine:
            raise SystemExit(f"{kept}: is of another machine; name a new file")
        found = dict(lines)
    with ExitStack() as stack:
        file = stack.enter_context(kept.open("a")) if kept is not None else None
        if file is not None and not file.tell():
            file.write(json.dumps(machine) + "\n")
        for name, result in measure(WORKERS, found):
            found[name] = result
            if file is not None:
                file.write(json.dumps([name, result]) + "\n")
                file.flush()
    return found


def main(arguments: list[str]) -> int:
    """Write the page and the figures."""
    numbers(Path(arguments[0]) if arguments else None)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
