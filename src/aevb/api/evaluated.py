"""One evaluation of a run: the record that aevb-evaluate writes, with the values of every image."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from aevb.api.html import number_with_error, rows_table
from aevb.console.counts import counted
from aevb.console.printable import with_error

__all__ = ["Evaluated"]


@dataclass(frozen=True, repr=False)
class Evaluated:
    """The result of an evaluator on a split.

    Attributes:
        path: The JSON file in the run directory.
        record: Its content: name, split, n, mean, standard_error, quantity, direction, settings, values and more.
        values: The values of every image by name, each (n,), float64.
    """

    path: Path
    record: dict[str, Any]
    values: dict[str, np.ndarray]

    @property
    def quantity(self) -> str:
        """The name of the main value, e.g. "log_px"."""
        return str(self.record["quantity"])

    @property
    def mean(self) -> float:
        """The mean of the main value over the images."""
        return float(self.record["mean"])

    @property
    def standard_error(self) -> float:
        """The standard error of the mean over images."""
        return float(self.record["standard_error"])

    @property
    def name(self) -> str:
        """The evaluator, its settings, the split and the number of images."""
        record = self.record
        settings = ", ".join(f"{key}={value}" for key, value in record.get("settings", {}).items())
        return f"{record['name']}{f' ({settings})' if settings else ''}, {record['split']}, {counted(record['n'], 'image')}"

    def __repr__(self) -> str:
        return f"{self.name}: {self.quantity} = {with_error(self.mean, self.standard_error, 3)}"

    def _repr_html_(self) -> str:
        values = self.record.get("values", {})
        rows = [(name, number_with_error(item["mean"], item["standard_error"])) for name, item in values.items()]
        return str(
            Markup("<div><b>{}</b>{}</div>").format(self.name, rows_table(("value", "mean ± standard error"), rows))
        )
