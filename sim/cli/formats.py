"""``lockstep formats``: number formats, their codes, and how well they hold a tensor."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arch.errors import InputError

if TYPE_CHECKING:
    from arch.mac.kinds import Block, Scalar
    from sim.mac.formats import Values


def formats(
    name: Annotated[
        str | None,
        typer.Argument(help="A format; with --sqnr a .npy file or a distribution (normal)."),
    ] = None,
    sqnr: Annotated[
        bool, typer.Option("--sqnr", help="Compare how well formats hold a tensor.")
    ] = False,
    figure: Annotated[
        Path | None, typer.Option("--figure", help="With --sqnr: draw it (.svg, .png, .pdf).")
    ] = None,
    elements: Annotated[
        int | None, typer.Option("--elements", help="With --sqnr: how many are drawn. [65536]")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="With --sqnr: of the draw. [1]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List number formats, print the codes of one, or compare their errors."""
    if sqnr:
        _compare(name or "normal", figure, elements, seed, as_json=as_json)
        return
    for option, given in (("--figure", figure), ("--elements", elements), ("--seed", seed)):
        if given is not None:
            raise InputError(f"{option} goes with --sqnr")
    if name is None:
        _list(as_json=as_json)
    else:
        _one(name, as_json=as_json)


def _show(data: Any, *rows: str) -> None:
    """Lines, or JSON if no lines are given."""
    typer.echo("\n".join(rows) if rows else json.dumps(data, indent=2))


def _list(*, as_json: bool) -> None:
    from arch.mac.formats import FORMATS
    from sim.mac import listing

    found = [listing.row(form) for form in FORMATS.values()]
    if as_json:
        _show(found)
        return
    lines = [
        f"{'format':<17}{'bits':>6} {'smallest':>12} {'largest':>12} {'epsilon':>10}  specials"
    ]
    kind = ""
    for each in found:
        if each["kind"] != kind:
            kind = each["kind"]
            lines += ["", kind]
        epsilon = "-" if each["epsilon"] is None else listing.number(each["epsilon"])
        lines.append(
            f"  {each['name']:<15}{each['bits_stored']:>6g} "
            f"{listing.number(each['smallest']):>12} {listing.number(each['largest']):>12} "
            f"{epsilon:>10}  {each['specials']}"
        )
    lines += [
        "",
        "Any posit of 2 to 32 bits and es of 0 to 3 is known as posit<n>_<es>.",
        "epsilon: from 1 to the next number. Of blocks: bits with their scale; the rest",
        "is of an element.",
    ]
    _show(found, *lines)


def _one(name: str, *, as_json: bool) -> None:
    from arch.mac.formats import format_named
    from arch.mac.kinds import Block
    from sim.mac import listing

    form = format_named(name)
    scalar = form.element if isinstance(form, Block) else form
    data = listing.row(form)
    if listing.computed(form):
        from sim.mac import describe

        data |= {"codes": describe.codes(scalar), "density": describe.density(scalar)}
    if as_json:
        _show(data)
        return
    lines = [*_head(data), *(_block(form) if isinstance(form, Block) else ())]
    if not listing.computed(form):
        lines += ["", "Stored, not computed with."]
    else:
        lines += ["", *_codes(scalar, data["codes"]), "", *_density(data["density"])]
    _show(data, *lines)


def _head(data: dict[str, Any]) -> list[str]:
    from sim.mac.listing import number

    epsilon = "-" if data["epsilon"] is None else number(data["epsilon"])
    lines = [
        f"{data['name']}  {data['kind']}, {data['bits']} bits",
        f"range     {number(data['least'])} to {number(data['largest'])}",
        f"smallest  {number(data['smallest'])}",
        f"epsilon   {epsilon}",
        f"overflow  {data['overflow']}",
        f"specials  {data['specials']}",
    ]
    return [*lines, f"source    {data['source']}"] if data["source"] else lines


def _block(form: "Block") -> list[str]:
    tensor = f", and one of {form.tensor_scale} a tensor" if form.tensor_scale else ""
    return [
        f"block     {form.size} of {form.element.name}, scale of {form.scale.name}{tensor};",
        f"          {float(form.bits_stored):g} bits an element. Below: an element.",
    ]


WIDTH, SOURCE_WIDTH = 79, 50


def _codes(form: "Scalar", codes: list[dict[str, Any]]) -> list[str]:
    """As many beside each other as fit, in order from top to bottom."""
    digits = -(-form.bits // 4)
    if "what" in codes[0]:
        return [f"  {c['what']:<16} 0x{c['code']:0{digits}x}  {c['value']}" for c in codes]
    cells = [f"{c['code']:0{digits}x} {c['value']}" for c in codes]
    wide = max(map(len, cells)) + 2
    columns = max(WIDTH // wide, 1)
    # A power of two, so that signs and exponents stand side by side.
    columns = 1 << min(columns.bit_length() - 1, 3)
    rows = -(-len(cells) // columns)
    return [
        "".join(cell.ljust(wide) for cell in cells[row::rows]).rstrip() for row in range(rows)
    ]  # fmt: skip


def _density(found: list[dict[str, Any]]) -> list[str]:
    lines, last = ["numbers from a power of two to the next"], None
    most = max(each["numbers"] for each in found)
    for each in found:
        if last is not None and each["from"] != last + 1:
            lines.append("  ...")
        last = each["from"]
        bar = "#" * max(round(50 * each["numbers"] / most), 1)
        lines.append(f"  2^{last:<5}{each['numbers']:>9}  {bar}")
    return lines


def _tensor(source: str, elements: int | None, seed: int | None) -> "Values":
    from sim.mac import sqnr

    if source.endswith(".npy"):
        if elements is not None or seed is not None:
            raise InputError("--elements and --seed go with a distribution, not with a file")
        return sqnr.tensor_of(Path(source))
    return sqnr.drawn(
        source,
        sqnr.ELEMENTS if elements is None else elements,
        sqnr.SEED if seed is None else seed,
    )


def _compare(
    source: str, figure: Path | None, elements: int | None, seed: int | None, *, as_json: bool
) -> None:
    from dataclasses import asdict

    from sim.mac import sqnr
    from sim.report.text import printable, shorten

    if figure is not None:
        from sim.mac.figure import check_suffix
        from sim.report.writing import check_file

        check_suffix(figure)
        check_file(figure)
    values = _tensor(source, elements, seed)
    found = sqnr.compare(values)
    if figure is not None:
        from sim.figures.style import save
        from sim.mac.figure import sqnr_figure

        save(sqnr_figure(found, f"{values.size} elements: {Path(source).name}"), figure)
    if as_json:
        rows = [asdict(each) for each in found]
        for row in rows:
            row["sqnr_db"] = row["sqnr_db"] if math.isfinite(row["sqnr_db"]) else None
        _show({"source": source, "elements": values.size, "formats": rows})
        return
    lines = [f"{'format':<18}{'bits':>6} {'SQNR dB':>9} {'largest error / rms':>20}"]
    for each in found:
        decibels = f"{each.sqnr_db:.2f}" if math.isfinite(each.sqnr_db) else "exact"
        lines.append(
            f"{each.name:<18}{each.bits_stored:>6g} {decibels:>9} {each.error_most:>20.3g}"
        )
    lines += [
        "",
        f"{values.size} elements: {shorten(printable(source), SOURCE_WIDTH)}",
        "Scales: int and float, the largest magnitude is the largest number; posit, the",
        "root mean square is 1; blocks, their own.",
    ]
    _show(None, *lines)
