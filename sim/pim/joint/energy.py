"""What the commands of channels of memory and PIM cost, and their ranks at rest.

==================  =====================================================================
component           energy
==================  =====================================================================
``memory_...``,     commands of all channels x that of one, by what it is spent on: the
``pim_...``         tables of ``arch.pim.energy.JointEnergy``. A column of a composite
                    command is a COMP, its result a READRES
``memory_open``     cycles of ranks with a row open x what they need more then
``memory_standby``  seconds x ranks x that of one with no row open
==================  =====================================================================

A command that is given and stands in no table is a component of its own that is unknown, as in
``memory_REFab`` or ``pim_GWRITE``.
"""

from arch.pim.energy import OPEN, STANDBY
from arch.pim.joint import JointChannels
from sim.charges import Cost, Power

MADE_OF_OTHERS = "COMPS"
"""Is charged as its columns and its result."""
COUNTED_ELSEWHERE = {"COMP": "pim_columns", "READRES": "pim_results"}
"""Commands whose events stand for those inside composite commands too."""
OPEN_CYCLES = "dram_open_rank_cycles"


def joint_costs(channels: JointChannels) -> tuple[Cost, ...]:
    """Events by component, of counts as ``sim.counts`` names them; none where nothing is given.

    Raises InputError for commands that there are not.
    """
    device, given = channels.device(), channels.energy
    if given is None:
        return ()
    costs: list[Cost] = [
        (component, tuple((event_of(command), each) for command, each in table.items()))
        for component, table in given.tables.items()
    ]
    priced = {command for table in given.tables.values() for command in table}
    for name, command in device.commands.items():
        if name != MADE_OF_OTHERS and name not in priced:
            side = "pim" if command.action == "none" else "memory"
            costs.append((f"{side}_{name}", ((event_of(name), None),)))
    closed_mw, open_mw = given.closed_rank_mw, given.open_rank_mw
    each_pj = None
    if closed_mw is not None and open_mw is not None:
        # A mW for a ns is a pJ.
        each_pj = (open_mw - closed_mw) * 1e6 / device.clock_khz
    return (*costs, (OPEN, ((OPEN_CYCLES, each_pj),)))


def joint_powers(channels: JointChannels, number: int) -> tuple[Power, ...]:
    """Of the ranks of so many channels at any time; none where no energy is given.

    Raises InputError.
    """
    device, given = channels.device(), channels.energy
    if given is None:
        return ()
    ranks = number * device.nodes(device.rank_level)
    each_mw = given.closed_rank_mw
    return ((STANDBY, None if each_mw is None else ranks * each_mw),)


def event_of(command: str) -> str:
    """The count of a command."""
    return COUNTED_ELSEWHERE.get(command, f"dram_{command}")
