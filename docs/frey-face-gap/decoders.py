"""Log-likelihood of Gaussian decoders that ignore z, fitted to the training images of Frey Face: `python decoders.py`.

The maximum-likelihood fit is in closed form: means, and where they are free the variances, of the training images.
Writes decoders.csv beside this file. The data are looked for as aevb does (AEVB_DATA).
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from aevb.data.frey_face import DIM, FREY, N_FACES, N_TRAIN
from aevb.data.verified_files import obtain


def log_px(x: np.ndarray, mean: np.ndarray, variance: np.ndarray | float) -> float:
    """Return log N(x; mean, variance), the mean over images x of (n, D), nats."""
    terms = np.log(2 * np.pi * variance) + (x - mean) ** 2 / variance
    return float(-0.5 * terms.sum(axis=1).mean())


def fits(faces: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray | float]]:
    """Yield the name, the training images, the test images and the variance of each decoder."""
    order = np.random.RandomState(0).permutation(N_FACES)
    train, test = faces[order[:N_TRAIN]] / 256, faces[order[N_TRAIN:]] / 256
    yield "a mean and a variance for every pixel", train, test, train.var(axis=0)
    by_255 = train * 256 / 255, test * 256 / 255
    yield "the same, byte/255", *by_255, by_255[0].var(axis=0)
    for name, head, tail in (("first", faces[:N_TRAIN], faces[N_TRAIN:]), ("last", faces[-N_TRAIN:], faces[:-N_TRAIN])):
        words = f"the same, {name} 1,600 frames for training, without a shuffle"
        yield words, head / 256, tail / 256, (head / 256).var(axis=0)
    yield "a mean for every pixel, one shared variance", train, test, float(train.var(axis=0).mean())
    yield "a mean for every pixel, variance fixed at 0.01", train, test, 0.01
    yield "a mean for every pixel, variance fixed at 1", train, test, 1.0


def main() -> None:
    """Write the table."""
    (content,) = obtain(FREY, None)
    faces = np.frombuffer(content, np.uint8).reshape(N_FACES, DIM).astype(np.float64)
    with Path(__file__).with_name("decoders.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("decoder", "train", "test"))
        for name, train, test, variance in fits(faces):
            mean = train.mean(axis=0)
            writer.writerow((name, log_px(train, mean, variance), log_px(test, mean, variance)))


if __name__ == "__main__":
    main()
