"""How a product is shared out over the cores."""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from typing import NamedTuple

from arch.machine import Machine
from traces.mapping.product import Product


class Split(NamedTuple):
    """Cores along each dimension; those that are left over have nothing to do."""

    groups: int = 1
    m: int = 1
    n: int = 1

    @property
    def cores(self) -> int:
        """Cores that have a share, where there are tiles enough."""
        return self.groups * self.m * self.n

    def place(self, core: int) -> "Split":
        """Where a core is along each dimension."""
        row, n = divmod(core, self.n)
        groups, m = divmod(row, self.m)
        return Split(groups, m, n)


def splits(product: Product, machine: Machine) -> Iterator[Split]:
    """Splits that the machine's mapping allows, the preferred one first of equals."""
    cores, partition = machine.cores, machine.mapping.partition
    if cores == 1:
        yield Split()
        return
    if product.groups >= cores:
        yield Split(groups=cores)
        return
    if partition in ("auto", "m"):
        yield Split(m=cores)
    if partition in ("auto", "n"):
        yield Split(n=cores)
    if partition in ("auto", "mn"):
        grids = [rows for rows in range(2, cores) if cores % rows == 0]
        yield from (Split(m=rows, n=cores // rows) for rows in grids or [cores])
    if partition == "auto":
        yield Split()


def largest_part(product: Product, split: Split) -> Product:
    """The largest part of a product that one core gets."""
    if split.cores == 1:
        return product
    part = replace(product, groups=ceil(product.groups / split.groups), n=ceil(product.n / split.n))
    images = product.rows // product.rows_per_image
    if images >= split.m:
        return replace(part, rows=ceil(images / split.m) * product.rows_per_image)
    per_image = ceil(product.rows_per_image * images / split.m)
    return replace(part, rows=per_image, rows_per_image=per_image)
