"""The numbers and sentences of docs/training-curves and docs/frey-face-gap that follow from committed runs."""

import math

from sitegen.frey_face_tables import LATENT_DIMS, METHODS, SETTINGS, bound_at, paper_bound_at, paper_start, seed_values
from sitegen.markdown import bullets, table
from sitegen.mnist_start import LATENT_DIMS as MNIST_DIMS
from sitegen.mnist_start import paper_start as mnist_paper_start
from sitegen.mnist_start import starts
from sitegen.result_numbers import measured, paper_bound, span
from sitegen.result_tables import samples_seen, signed
from sitegen.results import reaches, rows

__all__ = ["frey_start_text", "mnist_start_text", "training_excess"]

SMALL, LARGE = SETTINGS["M = 100, lr 0.01"], SETTINGS["M = 500, lr 0.01"]
FASTER = SETTINGS["M = 500, lr 0.02"]
EXCESS = {
    (20, 3_000_000): (0.01, 0.02),
    (20, 10_000_000): (0.01, 0.02),
    (20, 100_000_000): (0.02,),
    (5, 1_000_000): (0.01,),
}
"""latent_dim and samples of docs/training-curves, with the learning rates that are shown."""


def training_excess() -> str:
    """Return the table of training minus test bound, nats: the paper's, and ours of each seed."""
    lines = []
    for (latent_dim, samples), rates in EXCESS.items():
        bounds = [paper_bound("mnist", latent_dim, samples, split=split) for split in ("train", "test")]
        lines.append(("the paper", str(latent_dim), "", samples_seen(samples), signed(bounds[0] - bounds[1])))
        for lr in rates:
            excess = ", ".join(signed(value) for value in _excess(latent_dim, lr, samples))
            lines.append(("ours", str(latent_dim), str(lr), samples_seen(samples), excess))
    return table(("", "latent_dim", "lr", "at", "training − test, every seed"), lines, "lrrrr")


def _excess(latent_dim: int, lr: float, samples: int) -> list[float]:
    key = {"data": "mnist", "latent_dim": str(latent_dim), "method": "AEVB", "lr": str(lr)}
    (runs,) = (row["run"].split(";") for row in rows("verdict-evidence.csv") if key.items() <= row.items())
    ends = [measured(run, samples) for run in runs if reaches(run, samples)]
    return [row["train_bound"] - row["test_bound"] for row in ends]


def mnist_start_text() -> str:
    """Return what the starts of the paper's training curves on MNIST say about its learning rates."""
    measured_starts = starts()
    low = [
        mnist_paper_start("wake-sleep", j) - value
        for j in MNIST_DIMS
        for value in measured_starts["wake-sleep", j, 0.02]
    ]
    nearer = all(_distance("wake-sleep", j, 0.01) < _distance("wake-sleep", j, 0.02) for j in MNIST_DIMS)
    behind = [value - mnist_paper_start("AEVB", j) for j in (5, 10, 20) for value in measured_starts["AEVB", j, 0.01]]
    faster = {
        j: [value - mnist_paper_start("AEVB", j) for value in measured_starts["AEVB", j, 0.02]] for j in MNIST_DIMS
    }
    _check(
        all(min(faster[j]) < 0 < max(faster[j]) for j in (3, 5, 10)),
        "with 5 and 10 the paper is within the seeds at 0.02",
    )
    _check(min(faster[20]) > 0 and min(faster[200]) < 0, "with 20 the paper starts below the seeds at 0.02")
    _check(nearer and min(low) > 0, "wake-sleep fits 0.01 better on every panel")
    _check(min(behind) > 0, "AEVB of the paper starts below ours at 0.01")
    return bullets(
        f"""**Wake-sleep fits a learning rate of 0.01 better on every panel.** At 0.02 each start is {span(low, 0)} nats too low. The
        protocol of the verdict selects 0.02 for latent_dim 200, where our run at 0.01 fails later.""",
        f"""**AEVB is less clear.** With latent_dim 3 both rates fit. With 5, 10 and 20 the paper starts {span(behind, 0)} nats below
        ours at 0.01. With 5 and 10 it lies within our seeds at 0.02, which spread widely, and with 20 it starts
        {min(faster[20]):.0f} nats below them too. With 200 it lies below ours at 0.01 and within those at 0.02.""",
    )


def _distance(method: str, latent_dim: int, lr: float) -> float:
    return min(abs(value - mnist_paper_start(method, latent_dim)) for value in starts()[method, latent_dim, lr])


def frey_start_text() -> str:
    """Return how near the starts and the bounds on Frey Face come to the paper's."""
    off = {
        (method, j, setting): [value - paper_start(method, j) for value in seed_values(method, j, setting, _start)]
        for method in METHODS
        for j in LATENT_DIMS
        for setting in SETTINGS.values()
    }
    aevb = {j: _up(off["AEVB", j, LARGE]) for j in LATENT_DIMS}
    asleep = _up([min(off["wake-sleep", j, LARGE], off["wake-sleep", j, FASTER], key=_size)[0] for j in LATENT_DIMS])
    small = min(abs(value) for key, values in off.items() if key[2][0] == "100" for value in values)
    _check(small > 100, "with M = 100 no start is near")
    bounds = {
        (j, setting): [value - paper_bound_at(j) for value in seed_values("AEVB", j, setting, bound_at)]
        for j in LATENT_DIMS
        for setting in (SMALL, LARGE, FASTER)
    }
    _check(
        bounds["5", LARGE][0] < 0 and bounds["10", LARGE][0] < 0 < bounds["20", FASTER][0], "signs of the bounds at 1e6"
    )
    return bullets(
        f"""**With M = 500 the start is the paper's, with one of its learning rates**: for AEVB to {max(aevb["2"], aevb["10"])} nats
        with latent_dim 2 and 10 (0.01), to {_up(off["AEVB", "20", FASTER])} with 20 (0.02), and to {aevb["5"]} with 5; for
        wake-sleep to {asleep} nats on every panel (0.01, with 20 at 0.02). With M = 100 no learning rate comes within
        {100 * math.floor(small / 100)} nats of it, for any latent_dim or method.""",
        f"""**AEVB at 1e6 samples** is then {abs(bounds["2", LARGE][0]):.1f} nats from the paper with latent_dim 2, and
        {abs(bounds["5", LARGE][0]):.0f} and {abs(bounds["10", LARGE][0]):.0f} below it with 5 and 10. With 20 it is
        {bounds["20", FASTER][0]:.0f} above at 0.02, where M = 100 is {span(bounds["20", SMALL], 0)} above at 0.01.""",
    )


def _start(row: dict[str, str]) -> str:
    return row["start"]


def _size(values: list[float]) -> float:
    return max(map(abs, values), default=math.inf)


def _up(values: list[float]) -> int:
    # "to 3 nats": the next whole number.
    return math.ceil(_size(values))


def _check(holds: bool, statement: str) -> None:
    if not holds:
        raise ValueError(f"no longer true: {statement}; write the sentence anew in docs/sitegen/gap_text.py")
