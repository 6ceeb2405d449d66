"""Frey Face from 1e7 to 1e8 training samples beside the paper: a table of docs/frey-face-gap and the sentences below it."""

from sitegen.markdown import bullets, table
from sitegen.result_numbers import measured, paper_bound, span
from sitegen.result_tables import plain
from sitegen.results import points

__all__ = ["frey_long", "frey_long_text"]

RUNS = {latent_dim: f"frey_face-sgvb_b-adagrad-z{latent_dim}-s0" for latent_dim in (2, 5, 10, 20)}
"""latent_dim -> the run to 1e8 samples."""

WAKE_SLEEP = {latent_dim: f"frey_face-wake_sleep-adagrad-z{latent_dim}-s0" for latent_dim in (2, 5, 10, 20)}
"""The same for wake-sleep."""

AGAIN = "-ba46ca"
"""Ending of the names of runs with the same config and seed that another version of the code trained, to 1e7 samples."""

POINTS = (1e7, 3e7, 1e8)


def _cells(latent_dim: int, samples: float) -> list[float]:
    """Return ours, the paper's and the difference, of the test bound and of the training bound, nats."""
    row, cells = measured(RUNS[latent_dim], samples), []
    for split in ("test", "train"):
        bound, paper = row[f"{split}_bound"], paper_bound("frey_face", latent_dim, samples, split=split)
        cells += [bound, paper, bound - paper]
    return cells


def _highest(run: str) -> tuple[float, float]:
    """Return the highest test bound of a run, nats, and the training samples at that point."""
    return max((row["test_bound"], row["samples_seen"]) for row in points(run))


def frey_long() -> str:
    """Return both bounds of AEVB, nats, a line for each latent_dim and evaluation point."""
    lines = [
        (
            str(latent_dim),
            f"{samples:.0e}".replace("e+0", "e"),
            *(plain(cell, 1) for cell in _cells(latent_dim, samples)),
        )
        for latent_dim in RUNS
        for samples in POINTS
    ]
    names = (
        "latent_dim",
        "at",
        "test bound",
        "the paper's",
        "difference",
        "training bound",
        "the paper's",
        "difference",
    )
    return table(names, lines, "rrrrrrrr")


def frey_long_text() -> str:
    """Return what the table shows."""
    ends = {latent_dim: _cells(latent_dim, POINTS[-1]) for latent_dim in RUNS}
    peaks = {latent_dim: _highest(run) for latent_dim, run in RUNS.items()}
    lead = {latent_dim: cells[5] for latent_dim, cells in ends.items()}
    fall = {latent_dim: peaks[latent_dim][0] - cells[0] for latent_dim, cells in ends.items()}
    excess, of_paper = ([cells[i] - cells[j] for cells in ends.values()] for i, j in ((3, 0), (4, 1)))
    past = [latent_dim for latent_dim in RUNS if fall[latent_dim] > 0]
    each = ", ".join(f"{fall[j]:.1f} nats with {j} (from {peaks[j][1]:.0e} samples)".replace("e+0", "e") for j in past)
    rising = ", ".join(str(latent_dim) for latent_dim in RUNS if latent_dim not in past)
    return bullets(
        f"""**At 1e8 samples the training bound is {plain(min(lead.values()), 0)} to {plain(max(lead.values()), 0)} nats above the
        paper's, the test bound {plain(min(c[2] for c in ends.values()), 0)} to {plain(max(c[2] for c in ends.values()), 0)}.** The
        training bound exceeds the test bound by {span(excess, 0)} nats in ours and by {span(of_paper, 0)} in the paper's.""",
        f"""**Our test bound has passed its highest point with latent_dim {", ".join(map(str, past))}**: it has fallen by {each}.
        {f"With {rising} it is highest at the end. " if rising else ""}One seed.""",
        f"""**The same config and seed, trained by another version of the code, is {span(_again(1e6))} nats away at 1e6 samples and
        {span(_again(1e7))} at 1e7.** Between settings with one seed each, differences of this size say nothing.""",
        *(_wake_sleep(latent_dim, run) for latent_dim, run in WAKE_SLEEP.items()),
    )


def _again(samples: float) -> list[float]:
    pairs = [(measured(run, samples), measured(run + AGAIN, samples)) for run in RUNS.values()]
    return [one["test_bound"] - other["test_bound"] for one, other in pairs]


def _wake_sleep(latent_dim: int, run: str) -> str:
    bounds = [measured(run, samples)["test_bound"] for samples in POINTS]
    papers = [paper_bound("frey_face", latent_dim, samples, "wake-sleep") for samples in POINTS]
    below = measured(RUNS[latent_dim], POINTS[-1])["test_bound"] - bounds[-1]
    highest, at = _highest(run)
    course = "still rising" if at == POINTS[-1] else f"{highest - bounds[-1]:.1f} nats below its highest point"
    return f"""**Wake-sleep with latent_dim {latent_dim} stays on no plateau**: its test bound is {", ".join(plain(one, 1) for one in bounds)}
        nats at 1e7, 3e7 and 1e8 samples, the paper's {span(papers, 0)}. At 1e8 it is {course}, and {below:.0f} nats below AEVB's.
        One seed."""
