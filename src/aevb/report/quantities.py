"""How the quantities that evaluators and objectives record are named and written for a reader."""

import math
import re

from aevb.figures.common.style import number

__all__ = ["in_words", "short", "texts"]


def in_words(name: str) -> str:
    """Return the name of a value as a reader knows it: "mean log p(x)" for mean_log_px.

    Args:
        name: The name of the value.
    """
    if name == "value":
        return "value V of the GAN"
    text = name.replace("log_px_z", "log p(x|z)").replace("log_px", "log p(x)").replace("_", " ")
    return re.sub(r"\bkl\b", "KL", text)


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
