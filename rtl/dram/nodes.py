"""All nodes of a channel that commands wait for: banks, wider ones, and histories of windows."""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value

from rtl.dram.bank import History, Timers
from rtl.dram.timing import Timing


class Nodes:
    """``banks``, which have ``timers``; ``make(level)``: timers of one wider node."""

    def __init__(
        self, parameters: Timing, banks: Sequence[Any], make: Callable[[int], Timers]
    ) -> None:
        self.parameters = p = parameters
        self.banks = banks
        self.wide = {level: [make(level) for _ in range(p.nodes(level))] for level in p.wide_levels}
        self.histories = [
            [History(window) for _ in range(p.nodes(window.level))] for window in p.windows
        ]

    @property
    def parts(self) -> list[tuple[str, Any]]:
        """All of them, with their names."""
        names = self.parameters.device.levels
        return [
            *((f"bank_{i}", bank) for i, bank in enumerate(self.banks)),
            *(
                (f"{names[level]}_{i}", timers)
                for level, nodes in self.wide.items()
                for i, timers in enumerate(nodes)
            ),
            *(
                (f"history_{i}_{j}", history)
                for i, nodes in enumerate(self.histories)
                for j, history in enumerate(nodes)
            ),
        ]

    def timers(self, command: int) -> list[Timers]:
        """Of the nodes of the level that waits for a command."""
        level = self.parameters.commands[command].level
        return self.wide[level] if level in self.wide else [bank.timers for bank in self.banks]

    def tell(self, m: Module, issued: Signal, bus: Any) -> list[Any]:
        """Tell banks and wider nodes what has been issued, and how near to them.

        ``bus``: of ``Parameters.command``. Returns whom it has told.
        """
        p = self.parameters
        at = Signal(p.banks)
        m.d.comb += at.eq(Mux(bus.valid, 1 << bus.bank, 0))
        shared = [
            [at[node * span : (node + 1) * span].any() for node in range(p.banks // span)]
            for span in p.spans
        ]
        after: list[Value] = []
        for window, own in zip(p.windows, self.histories, strict=True):
            for node, history in enumerate(own):
                m.d.comb += [
                    history.command.eq(issued[window.preceding]),
                    history.here.eq(shared[window.level][node]),
                ]
            after.append(reduce(or_, (history.after for history in own)))
        told: list[Any] = []
        for level, nodes in {p.bank_level: self.banks, **self.wide}.items():
            for node, part in enumerate(nodes):
                bank = node * p.spans[level]
                levels = [shared[k][bank // p.spans[k]] for k in range(level + 1)]
                m.d.comb += [part.command.eq(issued), part.shared.eq(Cat(*levels))]
                for i, value in enumerate(after):
                    m.d.comb += getattr(part, f"window_{i}").eq(value)
                told.append(part)
        return told
