"""The jobs of several experiments as one sweep: what `experiment=paper` stands for."""

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import OmegaConf

from aevb.config import CONF
from aevb.errors import UserError

__all__ = ["overrides_by_experiment", "refuse_grid", "refuse_several"]

OF_THE_SWEEP = ("experiment", "paper")  # keys that are for the sweep itself, not for its jobs


def overrides_by_experiment(
    loader: Any, experiments: Mapping[str, Mapping[str, Any]], max_samples: int, overrides: Sequence[Override]
) -> list[list[Override]]:
    """Return the overrides of every experiment, each of which is a sweep.

    Args:
        loader: Hydra's config loader.
        experiments: Name of an experiment -> overrides that narrow its grid, as on a command line.
        max_samples: Budget of every job, in training samples.
        overrides: Those of the command line; they win, so they come last.

    Raises:
        UserError: For an experiment that is no sweep.
    """
    parser = OverridesParser.create(config_loader=loader)
    typed = [override for override in overrides if override.get_key_element().split(".")[0] not in OF_THE_SWEEP]
    sweeps: list[list[Override]] = []
    for name, narrower in experiments.items():
        path = CONF / "experiment" / f"{name}.yaml"
        own = OmegaConf.select(OmegaConf.load(path), "hydra.sweeper.params") if path.is_file() else None
        if own is None:
            raise UserError(
                f"hydra.sweeper.experiments.{name}: no experiment with a grid (hydra.sweeper.params); "
                f"allowed: those in {CONF / 'experiment'}; try: figure2_mnist"
            )
        grid = {"experiment": name, **own, **narrower, "max_samples": max_samples}
        sweeps.append([*parser.parse_overrides([f"{key}={value}" for key, value in grid.items()]), *typed])
    return sweeps


def refuse_several(argument: str) -> None:
    """Refuse several experiments of conf/ in one override if one of them is a sweep itself, of which only one job would be run.

    Args:
        argument: `experiment=` and names with commas between them.

    Raises:
        UserError: If an experiment has a grid, or a list of experiments.
    """
    names = [name.strip() for name in argument.partition("=")[2].split(",")]
    for name in names:
        path = CONF / "experiment" / f"{name}.yaml"
        if path.is_file():
            refuse_grid(argument, name, OmegaConf.select(OmegaConf.load(path), "hydra.sweeper"))


def refuse_grid(argument: str, name: str, sweeper: Any) -> None:
    """Refuse an experiment that is a sweep itself as one of several, of which only one job would be run.

    Args:
        argument: The override that names several experiments.
        name: One of them.
        sweeper: Its node `hydra.sweeper`, or None.

    Raises:
        UserError: If it has a grid, or a list of experiments.
    """
    if sweeper is not None and (sweeper.get("params") or sweeper.get("experiments")):
        raise UserError(
            f"{argument}: {name} is a sweep of its own; allowed: one such experiment; try: experiment={name}"
        )
