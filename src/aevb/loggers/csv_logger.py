"""Lightning's CSVLogger: <run>/csv/metrics.csv, with the settings in hparams.yaml."""

import csv
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import CSVLogger

from aevb.files.regular import is_regular, open_regular, remove_file
from aevb.loggers.lightning_logger import LightningLogger
from aevb.runs import layout

__all__ = ["CSV"]

FILES = ("metrics.csv", "hparams.yaml")  # that Lightning writes


class CSV(LightningLogger):
    """Writes <run>/csv as Lightning's users know it; metrics.csv of the run stays the record."""

    def __init__(self) -> None:
        self.images = 0

    def make(self, directory: Path, settings: dict[str, Any]) -> CSVLogger:
        """Return the logger; what an earlier process wrote is read and written again (see `LightningLogger.make`)."""
        folder = directory / layout.CSV
        self._rows = _rows(folder / "metrics.csv")
        for name in FILES:
            remove_file(folder / name)
        return CSVLogger(directory, name="", version=layout.CSV)

    def last(self, directory: Path, samples_seen: int) -> int:
        """Write the rows up to `samples_seen` again and return the last of them (see `LightningLogger.last`)."""
        kept = [row for row in self._rows if int(row["step"]) <= samples_seen and "train_bound" in row]
        for row in kept:
            values = {name: float(value) for name, value in row.items() if name != "step"}
            self._logger.log_metrics(values, step=int(row["step"]))
        return int(kept[-1]["step"]) if kept else -1


def _rows(path: Path) -> list[dict[str, str]]:
    if not is_regular(path):
        return []
    with open_regular(path) as file:
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    return [{name: value for name, value in row.items() if value} for row in csv.DictReader(lines)]
