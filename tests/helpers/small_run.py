"""The config of a small run, composed by the command line itself, and its variants."""

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from helpers.commands import python

__all__ = ["change", "settings_of_a_small_run"]

TRAIN = Path(__file__).parents[2] / "scripts" / "train.py"


def settings_of_a_small_run(folder: Path) -> dict[str, Any]:
    """What `aevb-train data=digits` writes: 2 latent dimensions, K = 5 on the first 100 test images at an evaluation point."""
    overrides = [
        "data=digits",
        "latent_dim=2",
        "hidden_dim=20",
        "evaluator.importance.samples=5",
        "evaluation.num_images=100",
    ]
    python(str(TRAIN), *overrides, f"output_dir={folder}", "max_samples=1e2", folder=folder).check_returncode()
    (config,) = folder.glob("runs/*/config.yaml")
    return OmegaConf.to_container(OmegaConf.load(config))  # type: ignore[return-value]


def change(settings: Any, **values: Any) -> Any:
    """A copy of `settings` in which every key named in `values`, at whatever depth, has the value given."""
    if not isinstance(settings, dict):
        return settings
    return {key: values[key] if key in values else change(value, **values) for key, value in settings.items()}
