"""The registers' table in docs/coprocessor.md: ``python -m rtl.coprocessor.page``."""

import sys
from pathlib import Path

from rtl.coprocessor.registers import Sizes, markdown, table

PAGE = Path(__file__).parents[2] / "docs" / "coprocessor.md"
BEGIN, END = "<!-- registers: rtl.coprocessor.page writes this table -->\n", "<!-- end -->\n"
SHOWN = Sizes(
    rows=16,
    cols=16,
    left_bytes=2,
    top_bytes=2,
    result_bytes=2,
    extent_bits=16,
    modes=4,
    results=4,
    depth=16,
    streams=("left", "top"),
)
"""XR-NPE's formats in an array of 16 x 16."""


def written(page: str) -> str:
    """The page with the table of today."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{markdown(table(SHOWN))}\n{END}{after}"


def main() -> int:
    """Write the page."""
    PAGE.write_text(written(PAGE.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
