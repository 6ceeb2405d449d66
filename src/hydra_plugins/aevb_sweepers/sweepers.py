"""`hydra/sweeper=experiments` and `hydra/sweeper=optuna`, where Hydra looks for sweepers."""

from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.types import Override

__all__ = ["ExperimentsSweeper", "OptunaSweeper"]


class ExperimentsSweeper(BasicSweeper):
    """The jobs of several experiments, each as that experiment alone would have it.

    Args:
        experiments: Name in conf/experiment -> overrides that narrow its grid.
        max_samples: Budget of every job, in training samples.
        max_batch_size: Not used; Hydra passes it.
    """

    def __init__(
        self, experiments: dict[str, dict[str, Any]], max_samples: int, max_batch_size: int | None = None
    ) -> None:
        super().__init__(max_batch_size)
        self.experiments, self.max_samples = experiments, max_samples

    def split_arguments(  # type: ignore[override]  # Hydra's is static, and called on the instance
        self, overrides: list[Override], max_batch_size: int | None
    ) -> list[list[list[str]]]:
        """Return all jobs, in one batch."""
        # Here, as Hydra imports every sweeper there is at each start.
        from aevb.cli.experiment_sweep import overrides_by_experiment

        assert self.hydra_context is not None
        loader = self.hydra_context.config_loader
        sweeps = overrides_by_experiment(loader, self.experiments, self.max_samples, overrides)
        return [[job for sweep in sweeps for (jobs,) in [BasicSweeper.split_arguments(sweep, None)] for job in jobs]]


class OptunaSweeper(BasicSweeper):
    """A search with Optuna; aevb-train reads these settings and runs the trials itself (aevb.cli.optuna_sweep).

    Args:
        params: Key -> values to search, in Hydra's syntax of sweeps.
        settings: The other keys of conf/hydra/sweeper/optuna.yaml.
        max_batch_size: Not used; Hydra passes it.
    """

    def __init__(
        self, params: dict[str, Any] | None = None, max_batch_size: int | None = None, **settings: Any
    ) -> None:
        super().__init__(max_batch_size, params)
        self.settings = settings
