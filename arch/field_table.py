"""The table of all fields in docs/machines.md. ``python -m arch.field_table`` writes it anew."""

from pathlib import Path

from arch.fields import rows
from arch.machine import Machine

PAGE = Path(__file__).resolve().parent.parent / "docs" / "machines.md"
BEGIN, END = "<!-- fields -->\n", "<!-- end of fields -->\n"


def markdown() -> str:
    """All fields of a machine with value, unit, default and meaning."""
    lines = ["| Field | Value | Unit | Default | Meaning |", "| --- | --- | --- | --- | --- |"]
    for row in rows(Machine):
        default = f"`{row.default}`" if row.default else "must be given"
        cells = (f"`{row.path}`", row.shape.wanted(), row.unit, default, row.meaning)
        lines.append(f"| {' | '.join(cell.replace('``', '`') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def updated(page: str) -> str:
    """The page with the table as it should be."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{markdown()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
