"""aevb-figure: draw a figure from finished runs."""

from pathlib import Path

from omegaconf import DictConfig

from aevb.cli.commands import set_threads, validates
from aevb.cli.hydra_app import run_hydra_app
from aevb.cli.job import JobContext
from aevb.config import validate
from aevb.config.instantiate import instantiate

__all__ = ["figure"]


def figure() -> None:
    """aevb-figure: draws a figure from finished runs."""
    run_hydra_app("figure", _figure, validates("figure"))


def _figure(cfg: DictConfig, call: JobContext) -> None:
    settings = validate(cfg, call.trusted, "figure")
    set_threads(1)
    drawing = instantiate(settings["figure"], call.trusted)
    for path in drawing.draw(Path(settings["runs"]), Path(settings["output_dir"]), call.trusted):
        print(path)
