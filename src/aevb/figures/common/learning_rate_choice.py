"""The choice of the learning rate that a figure shows.

The paper (section 5): the global learning rates of Adagrad "were chosen from {0.01, 0.02, 0.1} based
on performance on the training set in the first few iterations". Accordingly, of the runs that differ in
the learning rate and the seed alone, the learning rate with the highest TRAINING bound at a fixed
samples_seen is selected. The test set is not used. The mean is taken over the seeds that all learning
rates have in common; where there is no common seed, over all seeds of a learning rate. A learning rate
at which no seed has learned anything by then is never preferred to one that has, and it does not
restrict the common seeds, because a diverged run is seldom repeated with further seeds.
"""

from typing import Literal, NamedTuple

import numpy as np

from aevb.errors import UserError
from aevb.figures.common.learning_curves import Curve
from aevb.figures.common.origin import convention, provenances

__all__ = ["CONSTANT_DECODER", "RULE", "Candidate", "Selection", "rows", "select"]

RULE = (
    "Of the learning rates run, the one with the highest training bound (mean over the seeds common to all that learned anything) at "
    "{at:,} samples, or at the last evaluation point before it that all runs have, is selected; the test set is not used"
)

CONSTANT_DECODER = {"mnist": -206.29, "frey_face": 578.62}
"""The training bound of the best decoder that ignores z, nats per image.

It is the mean image for grey or dynamically binarised MNIST (/255), and one diagonal Gaussian for
Frey Face (/256). A run below it has learned nothing, or has lost what it had learned.
"""


class Candidate(NamedTuple):
    """One learning rate of the comparison.

    Attributes:
        lr: The learning rate; None if the optimizer has none.
        curves: The runs at this learning rate.
        train_bound: The training bound that is compared, nats per datapoint.
        verdict: Whether the learning rate is selected.
        remark: What went wrong by the end of a run; empty if nothing did.
    """

    lr: float | None
    curves: list[Curve]
    train_bound: float
    verdict: Literal["selected", "rejected"]
    remark: str


class Selection(NamedTuple):
    """The outcome of the comparison.

    Attributes:
        at: The samples_seen at which the training bounds are compared; the end of the longest run where a single
            learning rate has runs without a common evaluation point.
        candidates: One candidate per learning rate, in increasing order.
    """

    at: int
    candidates: list[Candidate]

    @property
    def chosen(self) -> Candidate:
        """The learning rate that figures show."""
        return next(candidate for candidate in self.candidates if candidate.verdict == "selected")


def select(curves: list[Curve], select_at: int) -> Selection:
    """Select the learning rate among runs of one data set, latent_dim and config key.

    Args:
        curves: The curves of the runs.
        select_at: The samples_seen at which the training bounds are compared. If not all runs have an
            evaluation point there, it is the last common one before it.

    Returns:
        The selection.

    Raises:
        UserError: If runs of several learning rates have no evaluation point in common.
    """
    learning_rates: dict[float | None, list[Curve]] = {}
    for item in sorted(curves, key=lambda item: (item.lr is not None, item.lr or 0.0, item.seed)):
        learning_rates.setdefault(item.lr, []).append(item)
    common_points = set.intersection(*(set(item.samples_seen.tolist()) for item in curves))
    if not common_points and len(learning_rates) == 1:
        return _only(*learning_rates.popitem())
    at = _last_common(curves, common_points, select_at)
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


def _only(lr: float | None, group: list[Curve]) -> Selection:
    # Nothing is compared, so the runs need no evaluation point in common.
    end = max(item.last for item in group)
    train_bound = float(np.mean([item.at("train", end) for item in group if item.row(end) is not None]))
    return Selection(end, [Candidate(lr, group, train_bound, "selected", _remark(group))])


def _last_common(curves: list[Curve], common: set[int], select_at: int) -> int:
    if not common:
        names = ", ".join(item.run.name for item in curves)
        raise UserError(
            f"runs {names}: their learning rates cannot be compared, metrics.csv has no samples_seen that all of them have; "
            "try: runs=... with runs of one max_samples and one batch_size"
        )
    return max((point for point in common if point <= select_at), default=min(common))


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
    """Format a selection as a table.

    Args:
        selection: The selection.

    Returns:
        One row per learning rate.
    """
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
            "last_samples_seen": last[0].last,
            "last_seeds": len(last),
            "last_train_bound": float(np.mean([curve.bound["train"][-1] for curve in last])),
            "last_test_bound": float(np.mean([curve.bound["test"][-1] for curve in last])),
            "remark": item.remark,
            **provenances(item.curves),
        }
        for item, last in ((item, _longest(item.curves)) for item in selection.candidates)
    ]


def _longest(curves: list[Curve]) -> list[Curve]:
    # The mean of curves that end at different samples would be of no point.
    last = max(curve.last for curve in curves)
    return [curve for curve in curves if curve.last == last]
