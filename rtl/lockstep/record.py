"""Records of campaigns, as files."""

import json
from pathlib import Path
from typing import Any

from sim.report.writing import open_whole


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write a record; nothing half-written is left. Raises InputError where it cannot be."""
    with open_whole(path) as file:
        file.write((json.dumps(record, indent=1) + "\n").encode())
