"""The units of the quantities that evaluators and objectives record."""

__all__ = ["column_unit", "unit"]

NATS = {
    "ais": ("log_px", "monte_carlo_error"),
    "bdmc": ("gap", "lower", "upper"),
    "bound": ("bound", "reconstruction", "kl"),
    "classification": ("cross_entropy",),
    "enumeration": ("log_px", "bound"),
    "fitted_bound": ("bound", "reconstruction", "kl"),
    "importance": ("log_px", "monte_carlo_error", "rise"),
    "inference_gap": ("inference_gap", "approximation_gap", "amortisation_gap", "bound", "best_bound", "log_px"),
    "information": ("bound", "reconstruction", "kl", "mutual_information", "marginal_kl"),
    "pitfall_batch_information": ("claimed_mutual_information", "claimed_marginal_kl"),
    "pitfall_bce_as_marginal_likelihood": ("claimed_log_px",),
    "pitfall_clipped_logs": ("claimed_bound", "excess"),
    "pitfall_greys_as_data": ("claimed_binary_bound", "drawn_bound", "cut_bound", "minus_entropy"),
    "pitfall_mean_of_logs": ("claimed_log_px",),
    "predictive": ("log_px", "mean_log_px", "spread"),
    "quadrature": ("log_px", "error"),
    "reciprocal": ("log_px", "log_px_kde", "log_px_validated", "monte_carlo_error"),
    "reconstruction": ("log_px_z",),
    "total_correlation": ("total_correlation", "mutual_information", "dimension_kl", "kl"),
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


def _bits(name: str) -> str:
    return "bits per pixel" if name.endswith(BITS) else ""
