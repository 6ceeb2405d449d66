"""The experiments of collapse, importance weighting and the EM view train; their figures tell what is in the runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from aevb import runs
from aevb.config import fingerprint
from aevb.data.binarisation import convention
from aevb.figures.studies.collapse import Collapse, variant
from aevb.figures.studies.em_view import EMView
from aevb.models.autoregressive import AutoregressiveDecoder
from aevb.training import train_run
from helpers.commands import settings

pytestmark = pytest.mark.slow

SMALL = ("data=digits", "data.targets=threshold", "data.n_train=100", "batch_size=50", "hidden_dim=5", "logger=none")
SMALL += (
    "evaluation.num_images=10",
    "evaluation.final_images=10",
    "evaluation.start=1",
    "trainer.block=1",
    "max_samples=100",
)
CASES: dict[str, tuple[str, ...]] = {
    "collapse": ("objective=lagging", "objective.inner_steps=3"),
    "collapse-free-bits": ("objective=beta_vae", "objective.free_bits=0.1", "objective.beta=1"),
    "iwae": ("objective=dreg", "objective.samples=2", "latent_dim=3", "evaluator.importance.samples=5"),
    "em_view": ("evaluation.every=50",),
    "em_view-em": ("evaluation.every=50", "objective=variational_em", "evaluator=[quadrature,fitted_bound]"),
}
COARSE = ("evaluator.quadrature.tolerance=10", "evaluator.quadrature.levels=2")


def train_small(folder: Path, case: str) -> runs.Run:
    """Trains in this process."""
    experiment = case.partition("-")[0]
    extra = COARSE if experiment == "em_view" else ()
    overrides = (f"experiment={experiment}", *SMALL, *CASES[case], *extra)
    config = settings(*overrides, f"name={case}")
    objective = next((text.partition("=")[2] for text in overrides if text.startswith("objective=")), "sgvb_b")
    config["choices"] = {"data": "digits", "objective": objective}
    runs.prepare(folder / case, config)
    train_run.run(folder / case)
    return runs.Run(folder / case)


@pytest.fixture(scope="module")
def finished_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, runs.Run]:
    folder = tmp_path_factory.mktemp("runs")
    return {case: train_small(folder, case) for case in CASES}


@pytest.mark.parametrize("case", CASES)
def test_two_minibatches_of_every_experiment(case: str, finished_runs: dict[str, runs.Run]) -> None:
    run = finished_runs[case]
    assert run.done["samples_seen"] == 100
    assert all(np.isfinite(value["mean"]) for value in run.done["test"].values())


def test_lagging_comes_out_of_a_checkpoint_as_it_went_in(finished_runs: dict[str, runs.Run]) -> None:
    """Two rounds of an inner loop and a step of theta; an epoch is 100 samples, at whose end I_q was looked at."""
    state = torch.load(finished_runs["collapse"].directory / "checkpoints" / "last.ckpt", weights_only=True)[
        "state_dict"
    ]
    assert state["objective.seen"] == 100
    assert state["objective.presented"] == 100 + 2 * 3 * 50
    assert state["objective.highest"].isfinite()
    metrics = finished_runs["collapse"].metrics()
    assert metrics["train_presented"][-1] == 400
    assert {"test_information_active_units", "train_aggressive"} <= metrics.keys()


def test_evaluation_points_are_no_part_of_the_fingerprint(finished_runs: dict[str, runs.Run]) -> None:
    assert finished_runs["em_view"].metrics()["samples_seen"].tolist() == [50, 100]
    other = {**finished_runs["em_view"].settings}
    other["evaluation"] = {**other["evaluation"], "every": 7}
    assert fingerprint(other) == finished_runs["em_view"].fingerprint


def metrics_of(run: runs.Run, **columns: list[float]) -> None:
    """Writes other numbers into a run."""
    names = ("samples_seen", *columns)
    lines = [",".join(map(str, row)) for row in zip((50, 100), *columns.values(), strict=True)]
    (run.directory / "metrics.csv").write_text("\n".join([",".join(names), *lines]) + "\n")


def test_the_figures_tell_what_is_in_the_runs(finished_runs: dict[str, runs.Run], tmp_path: Path) -> None:
    """Drawn from the real columns first, then from planted ones whose verdicts are known."""
    folder = finished_runs["collapse"].directory.parent
    for figure in (Collapse(), EMView()):
        assert {path.suffix for path in figure.draw(folder, tmp_path)} == {".pdf", ".png", ".csv", ".md"}
    kl = {"test_information_kl": [1.0, 0.05], "test_information_mutual_information": [0.5, 0.01]}
    metrics_of(
        finished_runs["collapse"], **kl, test_information_active_units=[2, 1], test_information_bound=[-9.0, -8.0]
    )
    metrics_of(
        finished_runs["collapse-free-bits"],
        **kl,
        test_information_active_units=[2, 0],
        test_information_bound=[-9.0, -7.0],
    )
    text = Collapse().compose([finished_runs["collapse"], finished_runs["collapse-free-bits"]], ()).text or ""
    lagging, free_bits = (
        next(line for line in text.splitlines() if word in line) for word in ("| lagging", "| free bits")
    )
    assert "| 0 of 1 | 0.050 [0.050, 0.050] |" in lagging
    assert "| 1 of 1 | 0.050 [0.050, 0.050] |" in free_bits
    metrics_of(finished_runs["em_view"], train_quadrature_log_px=[-10.0, -12.5], train_information_bound=[-14.0, -13.0])
    drawing = EMView().compose([finished_runs["em_view"]], ())
    assert [(row["gap"], row["falls"]) for row in drawing.rows] == [(4.0, False), (0.5, True)]
    assert "| AEVB | 1 | 1 | 2.50 | -12.50 | -13.00 | 0.50 | 100 |" in (drawing.text or "")


@pytest.mark.parametrize(
    ("objective", "label"),
    [
        ({"beta": 0.5, "warm_up": 2000}, "β = 0.5, warm-up of 2,000 samples"),
        ({"beta": 1.0, "free_bits": 0.1}, "free bits, 0.1 nat a unit"),
        ({"beta": 1.0}, "β-VAE"),
    ],
)
def test_a_cure_is_called_by_what_it_does(objective: dict[str, Any], label: str) -> None:
    assert variant({"objective": objective, "choices": {"objective": "beta_vae"}}) == label


def test_an_autoregressive_decoder_gives_a_log_mass() -> None:
    assert convention("threshold", 255).meaning(AutoregressiveDecoder.likelihood).startswith("log-mass")
