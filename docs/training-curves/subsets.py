"""The bound of subsets of the images, for one trained model: `python subsets.py RUN`.

Writes subsets.csv beside this file: a row for each subset, nats per image.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from aevb import load


def main(directory: str) -> None:
    """Evaluate all images of every split, and write the means over the subsets."""
    run = load(directory)
    train, valid, test = (
        np.asarray(run.evaluate("bound", split=split).values["bound"]) for split in ("train", "valid", "test")
    )
    half = len(test) // 2
    subsets = {
        "training": train,
        "training, first 1,000": train[:1000],
        "validation": valid,
        "training and validation": np.concatenate([train, valid]),
        "test": test,
        "test, first half": test[:half],
        "test, second half": test[half:],
        "test, first 1,000": test[:1000],
    }
    with Path(__file__).with_name("subsets.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("images", "count", "bound", "run"))
        for name, values in subsets.items():
            writer.writerow((name, len(values), values.mean(), Path(directory).resolve().name))


if __name__ == "__main__":
    main(sys.argv[1])
