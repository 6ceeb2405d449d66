"""MLflow with a local store for all runs: <output_dir>/mlflow.db, shown by `mlflow ui`."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aevb.config import flatten
from aevb.config.machine import check_package
from aevb.errors import UserError
from aevb.files.atomic import write_text
from aevb.files.folders import make_folders
from aevb.files.regular import is_regular, open_regular, read_text
from aevb.loggers.base import RunContext
from aevb.loggers.failures import in_one_line
from aevb.loggers.lightning_logger import LightningLogger
from aevb.runs import layout
from aevb.types import NonNegativeInt

if TYPE_CHECKING:
    from lightning.pytorch.loggers import MLFlowLogger

__all__ = ["MLflow"]

IDENTIFIER_BYTES = 1000  # of the identifier that MLflow gives a run
REFUSED = re.compile(r"[^\w\-. :/]")  # characters that MLflow takes in no name, as in logger@logger.loggers.mlflow
NO_SUCH_RUN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
SECONDS = 120  # a run waits for the store while others write to it


class MLflow(LightningLogger):
    """Writes a run of MLflow.

    A resumed run goes to the same run of MLflow; evaluation points that it has already are not logged again.

    Args:
        experiment: Experiment of MLflow.
        tracking_uri: Address of the store; null: the file mlflow.db in output_dir.
        images: Number of prior samples and of reconstructed test images in the pictures; 0: none.
    """

    package: str = "mlflow"

    def __init__(self, experiment: str = "aevb", tracking_uri: str | None = None, images: NonNegativeInt = 64) -> None:
        check_package(self.package)
        self.experiment, self.tracking_uri, self.images = experiment, tracking_uri, images

    def make(self, directory: Path, settings: dict[str, Any]) -> "MLFlowLogger":
        """Return the logger (see `LightningLogger.make`).

        Raises:
            UserError: MLflow cannot use the store.
        """
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        for name in ("mlflow", "alembic", "lightning.pytorch.loggers.mlflow"):
            logging.getLogger(name).setLevel(logging.ERROR)  # they tell of tables and experiments that they create
        from lightning.pytorch.loggers import MLFlowLogger
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        root = Path(settings["output_dir"]).resolve()
        uri = self.tracking_uri or f"sqlite:///{root / 'mlflow.db'}?timeout={SECONDS}"
        path = directory / layout.MLFLOW
        known = read_text(path, IDENTIFIER_BYTES).strip() if is_regular(path) else None
        with _one_at_a_time(root / "mlflow.lock"):
            try:
                logger = MLFlowLogger(
                    experiment_name=self.experiment,
                    run_name=directory.name,
                    tracking_uri=uri,
                    artifact_location=None if self.tracking_uri else (root / "mlflow-artifacts").as_uri(),
                    run_id=known,
                )
                identifier = logger.run_id  # is asked for here, which makes the store
                if known and logger.experiment.get_run(known).info.lifecycle_stage != "active":
                    raise UserError(_lost(path, f"{known} was deleted there"))
            except (MlflowException, SQLAlchemyError) as error:
                reason = str(error).strip().partition("\n")[0]
                if known and getattr(error, "error_code", None) in NO_SUCH_RUN:
                    raise UserError(_lost(path, reason)) from error
                raise UserError(self._refusal(root, reason)) from error
            write_text(path, f"{identifier}\n")
        return logger

    def _refusal(self, root: Path, error: str) -> str:
        if self.tracking_uri:
            return (
                f"logger.tracking_uri={self.tracking_uri}: MLflow cannot use this store ({error}); "
                "allowed: the address of a store, or null; try: logger.tracking_uri=null"
            )
        return (
            f"{root / 'mlflow.db'}: MLflow cannot use this store ({error}); "
            "allowed: a database that MLflow made; try: move it away, then the same command again"
        )

    def last(self, directory: Path, samples_seen: int) -> int:
        """Return the last evaluation point that MLflow has, perhaps beyond the checkpoint (see `LightningLogger.last`)."""
        return self._last_step("samples_seen")

    def last_end(self, directory: Path) -> int:
        """Return the last end that MLflow has (see `LightningLogger.last_end`)."""
        names = self._logger.experiment.get_run(self._logger.run_id).data.metrics
        return max((self._last_step(name) for name in names if name.startswith("final/")), default=-1)

    def _last_step(self, name: str) -> int:
        history = self._logger.experiment.get_metric_history(self._logger.run_id, name)
        return max((item.step for item in history), default=-1)

    @in_one_line
    def begin(self, context: RunContext) -> None:
        """Log the settings; those that an extended run changed become tags, since MLflow's parameters cannot change.

        See `LightningLogger.begin`.
        """
        settings = {REFUSED.sub("_", key): value for key, value in flatten(context.settings) if key}
        stored = self._logger.experiment.get_run(self._logger.run_id).data.params
        self._logger.log_hyperparams({key: value for key, value in settings.items() if key not in stored})
        for key in settings.keys() & stored.keys():
            if stored[key] != str(settings[key]):
                self._logger.experiment.set_tag(self._logger.run_id, key, settings[key])

    def log_picture(self, title: str, picture: np.ndarray, seen: int) -> None:
        """Log a picture as an artifact (see `LightningLogger.log_picture`)."""
        pixels = (255 * picture).round().astype(np.uint8)
        pixels = np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels
        self._logger.experiment.log_image(
            self._logger.run_id, pixels, artifact_file=f"{title.replace(' ', '_')}/{seen:012}.png"
        )


def _lost(path: Path, reason: str) -> str:
    return (
        f"{path}: MLflow's store has no such run ({reason}); allowed: the store in which the run began; "
        f"try: restore it there, or remove {path}, for a new run that begins here"
    )


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    # MLflow makes the tables of a new store, and an experiment, without a lock: of two runs that begin together one fails.
    import fcntl

    make_folders(path.parent)
    with open_regular(path, os.O_RDWR | os.O_CREAT, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
