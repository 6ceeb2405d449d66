"""The units of the quantities that evaluators and objectives record, and how their numbers are written."""

import math
import re

from aevb.figures.common.style import number

__all__ = ["column_unit", "in_words", "short", "texts", "unit"]

NATS = {
    "ais": ("log_px", "monte_carlo_error"),
    "bdmc": ("gap", "lower", "upper"),
    "bound": ("bound", "reconstruction", "kl"),
    "enumeration": ("log_px", "bound"),
    "fitted_bound": ("bound", "reconstruction", "kl"),
    "importance": ("log_px", "monte_carlo_error", "rise"),
    "inference_gap": ("inference_gap", "approximation_gap", "amortisation_gap", "bound", "best_bound", "log_px"),
    "information": ("bound", "reconstruction", "kl", "mutual_information", "marginal_kl"),
    "predictive": ("log_px", "mean_log_px", "spread"),
    "quadrature": ("log_px", "error"),
    "reciprocal": ("log_px", "log_px_kde", "log_px_validated", "monte_carlo_error"),
    "reconstruction": ("log_px_z",),
}
"""The values in nats, by evaluator."""
BITS = "_bits_per_dim"
"""Ending of the names of values in bits per pixel."""
NATS_COLUMNS = {
    *("bound", "log_px", "reconstruction", "kl", "value"),  # the last one of GANs
    *(f"{evaluator}_{name}" for evaluator, names in NATS.items() for name in names),
}
"""Of metrics.csv, without the split."""


def unit(evaluator: str, name: str) -> str:
    """Return the unit of a value of an evaluation.

    Args:
        evaluator: The name of the evaluator.
        name: The name of the value.

    Returns:
        "nats", "bits per pixel", or "" for a value that has no unit or one that is not known.
    """
    return "nats" if name in NATS.get(evaluator, ()) else _bits(name)


def column_unit(quantity: str) -> str:
    """Return the unit of a column of metrics.csv.

    Args:
        quantity: The name of the column without the split, as "kl" or "quadrature_error".

    Returns:
        As of `unit`.
    """
    return "nats" if quantity in NATS_COLUMNS else _bits(quantity)


def in_words(name: str) -> str:
    """Return the name of a value as a reader knows it: "mean log p(x)" for mean_log_px.

    Args:
        name: The name of the value.
    """
    if name == "value":
        return "value V of the GAN"
    text = name.replace("log_px_z", "log p(x|z)").replace("log_px", "log p(x)").replace("_", " ")
    return re.sub(r"\bkl\b", "KL", text)


def _bits(name: str) -> str:
    return "bits per pixel" if name.endswith(BITS) else ""


def short(value: float | None, unit: str = "nats") -> str:
    """Format a number for a table.

    Args:
        value: The number; None or nan if there is none.
        unit: Its unit.

    Returns:
        The text: two decimals in nats; of another quantity three digits where two decimals are fewer.
    """
    return f"{value:.3g}" if unit != "nats" and value and abs(value) < 1 else number(value)


def texts(mean: float, error: float, unit: str) -> tuple[str, str]:
    """Format an estimate and its standard error for a table.

    Args:
        mean: The estimate.
        error: Its standard error; nan if it has none.
        unit: Their unit.

    Returns:
        The texts: as of `short`, or with the decimals that show two digits of an error below 1.
    """
    if unit == "nats" or not 0 < error < 1 or not math.isfinite(mean):
        return short(mean, unit), short(error, unit)
    decimals = min(6, 1 - math.floor(math.log10(error)))
    return f"{mean:.{decimals}f}", f"{error:.{decimals}f}"
