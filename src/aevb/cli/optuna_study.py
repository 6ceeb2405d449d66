"""The study of `hydra/sweeper=optuna`: its settings, its storage, and its trials across several commands.

A trial whose command was killed is in the state RUNNING and is taken up again. A sampler is seeded by the seed of the study
and the number of the trial, so a study that is resumed suggests what an uninterrupted one does, one trial at a time.
"""

import hashlib
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aevb.cli.optuna_space import Space
from aevb.errors import UserError
from aevb.files.folders import make_folders

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

__all__ = ["StudySettings", "TrialQueue", "check_optuna", "finished_trials", "open_study", "study_name"]

CHOICES = {
    "objective": ("valid_bound", "train_bound"),
    "direction": ("maximize", "minimize"),
    "sampler": ("tpe", "random"),
    "pruner": ("median", "none"),
}
LEAST = {
    "n_trials": 1,
    "n_jobs": 1,
    "seed": 0,
    "n_startup_trials": 0,
    "pruner_startup_trials": 0,
    "pruner_warmup_samples": 0,
}


@dataclass(frozen=True)
class StudySettings:
    """The settings of conf/hydra/sweeper/optuna.yaml but the search space.

    Attributes:
        objective: Column of metrics.csv, in nats per datapoint: valid_bound or train_bound.
        direction: "maximize" or "minimize".
        n_trials: Number of trials in all.
        n_jobs: Number of trials at once; None: as many as there are cores.
        seed: Seed of the sampler.
        sampler: "tpe" or "random".
        n_startup_trials: Random trials before tpe chooses.
        pruner: "median" or "none".
        pruner_startup_trials: Finished trials before the pruner ends any.
        pruner_warmup_samples: Training samples of a trial before the pruner may end it.
        study_name: Name in the storage; None: from the space and the overrides.
    """

    objective: str
    direction: Literal["minimize", "maximize"]
    n_trials: int
    n_jobs: int | None
    seed: int
    sampler: str
    n_startup_trials: int
    pruner: str
    pruner_startup_trials: int
    pruner_warmup_samples: int
    study_name: str | None

    @staticmethod
    def of(sweeper: dict[str, Any]) -> "StudySettings":
        """Check the settings of a sweeper.

        Args:
            sweeper: The node hydra.sweeper.

        Raises:
            UserError: For a value that is not allowed.
        """
        for key, allowed in CHOICES.items():
            if (value := sweeper[key]) not in allowed:
                is_test = key == "objective" and str(value).startswith("test")
                wrong = "the test set chooses nothing" if is_test else "unknown"
                raise UserError(
                    f"hydra.sweeper.{key}={value}: {wrong}; allowed: {', '.join(allowed)}; "
                    f"try: hydra.sweeper.{key}={allowed[0]}"
                )
        for key, least in LEAST.items():
            value = sweeper[key]
            if isinstance(value, float) and value.is_integer():  # 1e4
                sweeper = {**sweeper, key: (value := int(value))}
            if key == "n_jobs" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                null = " or null" if key == "n_jobs" else ""
                raise UserError(
                    f"hydra.sweeper.{key}={value}: no count; allowed: an integer >= {least}{null}; "
                    f"try: hydra.sweeper.{key}={max(least, 10)}"
                )
        return StudySettings(**{field.name: sweeper[field.name] for field in fields(StudySettings)})


def check_optuna() -> None:
    """Check that Optuna can be imported.

    Raises:
        UserError: It is missing or broken.
    """
    try:
        import optuna

        # pip may leave an old one, for instance the 2.10 of Hydra's own plugin
        if int(optuna.__version__.split(".")[0]) < 4:
            raise ImportError(f"optuna {optuna.__version__} is older than 4")
    except Exception as error:
        is_missing = isinstance(error, ModuleNotFoundError) and error.name == "optuna"
        wrong = "not installed" if is_missing else f"optuna cannot be imported ({' '.join(str(error).split())})"
        raise UserError(
            f"hydra/sweeper=optuna: {wrong}; allowed: basic, experiments; try: pip install 'aevb[optuna]'"
        ) from None


def study_name(settings: StudySettings, space: Space) -> str:
    """Return the name of the study; the same space, overrides and objective give the same name.

    Args:
        settings: The settings of the study.
        space: The search space.
    """
    if settings.study_name is not None:
        return settings.study_name
    from optuna.distributions import distribution_to_json

    kinds = {key: distribution_to_json(kind) for key, kind in space.distributions.items()}
    identity = [sorted(kinds.items()), sorted(space.fixed), settings.objective, settings.direction, settings.seed]
    return f"study-{hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:6]}"


@contextmanager
def open_study(file: Path, name: str, settings: StudySettings) -> Iterator["Study"]:
    """Open a study in a SQLite file; both are made if need be.

    Args:
        file: The file.
        name: The name of the study.
        settings: The settings of the study.

    Yields:
        The study.

    Raises:
        UserError: The file cannot be used, or the study has another direction.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    pruner: optuna.pruners.BasePruner = optuna.pruners.NopPruner()
    if settings.pruner == "median":
        pruner = optuna.pruners.MedianPruner(settings.pruner_startup_trials, settings.pruner_warmup_samples)
    try:
        make_folders(file.parent)
        storage = optuna.storages.RDBStorage(f"sqlite:///{file}", engine_kwargs={"connect_args": {"timeout": 60}})
        study = optuna.create_study(
            storage=storage, study_name=name, direction=settings.direction, pruner=pruner, load_if_exists=True
        )
        direction = study.direction.name.lower()
    except (SQLAlchemyError, OSError, RuntimeError, ValueError, AssertionError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())[:200]
        raise UserError(
            f"{file}: cannot be used as Optuna's storage ({reason}); allowed: a SQLite file that Optuna wrote; "
            "try: another output_dir=, or move the file away"
        ) from error
    if direction != settings.direction:
        raise UserError(
            f"hydra.sweeper.direction={settings.direction}: the study {name} was begun with {direction}; "
            "allowed: the same; try: another hydra.sweeper.study_name="
        )
    try:
        yield study
    finally:
        storage.remove_session()
        storage.engine.dispose()


class TrialQueue:
    """Hands out the trials of a study: interrupted ones first, then failed ones again, then new ones.

    Args:
        study: The study.
        settings: Its settings.
        parallel: Whether several trials run at once.
    """

    def __init__(self, study: "Study", settings: StudySettings, parallel: bool) -> None:
        from optuna.trial import TrialState

        self.study, self.settings, self.parallel = study, settings, parallel
        trials = study.get_trials(deepcopy=False)
        self.interrupted = [trial for trial in trials if trial.state == TrialState.RUNNING]
        fresh = [trial for trial in trials if trial.state != TrialState.FAIL]
        again: list[dict[str, Any]] = []
        for trial in trials:
            if trial.state == TrialState.FAIL and trial.params not in [*(other.params for other in fresh), *again]:
                study.enqueue_trial(trial.params, user_attrs={"retry_of": trial.number})
                again.append(trial.params)
        self.remaining = settings.n_trials - len(finished_trials(study))

    def next(self) -> "Trial | None":
        """Return the next trial; None if there are as many as wanted."""
        from optuna.trial import Trial

        if self.remaining <= 0:
            return None
        self.remaining -= 1
        if self.interrupted:
            frozen = self.interrupted.pop(0)
            self.study.sampler = self._sampler(frozen.number)
            return Trial(self.study, frozen._trial_id)
        self.study.sampler = self._sampler(len(self.study.get_trials(deepcopy=False)))
        return self.study.ask()

    def _sampler(self, number: int) -> Any:
        import numpy as np
        import optuna

        seed = int(np.random.SeedSequence([self.settings.seed, number]).generate_state(1)[0])
        if self.settings.sampler == "random":
            return optuna.samplers.RandomSampler(seed)
        return optuna.samplers.TPESampler(
            n_startup_trials=self.settings.n_startup_trials, seed=seed, constant_liar=self.parallel
        )


def finished_trials(study: "Study") -> "list[FrozenTrial]":
    """Return the trials that are complete or pruned.

    Args:
        study: The study.
    """
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
