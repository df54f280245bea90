"""What goes in and out of any channel, and what its device must be."""

from amaranth.lib import data
from amaranth.utils import ceil_log2

from arch.dram.device import Device
from rtl.dram.timing import Timing
from rtl.refusal import refuse


class Ports(Timing):
    """Layouts of requests and of what becomes of them, ``tag_bits`` wide tags among them."""

    def __init__(self, device: Device, tag_bits: int) -> None:
        super().__init__(device)
        self.tag_bits = tag_bits

    @property
    def place(self) -> dict[str, int]:
        """Bank in hierarchy order, row, and column in bursts."""
        return {
            "bank": int(ceil_log2(self.banks)),
            "row": int(ceil_log2(self.device.rows)),
            "column": int(ceil_log2(self.device.columns)),
        }

    @property
    def request(self) -> data.StructLayout:
        """A read or write."""
        return data.StructLayout(self.place | {"write": 1, "tag": self.tag_bits})

    @property
    def passed(self) -> data.StructLayout:
        """A request that a waiting write serves, or whose place it takes."""
        return data.StructLayout({"valid": 1, "write": 1, "tag": self.tag_bits})

    @property
    def finished(self) -> data.StructLayout:
        """A request whose read or write goes to the device."""
        return data.StructLayout({"valid": 1, "tag": self.tag_bits})


def check_bus(device: Device) -> None:
    """Raise InputError for a device with other than one command bus."""
    if device.bus != "one":
        refuse(device.name, "one command bus", repr(device.bus))


def check_sizes(device: Device, banks_max: int, hint: str = "") -> None:
    """Raise InputError for a device with too many banks, or nothing to choose from."""
    if not 2 <= device.banks <= banks_max:
        refuse("levels", f"2 to {banks_max} banks a channel", device.banks, hint)
    for field in ("rows", "columns"):
        size = getattr(device, field)
        if size < 2:
            refuse(f"{device.name}: {field}", "2 at least", size)
