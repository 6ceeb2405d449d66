"""The table of docs/figure2-gap of latent_dim 3 with a smaller learning rate and with larger initial weights, and the sentences below it."""

from sitegen.markdown import bullets, table
from sitegen.result_numbers import measured, paper_bound
from sitegen.result_tables import plain
from sitegen.results import rows

__all__ = ["rate_table", "rate_text"]

SMALLER, SELECTED = "mnist-sgvb_b-adagrad-z3-s0", "mnist-sgvb_b-adagrad-z3-s0-54d0f6"
"""Runs with learning rate 0.01 and 0.02, seed 0."""

POINTS = (1e7, 3e7, 1e8)


def _behind(row: dict[str, float], samples: float) -> float:
    return paper_bound("mnist", 3, samples) - row["test_bound"]


def _glorot(samples: float) -> dict[str, float] | None:
    # Glorot's initial weights, learning rate 0.02, seed 0; None beyond the end of the run.
    matches = [row for row in rows("glorot.csv", "figure2-gap") if float(row["samples_seen"]) == samples]
    return {name: float(value) for name, value in matches[0].items()} if matches else None


def rate_table() -> str:
    """Return the bounds of the three runs, what they are behind the paper, and log p(x) minus the bound, nats."""
    lines = []
    for samples in POINTS:
        runs = {
            "0.01": measured(SMALLER, samples),
            "0.02": measured(SELECTED, samples),
            "0.02, Glorot": _glorot(samples),
        }
        for name, row in runs.items():
            if row is None:
                continue
            excess, gap = row["train_bound"] - row["test_bound"], row["test_log_px"] - row["test_bound"]
            numbers = (row["test_bound"], _behind(row, samples), excess, row["test_log_px"], gap)
            lines.append((f"{samples:.0e}".replace("e+0", "e"), name, *map(plain, numbers)))
    names = (
        "at",
        "lr, initial weights",
        "test bound",
        "behind the paper",
        "training − test",
        "test log p(x), K = 50",
        "log p(x) − bound",
    )
    return table(names, lines, "rlrrrrr")


def rate_text() -> str:
    """Return what the table shows."""
    first, last = ((measured(SMALLER, samples), measured(SELECTED, samples)) for samples in (POINTS[0], POINTS[-1]))
    ahead, before = (smaller["test_bound"] - selected["test_bound"] for smaller, selected in (last, first))
    if not (ahead > 0 > before):
        raise ValueError("latent_dim 3: learning rate 0.01 does not overtake 0.02")
    left = _behind(last[0], POINTS[-1])
    at = f"{POINTS[-1]:.0e}".replace("e+0", "e")
    glorot, selected = _glorot(POINTS[1]), measured(SELECTED, POINTS[1])
    if glorot is None or abs(glorot["test_bound"] - selected["test_bound"]) > 0.5:
        raise ValueError("latent_dim 3: Glorot's initial weights change the test bound at 3e7")
    return bullets(
        f"""**The smaller learning rate overtakes the larger one.** Its test bound is {-before:.1f} nats lower at 1e7 samples and {ahead:.1f}
        higher at {at}, where {left:.1f} nats to the paper's curve are left of {_behind(last[1], POINTS[-1]):.1f}. The protocol
        chooses by the training bound at 1e6 samples and does not see this.""",
        f"""Its training bound is {last[0]["train_bound"] - last[0]["test_bound"]:.1f} nats above its test bound at {at}, that of 0.02
        {last[1]["train_bound"] - last[1]["test_bound"]:.1f}. The paper's is {paper_excess():.1f} above.""",
        f"""**Glorot's initial weights train faster and end no higher**: at 3e7 the training bound is
        {glorot["train_bound"] - selected["train_bound"]:.1f} nats higher and the test bound {abs(glorot["test_bound"] - selected["test_bound"]):.1f} lower.""",
    )


def paper_excess(samples: float = POINTS[-1]) -> float:
    """Return the paper's training bound minus its test bound with latent_dim 3, nats."""
    return paper_bound("mnist", 3, samples, split="train") - paper_bound("mnist", 3, samples)
