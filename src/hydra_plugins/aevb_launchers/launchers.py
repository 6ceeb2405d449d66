"""`hydra/launcher=cores` and `hydra/launcher=ensemble`, where Hydra looks for launchers.

aevb.execution.queue is imported late: Hydra imports every launcher there is at each start.
"""

from collections.abc import Sequence

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.utils import JobReturn

__all__ = ["CoresLauncher", "EnsembleLauncher"]


class CoresLauncher(BasicLauncher):
    """Prepares every job of a sweep, then trains them in processes of their own. cores: to keep busy; by default all."""

    def __init__(self, cores: int | None = None) -> None:
        super().__init__()
        self.cores = cores

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """As Hydra's own launcher, except that training comes after the last job is prepared."""
        from aevb.execution.queue import queue_runs, train_at_once

        with queue_runs() as jobs:
            returns = super().launch(job_overrides, initial_job_idx)
        train_at_once(jobs, self.cores)
        return returns


class EnsembleLauncher(BasicLauncher):
    """Prepares every job of a sweep, then trains those of one shape together. members: in a process at the most."""

    def __init__(self, members: int = 8) -> None:
        super().__init__()
        self.members = members

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """As Hydra's own launcher, except that training comes after the last job is prepared."""
        from aevb.execution.queue import queue_runs, train_together

        with queue_runs() as jobs:
            returns = super().launch(job_overrides, initial_job_idx)
        train_together(jobs, self.members)
        return returns
