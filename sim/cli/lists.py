"""``lockstep machines`` and ``lockstep workloads``."""


def machines() -> None:
    """List the machines that are known by name."""
    from rich.console import Console

    from arch.load import load_machine, machine_names
    from sim.report.machine import machine_list

    found = [(name, load_machine(name, ())) for name in machine_names()]
    Console(highlight=False).print(machine_list(found))


def workloads() -> None:
    """List the workloads that are known by name."""
    from rich.console import Console

    from sim.report.workload import workload_list
    from traces import transformer, workload
    from traces.mapping.mesh.workloads import WORKLOADS

    tables = {*workload.names()} - {*workload.LIGHT_ONNX} - {*transformer.models()}
    # Of several names of one program the first stands for them.
    programs = {each.what: name for name, each in reversed(WORKLOADS.items())}
    known = workload_list(
        sorted(workload.LIGHT_ONNX), sorted(transformer.models()), sorted(tables),
        sorted(programs.values()),
    )  # fmt: skip
    Console(highlight=False).print(known)
