"""The table of docs/figure2-gap of the inference gap on training and test images, and the sentences below it."""

import csv

from sitegen.markdown import bullets, table
from sitegen.repository import DOCS
from sitegen.result_tables import plain, samples_seen

__all__ = ["inference_gap_table", "inference_gap_text"]

SPLITS = {"train": "training", "test": "test"}
PARTS = ("inference_gap", "approximation_gap", "amortisation_gap")


def _rows() -> list[dict[str, str]]:
    with (DOCS / "figure2-gap" / "inference_gap.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def inference_gap_table() -> str:
    """Return log p(x) minus the bound and its two parts, nats, mean ± standard error over the images."""
    lines = []
    for row in _rows():
        gaps = [f"{float(row[name]):.2f} ± {float(row[f'{name}_standard_error']):.2f}" for name in PARTS]
        at = samples_seen(int(row["samples_seen"]))
        lines.append((at, SPLITS[row["split"]], plain(float(row["bound"])), plain(float(row["log_px"])), *gaps))
    names = ("at", "images", "bound", "log p(x)", "log p(x) − bound", "approximation gap", "amortisation gap")
    return table(names, lines, "rlrrrrr")


def inference_gap_text() -> str:
    """Return what the table shows."""
    gaps = {(row["samples_seen"], row["split"]): {name: float(row[name]) for name in PARTS} for row in _rows()}
    last = max((seen for seen, _ in gaps), key=int)
    train, test = gaps[last, "train"], gaps[last, "test"]
    ratio = test["amortisation_gap"] / train["amortisation_gap"]
    if ratio < 1.5:
        raise ValueError("latent_dim 3: the amortisation gap is no longer larger on test images")
    return bullets(
        f"""**The encoder is fitted to the training images.** At {samples_seen(int(last))} samples a normal q that is optimised for each
        image comes within {max(train["approximation_gap"], test["approximation_gap"]):.2f} nat of log p(x) on either split. The
        encoder's q loses {test["amortisation_gap"]:.1f} nats to it on test images and {train["amortisation_gap"]:.1f} on training
        images."""
    )
