"""The config of a small run, as aevb-train plans it, and its variants."""

from pathlib import Path
from typing import Any

from aevb.cli.composition import hydra_session
from aevb.cli.job import JobContext
from aevb.cli.run_plan import plan_run
from helpers.commands import composer

__all__ = ["change", "settings_of_a_small_run"]


def settings_of_a_small_run(folder: Path, *arguments: str) -> dict[str, Any]:
    """What `aevb-train data=digits` writes: 2 latent dimensions, K = 5 on the first 100 test images at an evaluation point."""
    overrides = [
        "data=digits",
        "latent_dim=2",
        "hidden_dim=20",
        "evaluator.importance.samples=5",
        "evaluation.num_images=100",
        "evaluation.start=1",
        f"output_dir={folder}",
        "max_samples=1e2",
        *arguments,
    ]
    cfg, choices = composer("train").compose(overrides)
    with hydra_session():
        return plan_run(cfg, JobContext((), False, choices, "train", overrides=tuple(overrides))).settings


def change(settings: Any, **values: Any) -> Any:
    """A copy of `settings` in which every key named in `values`, at whatever depth, has the value given."""
    if not isinstance(settings, dict):
        return settings
    return {key: values[key] if key in values else change(value, **values) for key, value in settings.items()}
