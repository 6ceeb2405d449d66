"""The figure of gradient variances, on small models: the known order of the estimators, and every number in the CSV."""

from contextlib import contextmanager
from types import SimpleNamespace

import matplotlib
import pytest

from aevb.figures.common.style import RC
from aevb.figures.studies import gradient_variance
from aevb.figures.studies.gradient_variance import GradientVariance
from aevb.runs.run import finished
from helpers.figure_runs import plant, plant_model, read_csv

BARS = []  # of every bar: its total, and what it was advanced by


@contextmanager
def counted_bar(total, description, unit):
    advanced = []
    BARS.append((total, advanced))
    yield SimpleNamespace(advance=advanced.append)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    plant_model(runs, "data=digits", "latent_dim=2", "hidden_dim=8")
    plant_model(runs, "data=digits", "latent_dim=2", "hidden_dim=9", train={100: -300.0, 5_000: -100.0})
    figure = GradientVariance(draws=12, minibatches=1, samples=3)
    with pytest.MonkeyPatch.context() as patch, matplotlib.rc_context(RC):
        patch.setattr(gradient_variance, "bar", counted_bar)
        return figure.draw(runs, runs / "out"), [run.name for run in figure.wanted(finished(runs))]


def test_each_run_has_a_bar_that_comes_to_its_end(paths):
    assert [total for total, _ in BARS] == [12 * 10] * len(paths[1])  # draws, estimators
    assert all(sum(advanced) == total for total, advanced in BARS)


def test_the_files_and_the_order_of_the_runs(paths):
    files, runs = paths
    assert [path.name for path in files] == [f"gradient_variance.{suffix}" for suffix in ("pdf", "png", "csv", "md")]
    assert [run.endswith(end) for run, end in zip(runs, ("dim8", "dim9"), strict=True)] == [True, True]
    text = files[3].read_text()
    assert text.count("score function, leave-one-out") == len(runs)
    assert "K = 3" in text


def test_the_rows_are_the_estimators_in_the_known_order(paths):
    """A few draws tell orders of magnitude: score function > leave-one-out > A in phi; in theta, at L = 1, all are the same."""
    rows = read_csv(paths[0][2])
    assert len(rows) == 2 * 2 * 10  # runs, groups, estimators
    assert {row["fingerprint"] != "" and row["targets"] for row in rows} == {"grey/255"}
    value = {(row["run"], row["group"], row["estimator"], row["samples"]): float(row["variance"]) for row in rows}
    for run in paths[1]:
        plain, left_out, a = (
            value[run, "phi", name, "3"] for name in ("score function", "score function, leave-one-out", "SGVB A")
        )
        assert plain > 3 * left_out
        assert left_out > a
        theta = [value[run, "theta", name, "1"] for name in ("score function", "SGVB A", "SGVB B")]
        assert theta == pytest.approx([theta[0]] * 3, rel=1e-3)


def test_a_line_separates_the_numbers_of_samples(tmp_path, monkeypatch):
    """Estimators are compared at one number of samples; with binary latents there are three numbers."""
    plant(tmp_path, "data=digits", "latent_dim=2", train={100: -300.0})
    numbers = dict.fromkeys(("variance", "variance_error", "squared_norm", "squared_norm_error"), 1.0)
    numbers |= {"relative": 0.5, "relative_error": 0.1, "samples_seen": 100}
    monkeypatch.setattr(
        GradientVariance,
        "_measured",
        lambda _, run, __: [
            {"run": run.name, "group": group, "estimator": estimator, "samples": samples, **numbers}
            for group in ("phi", "theta")
            for estimator in ("ARM", "NVIL")
            for samples in (1, 2, 4)
        ],
    )
    figure = GradientVariance()
    for ax in figure.compose(figure.wanted(finished(tmp_path)), ()).canvas.axes:
        flat = [line.get_ydata() for line in ax.lines if line.get_linewidth() == 0.5]
        assert [y[0] for y in flat] == [1.5, 3.5]


@pytest.mark.slow
def test_binary_latents_are_measured_by_the_exact_gradient(tmp_path):
    """Four evaluations: the plain score function far above DisARM; ratios by one and the same norm, whatever the draws."""
    plant_model(tmp_path, "data=digits", "model=binary", "objective=arm", "latent_dim=3", "hidden_dim=8")
    with matplotlib.rc_context(RC):
        files = GradientVariance(draws=12, minibatches=1, samples=4).draw(tmp_path, tmp_path / "out")
    rows = [row for row in read_csv(files[2]) if row["group"] == "phi"]
    assert len(rows) == 3 * 2 + 3 * 2 + 1
    variance = {(row["estimator"], row["samples"]): float(row["variance"]) for row in rows}
    assert variance["score function", "4"] > 5 * variance["DisARM", "4"]
    norms = [float(row["variance"]) / float(row["relative"]) for row in rows if row["estimator"] != "VIMCO"]
    assert norms == pytest.approx([norms[0]] * len(norms))
    assert "| VIMCO | K = 4 |" in files[3].read_text()


def test_runs_without_a_closed_form_of_the_kl_divergence_are_left_out(tmp_path):
    """Estimator B refused the whole picture because of one flow, learned prior or family of section 2.4 in the folder."""
    base = ("data=digits", "latent_dim=2", "objective=sgvb_a")
    for words in (
        "model/encoder=planar",
        "model/encoder=iaf",
        "model/encoder=logistic",
        "model/prior=mixture",
        "model/prior=vamp",
    ):
        plant(tmp_path, *base, words, train={100: -30.0})
    assert GradientVariance().wanted(finished(tmp_path)) == []
    kept = [
        plant(tmp_path, *base, f"model/encoder={q}", train={100: -30.0})
        for q in ("full_covariance", "laplace", "gaussian")
    ]
    assert {run.directory for run in GradientVariance().wanted(finished(tmp_path))} == set(kept)
