"""A finished run in Python: the trained model, the curves, the evaluations, and how it is shown in a notebook."""

from contextlib import nullcontext
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from omegaconf import DictConfig, OmegaConf

from aevb.api.evaluated import Evaluated
from aevb.api.frames import frame
from aevb.api.run_html import run_html
from aevb.config import CONF, options, suggestion, validate
from aevb.config.tree import read_yaml, root_defaults
from aevb.console.environment import ONE_CALL
from aevb.console.progress import without_bars
from aevb.errors import UserError
from aevb.evaluation.evaluate_run import evaluate_run
from aevb.evaluation.loading import Weights
from aevb.evaluation.trained_model import TrainedModel
from aevb.evaluators.partial import read_values
from aevb.execution.queue import blocks_at_once
from aevb.files.regular import is_regular
from aevb.nn.torch_settings import default_torch_settings
from aevb.runs import layout
from aevb.runs.evaluation_record import read_evaluation
from aevb.runs.run import Run, sha256_of_model

if TYPE_CHECKING:
    import pandas

__all__ = ["TrainedRun"]

Split = Literal["train", "valid", "test"]


class TrainedRun(TrainedModel):
    """A finished run. It has the methods of `TrainedModel`: encode, decode, reconstruct, sample, log_px, test, load_data.

    Args:
        run: The run directory, or `ARCHIVE.zip:NAME`.
        data_root: The directory of the data, if it is not the one that the run used.
        trusted: Names of user modules that may contain the targets of the config.
        weights: "final" for the weights at the end of training, "best" for those at the highest validation bound.

    Attributes:
        record: The files of the run directory, each read when it is first asked for (`aevb.runs.Run`).

    Raises:
        UserError: If the run is not finished, or if its files are missing or damaged.
    """

    def __init__(
        self, run: Any, data_root: str | None = None, trusted: tuple[str, ...] = (), weights: Weights = "final"
    ) -> None:
        with default_torch_settings():  # weights are initialised before they are read: not from the caller's generator
            super().__init__(run, data_root, trusted, weights)
        self.data_root, self.trusted, self.weights = data_root, trusted, weights
        self.record = Run(self.directory)
        self._sha256 = self._sha256_of_weights()

    def __repr__(self) -> str:
        best = ", weights='best'" if self.weights == "best" else ""
        return f"TrainedRun({self.directory.name!r}, latent_dim={self.latent_dim}, shape={self.shape}{best})"

    def _repr_html_(self) -> str:
        return run_html(self)

    @property
    def name(self) -> str:
        """The name of the run directory."""
        return self.directory.name

    @property
    def config(self) -> DictConfig:
        """The settings with attributes: `run.config.optimizer.lr`. It cannot be changed."""
        config = OmegaConf.create(self.settings)
        OmegaConf.set_readonly(config, True)
        return config

    def _sha256_of_weights(self) -> str:
        return sha256_of_model(self.directory, layout.BEST if self.weights == "best" else layout.MODEL)

    def checked_record(self) -> Run:
        """Return the files of the run directory, if they are still those of this model.

        Raises:
            UserError: If the run has been trained on, or is being trained, since it was loaded.
        """
        if not is_regular(self.directory / layout.DONE) or self._sha256_of_weights() != self._sha256:
            raise UserError(
                f"{self.directory}: trained on since it was loaded; allowed: the files of the model that is loaded; "
                "try: aevb.load(run.directory) when it is finished"
            )
        return self.record

    def evaluation_files(self) -> list[Path]:
        """Return the JSON files of the evaluations of these weights (see `checked_record`)."""
        return layout.evaluation_files(self.checked_record().directory, best=self.weights == "best")

    def metrics(self) -> "pandas.DataFrame":
        """Return metrics.csv: a row for each evaluation point.

        Returns:
            `samples_seen`, and the other columns in nats per datapoint; nan where nothing was computed.

        Raises:
            UserError: If the file is damaged, the run has been trained on since it was loaded, or pandas is not installed.
        """
        return frame(self.checked_record().metrics())

    def evaluations(self) -> "pandas.DataFrame":
        """Return the recorded evaluations of these weights, one row for each file of <run>/evaluation, or of its folder best.

        Returns:
            evaluator, settings, split, n, quantity, mean, standard_error, direction (its relation to log p(x)), file.

        Raises:
            UserError: If a file is damaged, the run has been trained on since it was loaded, or pandas is not installed.
        """
        rows = []
        for path in self.evaluation_files():
            facts = read_evaluation(path)
            settings = ", ".join(f"{key}={value}" for key, value in facts.get("settings", {}).items())
            row = {"evaluator": facts["name"], "settings": settings}
            names = ("split", "n", "quantity", "mean", "standard_error", "direction")
            rows.append({**row, **{name: facts.get(name) for name in names}, "file": path.name})
        return frame(rows)

    def evaluate(
        self,
        evaluator: str,
        *,
        split: Split = "test",
        num_images: int | None = None,
        seed: int = 0,
        threads: int = 1,
        cores: int | None = None,
        matmul_precision: str = "highest",
        output_dir: str | PathLike[str] | None = None,
        progress: bool = True,
        **settings: Any,
    ) -> Evaluated:
        """Evaluate the model as `aevb-evaluate` does: the same numbers, in the same files.

        A recorded evaluation is not computed again.

        Args:
            evaluator: An option of the group `evaluator`: "bound", "importance", "quadrature", "ais", ...; or the path of
                a class of your own, "mymodule.MyEvaluator", from a module that the run was loaded with as `trusted`.
            split: "train", "valid" or "test".
            num_images: Only the first images of the split; None: all.
            seed: The seed of the evaluation's own noise.
            threads: Number of CPU threads of a block of images; the last digits depend on it.
            cores: On which blocks of images are evaluated at the same time; None: all.
            matmul_precision: "highest", "high" or "medium", where the device has them.
            output_dir: A folder for the results, below it one with the run's name; None: the run directory.
            progress: Whether to show a progress bar.
            settings: Settings of the evaluator: `samples=1000`.

        Returns:
            The evaluation, with the values of every image.

        Raises:
            UserError: If the evaluator does not exist or does not support the model, a setting is invalid, or the run has
                been trained on since it was loaded.
        """
        if split not in get_args(Split):
            raise UserError(f"split={split}: no such split; allowed: {', '.join(get_args(Split))}; try: split='test'")
        if not isinstance(output_dir, str | PathLike | None):
            raise UserError(
                f"output_dir={output_dir!r}: no path; allowed: a folder, or None; try: output_dir='outputs/evaluations'"
            )
        overrides = {"run": str(self.directory), "split": split, "num_images": num_images, "data_root": self.data_root}
        overrides |= {"seed": seed, "threads": threads, "cores": cores, "matmul_precision": matmul_precision}
        overrides["output_dir"] = None if output_dir is None else fspath(output_dir)
        node = {**_evaluator_node(evaluator), **settings}
        key = evaluator.rpartition(".")[2]
        checked = validate(
            {**root_defaults("evaluate"), **overrides, "evaluator": {key: node}}, self.trusted, "evaluate"
        )
        rest = {key: checked[key] for key in ("num_images", "data_root", "seed", "threads", "matmul_precision")}
        rest["output_dir"] = None if output_dir is None else Path(output_dir)
        rest["cores"] = blocks_at_once(checked["cores"], checked["threads"])
        run, evaluators = self.directory, checked["evaluator"]
        with ONE_CALL, default_torch_settings(), nullcontext() if progress else without_bars():
            self.checked_record()  # no other thread trains the run meanwhile
            (path,) = evaluate_run(
                run, evaluators, [split], **rest, trusted=self.trusted, weights=self.weights, print_table=False
            )
        values: dict[str, np.ndarray] = read_values(path.with_suffix(".npz")) or {}
        return Evaluated(path, read_evaluation(path), values)


def _evaluator_node(name: str) -> dict[str, Any]:
    known = options("evaluator")
    if not isinstance(name, str):
        raise UserError(
            f"evaluator={name!r}: no name; allowed: one of {', '.join(known)}; try: evaluate('bound'), a call for each"
        )
    if "." in name:
        return {"_target_": name}
    if name not in known:
        meant = suggestion(name, known, [])
        question = f"; did you mean {meant}?" if meant else ""
        raise UserError(
            f"evaluator={name}: no such option{question}; allowed: {', '.join(known)}; try: evaluator={meant or known[0]}"
        )
    return read_yaml(CONF / "evaluator" / f"{name}.yaml")[name]
