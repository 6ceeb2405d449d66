"""Finished runs whose numbers a test knows, because it wrote them."""

import copy
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aevb.config import fingerprint
from aevb.files.atomic import write_json, write_text
from helpers.commands import settings

__all__ = ["COMMIT", "SHAPES", "plant", "plant_model", "read_csv"]

COMMIT = "c0ffee" * 6 + "c0ff"
SHAPES = {"mnist": (28, 28), "frey_face": (28, 20), "digits": (8, 8), "shapes": (28, 28)}


@functools.cache
def _settings(overrides: tuple[str, ...]) -> dict[str, Any]:
    chosen = dict(item.split("=") for item in overrides)
    groups = {"data": "mnist", "objective": "sgvb_b", "optimizer": "adagrad"}
    return {**settings(*overrides), "choices": {group: chosen.get(group, option) for group, option in groups.items()}}


def plant(
    runs: Path,
    *overrides: str,
    train: Mapping[int, float],
    test: Mapping[int, float] | None = None,
    finish: bool = True,
) -> Path:
    """A run directory with `overrides` of the default config and the bounds given by samples_seen (test: 1 nat below train)."""
    config = copy.deepcopy(_settings(overrides))
    directory = runs / ("_".join(overrides).replace("=", "") or "default")
    config["name"] = directory.name
    test = test or {point: value - 1 for point, value in train.items()}
    rows = "".join(f"{point},{value},{test[point]},,,\n" for point, value in train.items())
    head = "samples_seen,train_bound,test_bound,test_reconstruction,test_kl,test_log_px\n"
    write_json(directory / "config.yaml", config)  # JSON is YAML
    write_text(directory / "metrics.csv", head + rows)
    if finish:
        targets = "dynamically binarised, p = grey/255" if config["data"].get("targets") == "dynamic" else "grey/255"
        facts = {"samples_seen": max(train), "shape": SHAPES[config["choices"]["data"]], "targets": targets}
        identity = {"fingerprint": fingerprint(config), "commit": COMMIT}
        write_json(directory / "DONE", {**facts, "training_seconds": 12.5, "evaluation_seconds": 1.0, **identity})
    return directory


def plant_model(runs: Path, *overrides: str, train: Mapping[int, float] | None = None) -> Path:
    """The same with an untrained but not trivial model."""
    import torch

    from aevb.config.instantiate import instantiate

    directory = plant(runs, *overrides, train=train or {100: -300.0, 1000: -200.0})
    config = copy.deepcopy(_settings(overrides))
    rows, columns = SHAPES[config["choices"]["data"]]
    config["model"]["initialization"] = "glorot"
    model = instantiate(config["model"], data_dim=rows * columns, data_shape=(rows, columns))
    torch.save(model.state_dict(), directory / "model.pt")
    return directory


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a figure's CSV."""
    import csv

    return list(csv.DictReader(path.read_text().splitlines()))
