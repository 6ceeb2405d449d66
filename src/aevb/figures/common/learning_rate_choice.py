"""Which learning rate a figure shows, where several were run.

The paper (section 5): "learning_rates were chosen from {0.01, 0.02, 0.1} based on performance on the training set in the first few
iterations". So here: of runs that differ in learning rate and seed alone, the learning rate with the highest TRAINING bound at a fixed
samples_seen wins. The test set is not looked at. The mean is over the seeds that every learning rate has, or over all of a learning_rate's
seeds where no seed is common. A learning rate of which every seed has learned nothing by then loses to every other, and has no say in
which seeds are common: one that diverges is seldom run again.
"""

from typing import Literal, NamedTuple

import numpy as np

from aevb.errors import UserError
from aevb.figures.common.learning_curves import Curve, convention, provenances

__all__ = ["CONSTANT_DECODER", "RULE", "Candidate", "Selection", "rows", "select"]

RULE = (
    "Of the learning rates run, the one with the highest training bound (mean over the seeds common to all that learned anything) at "
    "{at:,} samples, or at the last mark before it that all have, is selected; the test set is not looked at"
)

CONSTANT_DECODER = {"mnist": -206.29, "frey_face": 578.62}
"""Training bound, nats, of the best decoder that ignores z: the mean image (grey or dynamic MNIST, /255), one diagonal Gaussian
(Frey Face, /256). A run below it has learned nothing, or has lost it again."""


class Candidate(NamedTuple):
    """A learning rate. train_bound: what was compared. remark: "", or what is wrong with its end."""

    lr: float | None
    curves: list[Curve]
    train_bound: float
    verdict: Literal["selected", "rejected"]
    remark: str


class Selection(NamedTuple):
    """at: samples_seen of the comparison. candidates: by learning_rate."""

    at: int
    candidates: list[Candidate]

    @property
    def chosen(self) -> Candidate:
        """The learning rate that figures show."""
        return next(candidate for candidate in self.candidates if candidate.verdict == "selected")


def select(curves: list[Curve], select_at: int) -> Selection:
    """Chooses among runs of one data set, latent dimension and recipe.

    select_at: samples_seen at which training bounds are compared; where not all runs have a row there, the last one before it
    that all of them have.
    """
    at = _last_common(curves, select_at)
    learning_rates: dict[float | None, list[Curve]] = {}
    for item in sorted(curves, key=lambda item: (item.lr is not None, item.lr or 0.0, item.seed)):
        learning_rates.setdefault(item.lr, []).append(item)
    learned = {
        lr: group for lr, group in learning_rates.items() if any(not _failure(item, at) for item in group)
    } or learning_rates
    common = set.intersection(*({item.seed for item in group} for group in learned.values()))
    scores = {lr: _score(group, common, at) for lr, group in learning_rates.items()}
    best = max(learned, key=lambda lr: scores[lr] if np.isfinite(scores[lr]) else -np.inf)
    return Selection(
        at,
        [
            Candidate(lr, group, scores[lr], "selected" if lr == best else "rejected", _remark(group))
            for lr, group in learning_rates.items()
        ],
    )


def _last_common(curves: list[Curve], select_at: int) -> int:
    common = set.intersection(*(set(item.samples_seen.tolist()) for item in curves))
    if not common:
        names = ", ".join(item.run.name for item in curves)
        raise UserError(
            f"runs {names}: their learning rates cannot be compared, metrics.csv has no samples_seen that all of them have; "
            "try: train them again with the same batch_size"
        )
    return max((place for place in common if place <= select_at), default=min(common))


def _score(group: list[Curve], common: set[int], at: int) -> float:
    known = [item for item in group if item.seed in common] or group
    return float(np.mean([item.at("train", at) for item in known]))


def _failure(item: Curve, at: int) -> str:
    """What says that a run has learned nothing, or has lost it again, in its row at `at`: "" for most."""
    row = item.row(at)
    assert row is not None
    train, test = (float(item.bound[split][row]) for split in ("train", "test"))
    if not np.isfinite(train) or (row > 0 and train < item.bound["train"][0]):
        return "diverged: {end}, below where it began"
    constant = CONSTANT_DECODER.get(item.data)
    if constant is not None and max(train, test) < constant:
        return f"stuck or diverged: {{end}}, below a decoder that ignores z ({constant:.1f})"
    return ""


def _remark(group: list[Curve]) -> str:
    for item in group:
        if failure := _failure(item, item.last):
            train, test = item.at("train", item.last), item.at("test", item.last)
            return failure.format(end=f"seed {item.seed} ends at train {train:.4g}, test {test:.4g} nats")
    return ""


def rows(selection: Selection) -> list[dict[str, object]]:
    """The selection as a table, one row a learning_rate."""
    return [
        {
            "data": item.curves[0].data,
            "latent_dim": item.curves[0].latent_dim,
            "objective": item.curves[0].objective,
            "targets": convention(item.curves[0].run),
            "lr": item.lr,
            "verdict": item.verdict,
            "compared_at": selection.at,
            "train_bound": item.train_bound,
            "seeds": len(item.curves),
            "last_samples_seen": max(curve.last for curve in item.curves),
            "last_train_bound": float(np.mean([curve.bound["train"][-1] for curve in item.curves])),
            "last_test_bound": float(np.mean([curve.bound["test"][-1] for curve in item.curves])),
            "remark": item.remark,
            **provenances(item.curves),
        }
        for item in selection.candidates
    ]
