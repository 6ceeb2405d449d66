"""Sentences of docs/figure3-gap, from the CSVs beside the page and the committed runs of Figure 3."""

from sitegen.markdown import bullets
from sitegen.result_tables import plain, signed
from sitegen.results import rows

__all__ = ["committed_text", "two_chains_text"]


def committed_text() -> str:
    """Return how far the committed runs of seed 0 are from the paper."""
    return bullets(
        f"""The models were trained before the committed runs of seed 0, with the same configs. The committed ones end
        {signed(_difference("AEVB", "test"), 1)} (AEVB, test), {signed(_difference("AEVB", "train"), 1)} (AEVB, training) and
        {signed(_difference("wake-sleep", "test"), 1)} nats (wake-sleep, test) from the paper, so the AEVB model of this page is not
        the committed one. The dashed lines of the picture show the differences of the committed runs."""
    )


def two_chains_text() -> str:
    """Return what two chains with T = 20 give, which is the budget along the curves of Figure 3."""
    aevb, wake_sleep = (_estimate(name, "appendix D, T = 20, 2 chains") for name in ("aevb.csv", "wake_sleep.csv"))
    return bullets(
        f"""Two chains with T = 20, the budget along our curves of [Figure 3](../results/README.md#figure-3), come near as well:
        {aevb} for AEVB and {wake_sleep} for wake-sleep on test images."""
    )


def _difference(method: str, split: str) -> float:
    # Ours (seed 0) minus the paper's at 1e7 samples with N = 50,000, nats.
    key = {"n_train": "50000", "method": method, "split": split, "samples_seen": "10000000"}
    at = [row for row in rows("figure3.csv") if key.items() <= row.items()]
    (paper,) = (float(row["paper"]) for row in at if row["source"] == "mean")
    (log_px,) = (float(row["quadrature"]) for row in at if row["source"] == "run" and row["seed"] == "0")
    return log_px - paper


def _estimate(name: str, estimator: str) -> str:
    # The paired difference to quadrature with its standard error.
    row = next(row for row in rows(name, "figure3-gap") if row["estimator"] == estimator)
    return f"{plain(float(row['difference']), 1)} ± {float(row['difference_standard_error']):.1f}"
