"""The points of a search: composed, checked, and planned as run directories."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra._internal.hydra import Hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from aevb.cli.composition import PointComposer, typed_overrides
from aevb.cli.data_check import NoValidationSplit
from aevb.cli.experiment_sweep import refuse_grid
from aevb.cli.job import JobContext
from aevb.cli.optuna_space import Space, parse_space
from aevb.cli.sweep import PlannedRun
from aevb.config.class_attributes import attribute
from aevb.errors import UserError

__all__ = ["Points"]

WITH_VALIDATION = {"test": "valid", "both": "all"}
"""evaluation.splits as given -> with the validation split."""


class Points:
    """Plans the runs of a search.

    Args:
        application: Hydra, initialised.
        master: The config of the search.
        context: How it was asked for.
        plan: Validates one config.
        objective: Column of metrics.csv.

    Attributes:
        space: The search space.

    Raises:
        UserError: For a space that is not valid.
    """

    def __init__(
        self,
        application: Hydra,
        master: DictConfig,
        context: JobContext,
        plan: Callable[[DictConfig, JobContext], PlannedRun],
        objective: str,
    ) -> None:
        loader: Any = application.config_loader
        params: Any = OmegaConf.to_container(master.hydra.sweeper.get("params") or OmegaConf.create({}))
        self.space: Space = parse_space(loader, params, typed_overrides(master.hydra))
        self.config_name = str(master.hydra.job.config_name)
        self._composer = PointComposer(loader, master)
        self._params = params or None
        self._context, self._plan, self._objective = context, plan, objective

    def plan(self, overrides: list[str]) -> PlannedRun:
        """Return the run of a point, without writing anything.

        Args:
            overrides: The values of the search space, `key=value`.

        Returns:
            The planned run. It evaluates the validation split if the objective needs it, which changes neither its name
            nor its numbers.

        Raises:
            UserError: For a config that is not valid.
        """
        words = [*self.space.fixed, *overrides]
        cfg, choices = self._composer.compose(words)
        for word in overrides:
            if word.startswith("experiment=") and HydraConfig.get().sweeper.get("params") != self._params:
                refuse_grid(word, str(choices.get("experiment")), HydraConfig.get().sweeper)
        splits = OmegaConf.select(cfg, "evaluation.splits")
        if self._objective == "valid_bound" and splits in WITH_VALIDATION:
            if attribute(str(OmegaConf.select(cfg, "data._target_")), "validation") is False:
                raise _no_validation(choices.get("data"))
            words = [word for word in words if not word.startswith("evaluation.splits=")]
            words.append(f"evaluation.splits={WITH_VALIDATION[splits]}")
            cfg, choices = self._composer.compose(words)
        context = JobContext(self._context.trusted, True, choices, self.config_name, overrides=tuple(words))
        return self._plan(cfg, context)

    def check(self) -> PlannedRun:
        """Plan every category, both ends of every interval, and a point within it.

        Returns:
            One of the runs.

        Raises:
            UserError: With the faults of all, a line each.
        """
        faults: dict[str, list[str]] = {}
        directories: dict[Path, str] = {}
        first: PlannedRun | None = None
        edges = list(self.space.edges())
        for values in edges:
            overrides = self.space.overrides(values)
            label = " ".join(overrides)
            try:
                plan = self.plan(overrides)
                first = first or plan
                self._check(plan)
                if other := directories.get(plan.directory):
                    same = (
                        f"{plan.directory} is the run of {other} too; allowed: keys that make another run; "
                        "try: without name=, and only keys that change the training"
                    )
                    faults.setdefault(same, []).append(label)
                directories[plan.directory] = label
            except UserError as error:
                for line in map(self._with_int, str(error).splitlines()):
                    faults.setdefault(line, []).append(label)
        if faults:
            lines = []
            for line, (label, *others) in faults.items():  # what is wrong at every point is not the fault of one
                everywhere = 1 + len(others) == len(edges) or line.startswith(label)
                lines.append(line if everywhere else f"{label}: {line}")
            raise UserError("\n".join([*lines, "the search was refused; nothing was started"]))
        assert first is not None
        return first

    def check_data(self, plan: PlannedRun) -> None:
        """Read the data of a run, which must have what the objective is computed on.

        Args:
            plan: The run.

        Raises:
            UserError: The data are missing or damaged, or have no validation split.
        """
        data = plan.settings["choices"].get("data")
        try:
            facts = plan.check_data()
        except NoValidationSplit as error:
            raise (_no_validation(data) if self._objective == "valid_bound" else error) from None
        if self._objective == "valid_bound" and facts.n_valid == 0:
            raise _no_validation(data)

    def _check(self, plan: PlannedRun) -> None:
        if "bound" not in plan.settings["evaluator"] and self._objective == "valid_bound":
            raise UserError(
                "evaluator: the objective valid_bound is computed by the evaluator bound; allowed: evaluators with bound "
                "among them; try: evaluator=bound"
            )

    def _with_int(self, line: str) -> str:
        # An interval(2,5) is one of real numbers for Hydra and Optuna, also where its key takes integers only.
        key, _, wrong = line.partition("=")
        kind: Any = self.space.distributions.get(key)
        if kind is None or not hasattr(kind, "low") or ": not an integer;" not in wrong:
            return line
        return (
            f"{key}=interval({kind.low:g},{kind.high:g}): its points are real numbers, and the key is an integer; "
            f"allowed: int(interval(...)), range(...), choice(...); try: '{key}=int(interval({kind.low:g},{kind.high:g}))'"
        )


def _no_validation(data: object) -> UserError:
    return UserError(
        f"hydra.sweeper.objective=valid_bound: data={data} has no validation split; allowed: data with one, such as mnist, "
        "or a file of yours with valid; try: data=mnist, or hydra.sweeper.objective=train_bound"
    )
