"""How an estimate is printed."""

import math

__all__ = ["with_error"]


def with_error(mean: float, error: float | None, digits: int) -> str:
    """Return "mean ± error"; the mean alone where there is no error, as of a single image.

    Args:
        mean: The mean.
        error: Its standard error; None or nan if there is none.
        digits: Decimal places.
    """
    text = f"{mean:.{digits}f}"
    return text if error is None or not math.isfinite(error) else f"{text} ± {error:.{digits}f}"
