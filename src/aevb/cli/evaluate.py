"""aevb-evaluate: evaluate a finished run."""

from pathlib import Path

from omegaconf import DictConfig

from aevb import runs
from aevb.cli.commands import set_threads, validates
from aevb.cli.hydra_app import run_hydra_app
from aevb.cli.job import JobContext
from aevb.config import validate
from aevb.errors import UserError
from aevb.runs.data_location import KEYS

__all__ = ["evaluate"]


def evaluate() -> None:
    """aevb-evaluate: evaluates a finished run."""
    run_hydra_app("evaluate", _evaluate, validates("evaluate"))


def _evaluate(cfg: DictConfig, call: JobContext) -> None:
    settings = validate(cfg, call.trusted, "evaluate")
    directory = Path(settings["run"])
    data = runs.read_settings(directory)["data"]
    if settings["data_root"] is not None and not set(KEYS) & data.keys():
        raise UserError(
            f"data_root={settings['data_root']}: {data['_target_']} reads no file; allowed: null; try: without it"
        )
    if runs.state(directory) != "done":
        raise UserError(f"run={directory}: not finished; try: the aevb-train command that began it, which resumes it")
    set_threads(settings["threads"])
    from aevb.evaluation.evaluate_run import evaluate_run  # torch comes with it

    splits = settings["split"] if isinstance(settings["split"], list) else [settings["split"]]
    rest = {key: settings[key] for key in ("num_images", "data_root", "seed", "threads", "matmul_precision", "weights")}
    output_dir = Path(settings["output_dir"]) if settings.get("output_dir") else None
    evaluate_run(directory, settings["evaluator"], splits, **rest, output_dir=output_dir, trusted=call.trusted)
