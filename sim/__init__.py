"""What happens each cycle: kernels, the engine, results and the command line."""

from typing import TYPE_CHECKING, Any

import arch

if not hasattr(arch, "LOCKSTEP"):
    raise ImportError(
        f"the package 'arch' at {arch.__file__} is not lockstep's but another of the same name; "
        "uninstall that one (pip uninstall arch), or install lockstep-sim in a virtual environment "
        "of its own"
    )

if TYPE_CHECKING:
    from arch.machine import Machine
    from sim.result import Result
    from traces.operators import Workload


def run(machine: "Machine", workload: "Workload", **options: Any) -> "Result":
    """Simulate a workload on a machine; ``options`` are the fields of ``sim.simulate.Options``.

    Raises InputError where they do not fit together, SimulationError on a deadlock.
    """
    from sim import simulate

    return simulate.run(machine, workload, simulate.Options(**options)).result
