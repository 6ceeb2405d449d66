"""The table and picture of all estimators: numbers of planted evaluations, paired by image."""

import math

import pytest
import torch

from aevb.evaluators.ais import AIS
from aevb.evaluators.bdmc import BDMC
from aevb.evaluators.bound import Bound
from aevb.evaluators.evaluator import Evaluation
from aevb.evaluators.importance import Importance
from aevb.evaluators.quadrature import Quadrature
from aevb.evaluators.reciprocal import Reciprocal
from aevb.evaluators.record import record
from aevb.figures.studies.likelihood import GREY, Likelihood
from aevb.runs.run import Run
from helpers.figure_runs import COMMIT, plant, read_csv

TRUTH = torch.tensor([-100.0, -120.0, -90.0, -150.0]).double()
OFF = torch.tensor([-0.1, -0.3, 0.1, -2.1]).double()


def put(run, evaluator, values, first=4, **more):
    evaluation = Evaluation(
        {name: torch.as_tensor(value).double() for name, value in values.items()}, evaluator.primary_value
    )
    record(run, evaluator, evaluation, "test", first, seconds=1.5, cpu_seconds=1.25, seed=0, **more)


@pytest.fixture
def run(tmp_path):
    run = plant(tmp_path, "latent_dim=3", train={100: -543.0, 1000000: -150.0})
    put(run, Quadrature(), {"log_px": TRUTH, "error": 1e-6 * torch.ones(4)})
    put(run, Bound(), {"bound": TRUTH - 3, "kl": torch.ones(4)})
    put(run, Importance(5000), {"log_px": TRUTH + OFF, "pareto_k": 0.4 * torch.ones(4)})
    put(run, Importance(10), {"log_px": TRUTH - 1})
    put(run, AIS(300, 4, 1), {"log_px": TRUTH - 0.01, "acceptance": 0.65 * torch.ones(4)})
    put(run, Reciprocal(), {"log_px": TRUTH + 0.02, "log_px_kde": TRUTH + 0.2, "log_px_validated": TRUTH + 0.3})
    put(run, BDMC(100, 4, 1), {"gap": 0.5 * torch.ones(4)})
    put(run, Importance(50), {"log_px": torch.zeros(9)}, first=9)  # of other images: not to be paired
    return run


def test_differences_are_paired_by_image(run, tmp_path):
    paths = Likelihood().draw(tmp_path, tmp_path / "out")
    assert [path.name for path in paths] == ["likelihood.pdf", "likelihood.png", "likelihood.csv", "likelihood.md"]
    rows = {row["estimator"]: row for row in read_csv(tmp_path / "out" / "likelihood.csv")}
    assert list(rows) == [
        "quadrature",
        "bound",
        "importance, K = 10",
        "importance, K = 5,000",
        "AIS, T = 300, 4 chains",
        "appendix D, T = 200, 10 chains",
        "appendix D, T = 200, 10 chains, KDE",
        "appendix D, T = 200, 10 chains, validated KDE",
        "BDMC, T = 100, 4 chains: gap",
    ]
    row = rows["importance, K = 5,000"]
    assert float(row["difference"]) == pytest.approx(OFF.mean().item())
    assert float(row["difference_standard_error"]) == pytest.approx(OFF.std().item() / 2)
    assert float(row["largest_difference"]) == pytest.approx(-2.1)
    assert float(row["median_difference"]) == pytest.approx(-0.2)
    assert float(row["share_beyond_one_nat"]) == 0.25
    assert float(row["standard_error"]) == pytest.approx((TRUTH + OFF).std().item() / 2)
    assert (row["side"], row["n"], row["commit"], row["cpu_seconds"]) == ("lower bound", "4", COMMIT, "1.25")
    assert float(row["pareto_k"]) == pytest.approx(0.4)
    assert rows["quadrature"]["difference"] == ""
    assert rows["appendix D, T = 200, 10 chains, KDE"]["side"] == "upper bound"
    assert float(rows["BDMC, T = 100, 4 chains: gap"]["mean"]) == 0.5


def test_the_table_says_what_grey_targets_mean(run, tmp_path):
    Likelihood().draw(tmp_path, tmp_path / "out")
    text = (tmp_path / "out" / "likelihood.md").read_text()
    assert GREY in text
    assert "-0.6000 ± 0.5066" in text
    assert "targets grey/255" in text


def test_without_a_truth_the_values_are_shown(tmp_path):
    run = plant(tmp_path, "latent_dim=20", train={100: -543.0})
    put(run, Importance(10), {"log_px": TRUTH})
    put(run, AIS(), {"log_px": TRUTH + 1})
    (_, _, table, _) = Likelihood().draw(tmp_path, tmp_path / "out")
    rows = read_csv(table)
    assert "difference" not in rows[0]
    assert [float(row["mean"]) for row in rows] == pytest.approx([TRUTH.mean().item(), TRUTH.mean().item() + 1])
    assert math.isfinite(float(rows[0]["standard_error"]))


@pytest.mark.filterwarnings("error")
def test_a_single_image_has_no_standard_error(tmp_path):
    run = plant(tmp_path, "latent_dim=20", train={100: -543.0})
    put(run, Importance(10), {"log_px": TRUTH[:1]}, first=1)
    put(run, AIS(), {"log_px": TRUTH[:1] + 1}, first=1)
    (*_, text) = Likelihood().draw(tmp_path, tmp_path / "out")
    assert "| lower bound | -100.000 | – |" in text.read_text()
    assert "nan" not in text.read_text()


def test_panels_that_would_have_one_title_name_their_run(run, tmp_path):
    other = plant(tmp_path, "latent_dim=3", "objective=iwae", train={100: -543.0})
    put(other, Importance(10), {"log_px": TRUTH})
    put(other, Bound(), {"bound": TRUTH - 1})
    figure = Likelihood()
    titles = [ax.get_title() for ax in figure.compose(figure.wanted([Run(run), Run(other)]), ()).canvas.axes]
    assert titles == [f"MNIST, $N_z = 3$: 4 test images, {name}" for name in (run.name, other.name)]


def test_a_run_with_a_single_estimate_is_not_wanted(tmp_path):
    run = plant(tmp_path, "latent_dim=20", train={100: -543.0})
    put(run, Importance(10), {"log_px": TRUTH})
    assert Likelihood().wanted([Run(run)]) == []


def test_images_that_were_drawn_by_different_seeds_are_not_paired(tmp_path):
    run = plant(tmp_path, "latent_dim=3", "data.targets=dynamic", train={100: -543.0, 1000: -150.0})
    for evaluator, name, seed in ((Quadrature(), "log_px", 0), (Bound(), "bound", 0), (Importance(10), "log_px", 3)):
        evaluation = Evaluation({name: TRUTH}, evaluator.primary_value)
        record(run, evaluator, evaluation, "test", 4, seed=seed)
    Likelihood().draw(tmp_path, tmp_path / "out")
    assert [row["estimator"] for row in read_csv(tmp_path / "out" / "likelihood.csv")] == ["quadrature", "bound"]
