"""aevb-evaluate: evaluate a finished run."""

from pathlib import Path

from omegaconf import DictConfig

from aevb import runs
from aevb.cli.commands import set_threads, validates
from aevb.cli.hydra_app import run_hydra_app
from aevb.cli.job import JobContext
from aevb.config import validate
from aevb.errors import UserError

__all__ = ["evaluate"]


def evaluate() -> None:
    """aevb-evaluate: evaluates a finished run."""
    run_hydra_app("evaluate", _evaluate, validates("evaluate"))


def _evaluate(cfg: DictConfig, call: JobContext) -> None:
    settings = validate(cfg, call.trusted, "evaluate")
    directory = Path(settings["run"])
    runs.read_settings(directory)
    if runs.state(directory) != "done":
        raise UserError(f"run={directory}: not finished; try: the aevb-train command that began it, which resumes it")
    set_threads(settings["threads"])
    from aevb.evaluation.evaluate_run import evaluate_run  # torch comes with it

    splits = settings["split"] if isinstance(settings["split"], list) else [settings["split"]]
    rest = {key: settings[key] for key in ("num_images", "data_root", "seed", "threads", "matmul_precision")}
    evaluate_run(directory, settings["evaluator"], splits, **rest, trusted=call.trusted)
