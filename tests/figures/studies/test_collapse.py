"""Collapse from planted runs: which runs share a mean, and which are told apart."""

from aevb.figures.studies.collapse import Collapse
from aevb.files.atomic import write_text
from aevb.runs.run import finished
from helpers.figure_runs import plant

COLUMNS = [f"test_information_{name}" for name in ("kl", "mutual_information", "active_units", "bound")]


def informed(runs, *overrides, kl, last=1000):
    run = plant(runs, "data=digits", *overrides, train={last: -20.0})
    head = "samples_seen,train_bound,test_bound,test_reconstruction,test_kl,test_log_px"
    write_text(run / "metrics.csv", f"{head},{','.join(COLUMNS)}\n{last},,,,,,{kl},0.0,1,-20.0\n")


def drawing_of(runs):
    return Collapse().compose(Collapse().wanted(finished(runs)), ())


def test_means_are_over_seeds_alone(tmp_path):
    for seed, kl in ((0, 1.0), (1, 3.0)):
        informed(tmp_path, "latent_dim=2", f"seed={seed}", kl=kl)
    informed(tmp_path, "latent_dim=5", kl=9.0)
    informed(tmp_path, "latent_dim=2", "optimizer.lr=0.1", kl=7.0)
    text = drawing_of(tmp_path).text
    assert "| AEVB, latent_dim 2, learning rate 0.01 | 0 of 2 | 2.000 [1.000, 3.000] |" in text
    assert "| AEVB, latent_dim 5, learning rate 0.01 | 0 of 1 | 9.000 [9.000, 9.000] |" in text
    assert "| AEVB, latent_dim 2, learning rate 0.1 | 0 of 1 | 7.000 [7.000, 7.000] |" in text


def test_a_seed_counts_once(tmp_path):
    informed(tmp_path, "latent_dim=2", kl=1.0)
    informed(tmp_path, "latent_dim=2", "max_samples=2000", kl=5.0, last=2000)
    drawing = drawing_of(tmp_path)
    assert "| AEVB | 0 of 1 | 5.000 [5.000, 5.000] |" in drawing.text
    assert len(drawing.rows) == 1


def test_a_run_that_diverged_leaves_the_others_legible(tmp_path):
    for dims in range(2, 12):
        informed(tmp_path, f"latent_dim={dims}", kl=2.0 if dims > 2 else 2.86e19)
    drawing = drawing_of(tmp_path)
    kl, _, units = drawing.canvas.axes
    assert len(kl.get_yticks()) <= 9
    assert "| 2.86e+19 [2.86e+19, 2.86e+19] |" in drawing.text
    lines = [line for line in units.lines if len(line.get_xdata())]
    assert len({line.get_color() for line in lines}) == 10
    assert {round(line.get_ydata()[-1]) for line in lines} == {1}  # every line stands nearest to its number of units


def test_a_beta_of_the_total_correlation_is_named_by_its_objective(tmp_path):
    for objective in ("beta_vae", "beta_tcvae", "factor_vae"):
        informed(tmp_path, f"objective={objective}", "objective.beta=6", kl=2.0)
    text = drawing_of(tmp_path).text
    for name in ("β = 6", "β-TCVAE, β = 6", "FactorVAE, β = 6"):
        assert f"| {name} | 0 of 1 | 2.000" in text


def test_units_are_marked_at_integers_where_all_runs_have_the_same(tmp_path):
    for dims in (2, 3):
        informed(tmp_path, f"latent_dim={dims}", kl=2.0)
    units = drawing_of(tmp_path).canvas.axes[2]
    low, high = units.get_ylim()
    ticks = [tick for tick in units.get_yticks() if low <= tick <= high]
    assert len(ticks) >= 2
    assert all(tick == round(tick) for tick in ticks)
