"""The sentences of docs/results/README.md that have numbers in them."""

import json
import math

from sitegen.markdown import bullets, wrapped
from sitegen.repository import REPOSITORY
from sitegen.result_numbers import difference, measured, paper_bound, seed_spread, span, within
from sitegen.result_tables import plain, signed
from sitegen.results import at_one_rate, rows

__all__ = ["figure2_text", "one_model_text", "unexplained_text"]

DIMENSIONS = (5, 10, 20, 200)
"""latent_dim of the panels of MNIST whose curves end near the paper's."""


def _known(*values: float | None) -> list[float]:
    return [value for value in values if value is not None]


def _check_order() -> None:
    bounds = {
        (row["data"], row["latent_dim"], row["samples_seen"], row["method"]): row
        for row in rows("verdict.csv")
        if row["split"] == "test"
    }
    for (data, latent_dim, samples, name), row in bounds.items():
        below = bounds.get((data, latent_dim, samples, "wake-sleep")) if name == "AEVB" else None
        if below and any(float(row[source]) <= float(below[source]) for source in ("ours", "paper")):
            raise ValueError(
                f"{data}, latent_dim {latent_dim}: AEVB does not lie above wake-sleep at {samples}; "
                "write the sentence anew in docs/sitegen/result_text.py"
            )


def _lead(latent_dim: int) -> float:
    # The training bound of AEVB on MNIST at 0.02 minus that at 0.01, nats, mean over the seeds that select.
    suffixes = ("-54d0f6", "")
    bounds = [
        [measured(f"mnist-sgvb_b-adagrad-z{latent_dim}-s{seed}{suffix}", 1e6)["train_bound"] for seed in range(3)]
        for suffix in suffixes
    ]
    return sum(bounds[0]) / 3 - sum(bounds[1]) / 3


def figure2_text() -> str:
    """Return what is seen in Figure 2."""
    near = _known(*(difference("mnist", latent_dim, "0.01", 1e7) for latent_dim in DIMENSIONS))
    closest = _known(*(difference("mnist", 20, "0.01", samples) for samples in (1e6, 3e6, 1e7)))
    long = _known(*(difference("mnist", latent_dim, "0.01", 1e8) for latent_dim in DIMENSIONS))
    three = {
        samples: _known(*(difference("mnist", 3, lr, samples) for lr in ("0.01", "0.02"))) for samples in (1e7, 1e8)
    }
    failed = "mnist-wake_sleep-adagrad-z200-s0"
    seeds = [
        measured(f"mnist-wake_sleep-adagrad-z3-s{seed}-54d0f6", 1e6)["test_bound"]
        - paper_bound("mnist", 3, 1e6, "wake-sleep")
        for seed in (1, 2)
    ]
    follows = _known(*(difference("mnist", 3, "0.02", samples, "wake-sleep") for samples in (3e6, 1e7)))
    caught = _known(*(difference("mnist", 200, "0.02", samples, "wake-sleep") for samples in (1e6, 1e7)))
    counts = [float(at_one_rate("mnist", latent_dim, "0.01", method="wake-sleep").seeds) for latent_dim in (5, 10, 20)]
    behind = _known(*(difference("mnist", latent_dim, "0.01", 1e7, "wake-sleep") for latent_dim in (5, 10, 20)))
    frey = _known(*(difference("frey_face", 2, "0.01", samples) for samples in (1e6, 3e6, 1e7, 1e8)))
    frey_ends = _known(*(difference("frey_face", latent_dim, "0.01", 1e8) for latent_dim in (5, 10, 20)))
    plateau = paper_bound("frey_face", 2, 1e7, "wake-sleep")
    _check_order()
    return bullets(
        "**AEVB lies above wake-sleep on every panel**, as in the paper.",
        f"""**MNIST, AEVB.** With latent_dim 5, 10, 20 and 200 the curves are within {within(near)} nats of the paper's at learning
        rate 0.01 and 1e7 samples, and within {within(long)} at 1e8, where 5 and 10 go. With latent_dim 20 ours is within
        {within(closest)} nat at 1e6, 3e6 and 1e7. With latent_dim 3 ours is {span(three[1e7])} nats below at 1e7 and
        {span(three[1e8])} at 1e8 (learning rates 0.01 and 0.02).""",
        f"""**The seeds hardly tell the learning rates of AEVB apart.** With latent_dim 200, 0.02 is selected by a lead of
        {abs(_lead(200)):.2f} nat of the training bound over three seeds. At 1e7 ours is then
        {signed(difference("mnist", 200, "0.02", 1e7) or math.nan)} from the paper; at 0.01 it is
        {signed(difference("mnist", 200, "0.01", 1e7) or math.nan)}. [Verdict](verdict.md#limitations) has the count.""",
        f"""**MNIST, wake-sleep, depends on the learning rate.** With latent_dim 200 it fails at 0.01, where the KL term grows to
        {measured(failed, 3e6)["test_kl"]:.0f} nats and the bound falls after 1e6 samples; at 0.02 it is {abs(caught[0]):.1f} nats
        behind the paper at 1e6 and {abs(caught[1]):.1f} at 1e7. With latent_dim 3 one seed at 0.02 lies within
        {within(follows)} nat of it from 3e6 samples on; the two
        others lie {abs(seeds[0]):.0f} and {abs(seeds[1]):.0f} nats below the paper's at 1e6, where they end. With latent_dim
        5, 10 and 20 ours is {span(behind)} nats behind at 1e7, with {span(counts, 0)} seed.""",
        f"""**Frey Face, AEVB, is ahead early**: with latent_dim 2 ours is {frey[0]:.0f} nats above the paper at 1e6,
        {frey[1]:.0f} at 3e6 and {frey[2]:.0f} at 1e7. At 1e8 it is {frey[3]:.0f} above with 2, and {span(frey_ends, 0)} below with
        5, 10 and 20, where ours [overfits more](../frey-face-gap/README.md#from-1e7-to-1e8-samples). One seed beyond 1e6.""",
        f"""**Frey Face, wake-sleep.** The paper has a constant decoder for every latent_dim to the end, at {plateau:.1f} nats.
        At 0.01 ours leaves this plateau early and ends far above. At 0.02 it stays there for as long as it was trained with
        latent_dim 2 and 10.""",
        f"""**One seed says little early in training.** At 1e6 samples the test bounds of the seeds differ by
        {span(seed_spread("0.02"))} nats at learning rate 0.02, and by {span(seed_spread("0.01"))} at 0.01 (AEVB, MNIST, three or five
        seeds).""",
    )


def one_model_text() -> str:
    """Return the bound and log p(x) of one long run."""
    run = "mnist-sgvb_b-adagrad-z20-s0"
    (row,) = rows("one_model.csv")
    bound, log_px = (
        f"{plain(float(row[f'test_{name}']), 3)} ± {float(row[f'test_{name}_standard_error']):.3f}"
        for name in ("bound", "log_px")
    )
    path = REPOSITORY / "results" / "runs" / run / "evaluation" / "importance-test-k50.json"
    fifty = json.loads(path.read_text(encoding="utf-8"))["mean"]
    off = abs(measured(run, 1e7)["test_bound"] - float(row["test_bound"]))
    if off > 1e-4:
        raise ValueError(f"{run}: its bound is {off} nats from that of one_model.csv, so this is another model")
    return wrapped(
        f"latent_dim 20 at learning rate 0.01 after 1e7 samples, all 10,000 test images: bound {bound}, **log p(x) ≥ {log_px}** "
        f"with K = {row['importance_samples']}. The targets are grey, so this bounds E_b log p(b). At K = 50 the committed run of the same "
        f"config, which differs from this one in rounding, gives {plain(fifty)}: the estimate still rises with K, so the true value lies higher."
    )


def _effect_of_the_prior() -> float:
    # The largest change of a run's test bound when the MAP prior is left out, latent_dim 3, nats.
    runs = [row for row in rows("runs.csv", "figure2-gap") if row["weight_prior"] == "0"]
    changes = []
    for row in runs:
        with_prior = measured(f"mnist-sgvb_b-adagrad-z3-s{row['seed']}{'-54d0f6' * (row['lr'] == '0.02')}", 1e6)
        changes.append(abs(float(row["test_bound"]) - with_prior["test_bound"]))
    return max(changes)


def _three_dimensions() -> str:
    gaps = {
        samples: [
            measured(f"mnist-sgvb_b-adagrad-z3-s{seed}-54d0f6", samples)["test_bound"]
            - paper_bound("mnist", 3, samples)
            for seed in range(5)
        ]
        for samples in (1e6, 3e6, 1e7)
    }
    within = [samples for samples, values in gaps.items() if min(values) < 0 < max(values)]
    if within != [1e6, 3e6] or max(gaps[1e7]) > 0:
        raise ValueError(
            "latent_dim 3: the seeds at 0.02 no longer lie around the paper's curve at 1e6 and 3e6, and below at 1e7"
        )
    return f"""**latent_dim 3.** At learning rate 0.02 the paper's curve lies within the range of the seeds at 1e6 and at 3e6
        samples. At 1e7 all of them lie below it, by {span(gaps[1e7])} nats. From there to 1e8 the
        encoder [falls behind on test images](../figure2-gap/README.md#from-1e7-to-1e8-samples)."""


def unexplained_text() -> str:
    """Return what is not explained."""
    train, excess, excess_of_paper = list[float](), list[float](), list[float]()
    for latent_dim in DIMENSIONS:
        last = measured(f"mnist-sgvb_b-adagrad-z{latent_dim}-s0", 1e7)
        published = {split: paper_bound("mnist", latent_dim, 1e7, split=split) for split in ("test", "train")}
        train.append(last["train_bound"] - published["train"])
        excess.append(last["train_bound"] - last["test_bound"])
        excess_of_paper.append(published["train"] - published["test"])
    smaller = _known(*(difference("frey_face", latent_dim, "0.005", 1e6) for latent_dim in (2, 5, 10, 20)))
    methods = ("AEVB, data.targets=dynamic", "AEVB")
    binary, grey = _known(*(difference("mnist", 20, "0.01", 1e7, method) for method in methods))
    return bullets(
        _three_dimensions(),
        f"""**The paper's training bounds.** With latent_dim 5 to 200 and learning rate 0.01 our training bounds (seed 0) lie
        {span(train)} nats below the paper's at 1e7. The paper's training bound exceeds its test bound by {span(excess_of_paper)} nats
        there; ours differs from its test bound by {signed(min(excess), 1)} to {signed(max(excess), 1)}.
        The [hypotheses that were tried](../training-curves/README.md) leave it open: the paper overfits earlier.""",
        f"""**Frey Face.** The paper's curves start as ours do with minibatches of 500, not of the 100 that it
        states ([by experiment](../frey-face-gap/README.md)). With 100 a learning rate of 0.005, half the smallest that the
        paper names, comes nearer on every panel ({", ".join(signed(value, 1) for value in smaller)} nats at 1e6 with
        latent_dim 2, 5, 10 and 20, one seed). With 500 and 0.02 wake-sleep with
        latent_dim 20 stays on the plateau to 3e6 samples; what keeps the paper's there to 1e8 is open.""",
        f"""**What the paper ran.** Its learning rate in each panel is not stated. The [start of its training
        curves](../training-curves/README.md#where-the-papers-curves-start) says 0.01 for wake-sleep on MNIST, and minibatches of
        100 there. The MAP prior does not explain the difference
        with latent_dim 3: without it (`objective.weight_prior=0`) the bound at 1e6 is [the same](../figure2-gap/README.md)
        to {_effect_of_the_prior():.2f} nat, seed by seed. Binarisation does not either:
        with latent_dim 20 and binary targets ours is {signed(binary)} nats from the paper at 1e7, with grey targets
        {signed(grey)}.""",
    )
