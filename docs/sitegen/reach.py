"""The table of how far each run of Figure 2 was trained."""

import json
from collections import defaultdict
from typing import Any

import yaml

from sitegen.hours import FIGURE_3_UNITS, METHODS
from sitegen.markdown import table
from sitegen.repository import REPOSITORY
from sitegen.results import DATA

__all__ = ["reach_table"]

_Line = tuple[str, str, float]
"""Data set, method and learning rate."""


def reach_table() -> str:
    """Return the table: a line for each learning rate, and the samples seen by each seed at every latent_dim."""
    lines = defaultdict[_Line, dict[int, dict[int, int]]](lambda: defaultdict(dict))
    for folder in sorted((REPOSITORY / "results" / "runs").iterdir()):
        settings = yaml.load((folder / "config.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        if settings["hidden_dim"] == FIGURE_3_UNITS:
            continue
        samples = json.loads((folder / "DONE").read_text(encoding="utf-8"))["samples_seen"]
        seeds = lines[_line(settings)][settings["latent_dim"]]
        seeds[settings["seed"]] = max(samples, seeds.get(settings["seed"], 0))
    dims = sorted({dim for cells in lines.values() for dim in cells})
    header = ("data", "method", "learning rate", *(f"latent_dim {dim}" for dim in dims))
    rows = [(*line[:2], f"{line[2]:g}", *(_cell(cells[dim]) for dim in dims)) for line, cells in sorted(lines.items())]
    return table(header, rows, "llr" + "l" * len(dims))


def _line(settings: dict[str, Any]) -> _Line:
    targets = settings["data"].get("targets")
    binary = f", targets {targets}" if targets not in (None, "grey", "grey/255") else ""
    method = METHODS[settings["choices"]["objective"]] + binary
    return DATA[settings["choices"]["data"]], method, float(settings["optimizer"]["lr"])


def _cell(seeds: dict[int, int]) -> str:
    return ", ".join(f"{samples:.2g}".replace("e+0", "e") for _, samples in sorted(seeds.items())) or "–"
