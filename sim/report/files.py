"""Results as files: ``result.json``, ``operators.csv`` and ``operators.parquet``.

Equal results give equal bytes. A file that is there is whole.
"""

import json
from dataclasses import asdict
from pathlib import Path

from pydantic import ValidationError

from arch.errors import InputError
from sim.report.document import DOCUMENT, SCHEMA_VERSION, document
from sim.report.operators import operators_csv, operators_parquet
from sim.report.writing import write_folder
from sim.result import Result
from traces.reading import dotted, fault, read_text, shown

RESULT_FILE = "result.json"


def result_json(result: Result) -> str:
    """The text of ``result.json``: keys sorted, numbers so that reading gives them back."""
    return json.dumps(asdict(document(result)), indent=1, sort_keys=True, allow_nan=False) + "\n"


def write_result(result: Result, folder: str | Path) -> None:
    """Write a result's files into ``folder``, which is made if it is not there.

    Raises InputError, having written nothing, where the folder cannot be written.
    """
    write_folder(
        Path(folder),
        {
            "operators.csv": operators_csv(result).encode(),
            "operators.parquet": operators_parquet(result),
            RESULT_FILE: result_json(result).encode(),
        },
    )


def read_result(path: str | Path) -> Result:
    """Read a ``result.json``, or the one in a folder.

    Raises InputError where the file is missing, damaged, or of another version.
    """
    file = Path(path)
    if file.is_dir():
        file = file / RESULT_FILE
    text = read_text(file)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = f"line {error.lineno}: " if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(f"{file}: {line}not JSON; give a file that --out wrote") from None
    version = found.get("schema_version") if isinstance(found, dict) else None
    if version is None and isinstance(found, dict) and {"lockstep", "provenance"} & found.keys():
        raise InputError(
            f"{file}: is a result of something else than a machine; must be one that "
            "`lockstep run MACHINE --workload NAME --out DIR` wrote"
        )
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{file}: schema_version must be {SCHEMA_VERSION}, not {shown(version)}; "
            "give a result.json that this version of lockstep wrote with --out"
        )
    try:
        return DOCUMENT.validate_json(text, strict=True).result
    except ValidationError as error:
        place, reason = fault(error)
        raise InputError(f"{file}: {dotted(place)}{reason}") from None
