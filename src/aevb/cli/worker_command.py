"""The command line that trains a prepared run directory, for users who start the processes themselves."""

import shlex
from pathlib import Path

__all__ = ["worker_command"]


def worker_command(directory: Path, devices: int, trusted: tuple[str, ...]) -> str:
    """Return the command that trains a prepared run.

    With several devices it is a torchrun command, to be typed on each machine.

    Args:
        directory: A prepared run directory.
        devices: Devices in all.
        trusted: Users' modules that its config may name.
    """
    trust = "".join(f" --trust {name}" for name in trusted)
    worker = f"-m aevb.execution.worker {shlex.quote(str(directory))}{trust}"
    if devices == 1:
        return f"python {worker}"
    machines = next(n for n in range(2, devices + 1) if devices % n == 0)  # the fewest that share the devices evenly
    address = f"--nnodes {machines} --nproc-per-node {devices // machines} --node-rank RANK --master-addr HOST"
    return (
        f"torchrun {address} --master-port 29500 {worker}    # on each machine; RANK: 0, 1, ...; HOST: the first's name"
    )
