"""`hydra/launcher=cores` and `hydra/launcher=ensemble`, where Hydra looks for launchers.

aevb-train reads their settings and starts the processes itself (aevb.cli.train, aevb.execution.queue). The jobs of other
commands, which train nothing, run one after another, as with Hydra's own launcher.
"""

from hydra._internal.core_plugins.basic_launcher import BasicLauncher

from aevb.types import PositiveInt

__all__ = ["CoresLauncher", "EnsembleLauncher"]


class CoresLauncher(BasicLauncher):
    """Trains every run of a sweep in a process of its own, as many at once as there are cores.

    Args:
        cores: How many cores to keep busy; None: all that the command may use.
    """

    def __init__(self, cores: PositiveInt | None = None) -> None:
        super().__init__()
        self.cores = cores


class EnsembleLauncher(BasicLauncher):
    """Trains runs whose layers have one shape together, in one process.

    Args:
        members: How many runs a process has at most.
    """

    def __init__(self, members: PositiveInt = 8) -> None:
        super().__init__()
        self.members = members
