"""The tables of docs/frey-face-gap and docs/training-curves that come from a CSV beside the page."""

from sitegen.markdown import table
from sitegen.result_tables import plain
from sitegen.results import rows

__all__ = ["decoder_table", "subset_table"]


def decoder_table() -> str:
    """Return the log-likelihoods of decoders that ignore z, nats; the one with free variances stands out."""
    read = rows("decoders.csv", "frey-face-gap")
    lines = [(row["decoder"], *(plain(float(row[split]), 1) for split in ("train", "test"))) for row in read]
    first = tuple(f"**{cell}**" for cell in lines[0])
    paper = ("the paper's wake-sleep, 1e6 to 1e7 samples", *map(_plateau, ("train", "test")))
    return table(("decoder", "training", "test"), [first, *lines[1:], paper], "lrr")


def _plateau(split: str) -> str:
    # The range of the paper's curves of wake-sleep at the evaluation points of our runs, which end at 1e7 samples.
    values = [
        float(row[f"paper_{split}_bound"])
        for row in rows("frey_face.csv", "frey-face-gap")
        if row["method"] == "wake-sleep" and int(row["samples_seen"]) >= 1e6 and row[f"paper_{split}_bound"]
    ]
    return f"{plain(min(values), 1)} to {plain(max(values), 1)}"


def subset_table() -> str:
    """Return the bound of subsets of the images under one model, nats."""
    read = rows("subsets.csv", "training-curves")
    lines = [(row["images"], f"{int(row['count']):,}", plain(float(row["bound"]))) for row in read]
    return table(("images", "number", "bound"), lines, "lrr")
