"""Lightning's CSVLogger: <run>/csv/metrics.csv, with the settings in hparams.yaml."""

import csv
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import CSVLogger, Logger

from aevb.files.regular import is_regular, open_regular, remove_file
from aevb.loggers.lightning_logger import LightningLogger
from aevb.runs import layout
from aevb.runs.progress import is_former_end
from aevb.runs.settings import read_settings

__all__ = ["CSV"]

FILES = ("metrics.csv", "hparams.yaml")  # that Lightning writes


class CSV(LightningLogger):
    """Writes <run>/csv as Lightning's users know it; metrics.csv of the run stays the record."""

    def __init__(self) -> None:
        self.images = 0

    def logger(self, directory: Path, samples_seen: int, round_samples: int) -> Logger:
        """Make the logger, with the rows that a run of this length has (see `LightningLogger.logger`)."""
        self._round_samples = round_samples
        return super().logger(directory, samples_seen, round_samples)

    def make(self, directory: Path, settings: dict[str, Any]) -> CSVLogger:
        """Return the logger; what an earlier process wrote is read and written again (see `LightningLogger.make`)."""
        folder = directory / layout.CSV
        self._rows = _rows(folder / "metrics.csv")
        for name in FILES:
            remove_file(folder / name)
        return CSVLogger(directory, name="", version=layout.CSV)

    def last(self, directory: Path, samples_seen: int) -> int:
        """Write the rows up to `samples_seen` again and return the last of them (see `LightningLogger.last`)."""
        # Rows without samples_seen are those of the end.
        kept = [row for row in self._rows if "samples_seen" in row and int(row["step"]) <= samples_seen]
        evaluation = read_settings(directory)["evaluation"]
        first, every = evaluation.get("start", 1), evaluation.get("every")
        if kept and is_former_end(int(kept[-1]["step"]), self._round_samples, first, every):
            kept.pop()
        for row in kept:
            values = {name: float(value) for name, value in row.items() if name != "step"}
            self._logger.log_metrics(values, step=int(row["step"]))
        if kept:
            self._logger.save()  # now: the old file is gone, and the next evaluation point may be far
        return int(kept[-1]["step"]) if kept else -1


def _rows(path: Path) -> list[dict[str, str]]:
    if not is_regular(path):
        return []
    with open_regular(path) as file:
        text = file.read().decode("utf-8", errors="replace")
    lines = text[: text.rfind("\n") + 1].splitlines()  # a last line without an end was torn by a kill or a full disk
    rows = ({name: value for name, value in row.items() if value} for row in csv.DictReader(lines))
    return [row for row in rows if _are_numbers(row)]


def _are_numbers(row: dict[str, str]) -> bool:
    try:
        int(row["step"]), list(map(float, row.values()))
    except (KeyError, TypeError, ValueError):
        return False  # a damaged line: metrics.csv of the run has its numbers
    return None not in row
