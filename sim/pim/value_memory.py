"""What the banks hold: only rows that something has been written to."""

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.pim.system import Pim
from sim.pim.arithmetic import FORMATS, round_all
from traces.mapping.pim.layout import Address, MatrixLayout, TableLayout

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
ELEMENTS_AT_ONCE = 1 << 20


class PimMemory:
    """Elements by channel, bank, row, column and lane, as float32 that the operands' format has."""

    def __init__(self, pim: Pim) -> None:
        device, mac = pim.device().device, pim.command_set().mac
        self.name, self.rows_end, self.channels = pim.name, device.rows, pim.channels
        self.form = FORMATS[mac.operand_format]
        self._shape = (device.banks, device.columns, mac.lanes)
        self._slots: dict[tuple[int, int], int] = {}
        self._values = np.zeros((0, *self._shape), np.float32)
        self._written = np.zeros((0, *self._shape[:2]), np.bool_)

    def slot(self, channel: int, row: int) -> int:
        """Number of a row of all banks of a channel, made if need be. Raises InputError for one
        that does not exist."""
        key = (channel, row)
        found = self._slots.get(key)
        if found is not None:
            return found
        if not (0 <= row < self.rows_end and 0 <= channel < self.channels):
            raise InputError(
                f"row {row} of channel {channel}; {self.name} has rows 0 to {self.rows_end - 1} "
                f"and channels 0 to {self.channels - 1}"
            )
        found = self._slots[key] = len(self._slots)
        if found == len(self._values):
            more = max(4, found)
            self._values = np.concatenate(
                [self._values, np.zeros((more, *self._shape), np.float32)]
            )
            self._written = np.concatenate(
                [self._written, np.zeros((more, *self._shape[:2]), np.bool_)]
            )
        return found

    def row(self, channel: int, row: int) -> tuple[Floats, Bools]:
        """Elements [bank, column, lane] and whether [bank, column] has been written; both may be
        changed, until another row is asked for."""
        slot = self.slot(channel, row)
        return self._values[slot], self._written[slot]

    def clear(self, channels: tuple[int, ...], first_row: int, rows: int) -> None:
        """Write zeros to all banks."""
        for channel in channels:
            for row in range(first_row, first_row + rows):
                values, written = self.row(channel, row)
                values[:] = 0
                written[:] = True

    def store(self, at: Address, values: npt.ArrayLike) -> None:
        """Write elements, rounded to the operands' format."""
        slots = self._slots_of(at)
        flat = np.array(np.broadcast_to(values, at.lane.shape), np.float32).ravel()
        round_all(flat, self.form)
        where = (slots, at.bank, at.column)
        self._values[(*where, at.lane)] = flat.reshape(at.lane.shape)
        self._written[where] = True

    def load(self, at: Address) -> Floats:
        """Elements; those never written are 0."""
        found: Floats = self._values[(self._slots_of(at), at.bank, at.column, at.lane)]
        return found

    def _slots_of(self, at: Address) -> npt.NDArray[np.int64]:
        keys, inverse = np.unique(at.row * self.channels + at.channel, return_inverse=True)
        pairs = (divmod(int(key), self.channels) for key in keys)
        slots = np.array([self.slot(channel, row) for row, channel in pairs], np.int64)
        found: npt.NDArray[np.int64] = slots[inverse.ravel()].reshape(at.row.shape)
        return found

    def store_matrix(
        self, layout: MatrixLayout, matrix: npt.ArrayLike, row_offset: int = 0
    ) -> None:
        """Write a matrix [n, k] and zeros around it; ``row_offset`` further than its layout."""
        self.clear(layout.geometry.channels, layout.first_row + row_offset, layout.rows)
        given = np.asarray(matrix, np.float32)
        if given.shape != (layout.n, layout.k):
            raise InputError(
                f"{layout.name}: values of shape {given.shape}; must be {(layout.n, layout.k)}"
            )
        step = max(1, ELEMENTS_AT_ONCE // layout.k)
        for first in range(0, layout.n, step):
            part = given[first : first + step]
            outputs = np.arange(first, first + len(part))[:, None]
            at = layout.address(*np.broadcast_arrays(outputs, np.arange(layout.k)))
            self.store(shifted(at, row_offset), part)

    def store_table(self, layout: TableLayout, vectors: npt.ArrayLike, row_offset: int = 0) -> None:
        """Write vectors [count, n] and zeros around them."""
        self.clear(layout.geometry.channels, layout.first_row + row_offset, layout.rows)
        given = np.asarray(vectors, np.float32)
        if given.shape != (layout.count, layout.n):
            raise InputError(
                f"{layout.name}: values of shape {given.shape}; must be {(layout.count, layout.n)}"
            )
        for index, vector in enumerate(given):
            self.store(shifted(layout.address(index, np.arange(layout.n)), row_offset), vector)


def shifted(at: Address, rows: int) -> Address:
    """So many rows further."""
    return Address(at.channel, at.bank, at.row + rows, at.column, at.lane)
