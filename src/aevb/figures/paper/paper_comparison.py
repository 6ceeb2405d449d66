"""Our lower bounds against the paper's at fixed samples_seen, with statistics over seeds.

A difference is ours minus the paper's, nats per datapoint, at the same samples_seen; ours is the mean over
the seeds that have an evaluation point there. A bound matches at a tolerance T if

    |difference| <= T + digitisation error,

it is better above, worse below. The digitisation error is 0.05 nat (MNIST) or 0.5 nat (Frey Face). T is the
same for every panel: seeds that differ much do not widen it. The verdict is at T = 1 nat, because the paper
says of its own curves that the "estimator variance was small (< 1)"; 0.5 and 2 nats are counted too.

Beside the verdict stand two statements about the seeds, which need at least two of them: whether the
paper's value lies between the lowest and the highest seed, and whether it lies in the 95 % prediction
interval of one further seed (see `aevb.figures.paper.seed_statistics`). The paper ran one seed, so its
value is compared with what one more run of the same method may give, and not with the mean: the t interval
of the mean over five seeds leaves out 32 % of such runs, and that over three seeds 16 %.

Runs with targets that are not grey levels are compared too, but not counted: the paper's targets are grey levels.
"""

import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from aevb.data.target_convention import TargetConvention
from aevb.figures.common.learning_curves import Curve
from aevb.figures.common.learning_rate_choice import Candidate
from aevb.figures.common.method_lines import Line
from aevb.figures.common.origin import convention, provenances
from aevb.figures.common.style import method
from aevb.figures.paper import published
from aevb.figures.paper.seed_statistics import seed_statistics
from aevb.runs.run import Run

__all__ = [
    "DIGITISATION",
    "TOLERANCE",
    "TOLERANCES",
    "VERDICTS",
    "candidate_mean",
    "compare",
    "has_targets_of_the_paper",
    "judge",
]

Verdict = Literal["matches", "better", "worse"]

VERDICTS: tuple[Verdict, ...] = ("matches", "better", "worse")
DIGITISATION = {"mnist": 0.05, "frey_face": 0.5}
"""The error of the published curves as they were read from the figure, nats."""
TOLERANCES = (0.5, 1.0, 2.0)
"""The tolerances of the counts, nats, before the digitisation error is added."""
TOLERANCE = 1.0
"""The tolerance of the verdict, nats: the paper's own word on its curves."""


def judge(difference: float, data: str, tolerance: float = TOLERANCE) -> Verdict:
    """Judge a difference to the paper.

    Args:
        difference: Ours minus the paper's, nats per datapoint.
        data: The name of the data set, which gives the digitisation error.
        tolerance: The tolerance, nats.

    Returns:
        "matches", "better" or "worse".
    """
    if abs(difference) <= tolerance + DIGITISATION[data]:
        return "matches"
    return "better" if difference > 0 else "worse"


def compare(line: Line, lines: list[Line], at: list[int]) -> Iterator[dict[str, Any]]:
    """Compare one method of one panel with the paper.

    Args:
        line: The line to compare.
        lines: All lines of the panel, which are searched for other runs near the paper's curve.
        at: The samples_seen to compare at.

    Yields:
        One row per split and samples_seen at which both have a value.
    """
    data, latent_dim = line.curves[0].data, line.curves[0].latent_dim
    for split in ("test", "train"):
        paper = published.figure2().get((data, latent_dim, method(line.objective).published or "", split))
        if paper is None:
            continue
        for samples_seen in at:
            bounds = [(item, item.at(split, samples_seen)) for item in line.curves if item.last >= samples_seen]
            reached = [item for item, bound in bounds if math.isfinite(bound)]
            expected = paper.at(samples_seen)
            if not reached or math.isnan(expected):
                continue
            values = sorted((item.seed, bound) for item, bound in bounds if math.isfinite(bound))
            seeds = seed_statistics([bound for _, bound in values])  # some may differ in model.seed alone
            difference = seeds.mean - expected
            verdict = judge(difference, data)
            yield {
                "data": data,
                "latent_dim": latent_dim,
                "method": line.label,
                "targets": convention(reached[0].run),
                "counted": has_targets_of_the_paper(reached[0].run),
                "lr": line.selection.chosen.lr,
                "split": split,
                "samples_seen": samples_seen,
                "seeds": seeds.n,
                "ours": seeds.mean,
                "paper": expected,
                "difference": difference,
                "standard_error": _standard_error(reached) if split == "test" else float("nan"),
                "deviation": seeds.deviation,
                "lowest": seeds.lowest,
                "highest": seeds.highest,
                "interval": seeds.half_width,
                "paper_within_seeds": seeds.lowest <= expected <= seeds.highest if seeds.n > 1 else None,
                "paper_within_prediction": abs(difference) <= seeds.prediction_half_width if seeds.n > 1 else None,
                **{f"verdict_{tolerance:g}": judge(difference, data, tolerance) for tolerance in TOLERANCES},
                "verdict": verdict,
                "why": "" if verdict == "matches" else _why(line, lines, split, samples_seen, expected),
                "seed_values": "; ".join(f"{seed}: {value:.2f}" for seed, value in values),
                **provenances(reached),
            }


def candidate_mean(candidate: Candidate, samples_seen: int, split: str = "test") -> float:
    """Compute the mean bound over the seeds of one learning rate.

    Args:
        candidate: The learning rate.
        samples_seen: The evaluation point.
        split: "train" or "test".

    Returns:
        The mean, nats per datapoint; nan if no seed has the evaluation point.
    """
    reached = [item.at(split, samples_seen) for item in candidate.curves if item.row(samples_seen) is not None]
    return float(np.mean(reached)) if reached else float("nan")


def has_targets_of_the_paper(run: Run) -> bool:
    """Return whether the targets of a run are grey levels: the bound of binary images is that of another quantity.

    Args:
        run: A finished run.
    """
    targets = TargetConvention.of_run(run.done)
    return targets is None or targets.kind == "grey"


def _why(line: Line, lines: list[Line], split: str, samples_seen: int, paper: float) -> str:
    """Other runs of the same method that lie near the paper's curve at this evaluation point."""
    data = line.curves[0].data
    lucky = [item.seed for item in line.curves if judge(item.at(split, samples_seen) - paper, data) == "matches"]
    reasons = []
    if lucky:
        several = len(lucky) > 1
        names = ", ".join(map(str, lucky))
        reasons.append(f"seeds {names} alone match" if several else f"seed {names} alone matches")
    for other in (other for other in lines if method(other.objective).published == method(line.objective).published):
        for candidate in other.selection.candidates:
            drawn = other is line and candidate is line.selection.chosen
            if not drawn and judge(candidate_mean(candidate, samples_seen, split) - paper, data) == "matches":
                name = "" if other is line else f"{other.label}, "
                seeds = sum(item.row(samples_seen) is not None for item in candidate.curves)
                reasons.append(f"{name}learning rate {candidate.lr:g} matches ({seeds} seed{'s' * (seeds > 1)})")
    return "; ".join(reasons)


def _standard_error(curves: list[Curve]) -> float:
    errors = [item.run.done.get("test", {}).get("bound", {}).get("standard_error", np.nan) for item in curves]
    return float(np.mean(errors))
