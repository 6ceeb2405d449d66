"""Figure 3 from planted runs: the exact number and the paper's estimator at every mark, beside the paper's curve."""

import matplotlib
import pytest

from aevb.errors import UserError
from aevb.figures.common.style import RC
from aevb.figures.paper.figure3 import Figure3
from aevb.figures.paper.published import figure3
from aevb.files.atomic import write_text
from aevb.runs.run import finished
from helpers.figure_runs import plant, read_csv

HEAD = "samples_seen,train_bound,test_bound,test_reconstruction,test_kl,test_log_px"
COLUMNS = [f"{split}_{name}_log_px" for split in ("test", "train") for name in ("quadrature", "reciprocal")]


def marginal(runs, n_train, objective, values, seed=0, *more):
    """A run with log p(x): samples_seen -> test and train, quadrature and reciprocal of each."""
    directory = plant(
        runs,
        f"data.n_train={n_train}",
        f"objective={objective}",
        "latent_dim=3",
        f"seed={seed}",
        *more,
        train={max(values): -120.0},
    )
    rows = [f"{point},,,,,,{','.join(map(str, four))}" for point, four in values.items()]
    write_text(directory / "metrics.csv", "\n".join([",".join([HEAD, *COLUMNS]), *rows]) + "\n")


@pytest.fixture
def runs(tmp_path):
    values = {1_000_000: (-147.0, -146.0, -130.0, -129.0), 10_000_000: (-143.0, -142.0, -115.0, -114.0)}
    marginal(tmp_path, 1000, "sgvb_b", values)
    marginal(tmp_path, 50000, "wake_sleep", {5_000_000: (-146.5, "", -144.0, "")})
    plant(tmp_path, "latent_dim=3", "seed=7", train={1_000_000: -150.0})  # without log p(x): not wanted
    return tmp_path


def test_numbers_stand_beside_the_papers(runs):
    Figure3().draw(runs, runs / "out")
    table = read_csv(runs / "out" / "figure3.csv")
    rows = {(row["n_train"], row["split"], row["samples_seen"]): row for row in table if row["source"] == "mean"}
    assert len(rows) == 6
    row = rows["1000", "train", "10000000"]
    assert (row["quadrature"], row["reciprocal"]) == ("-115.0", "-114.0")
    assert float(row["paper"]) == pytest.approx(figure3()[1000, "aevb", "train"].at(1e7))
    assert rows["50000", "test", "5000000"]["reciprocal"] == ""


def test_a_panel_for_every_size_of_the_training_set(runs):
    with matplotlib.rc_context(RC):
        canvas = Figure3().compose(Figure3().wanted(finished(runs)), ()).canvas
    assert [ax.get_title() for ax in canvas.axes] == ["$N_{train} = 1{,}000$", "$N_{train} = 50{,}000$"]
    drawn = [list(line.get_ydata()) for line in canvas.axes[0].lines]
    assert [-147.0, -143.0] in drawn
    assert [-130.0, -115.0] in drawn
    (legend,) = canvas.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert {"AEVB, ours", "wake-sleep, ours", "Monte Carlo EM, paper", "test", "train"} <= set(names)


def test_runs_without_marginal_likelihoods_are_refused(tmp_path):
    plant(tmp_path, "latent_dim=3", train={1_000_000: -150.0})
    with pytest.raises(UserError, match="nothing to draw figure3 from; try: aevb-train experiment=figure3"):
        Figure3().draw(tmp_path, tmp_path / "out")


def test_seeds_are_one_line_with_their_mean_and_interval(tmp_path):
    for seed, final in ((0, -140.0), (1, -142.0), (2, -144.0)):
        marginal(tmp_path, 1000, "sgvb_b", {1_000_000: (-150.0, "", "", ""), 10_000_000: (final, "", "", "")}, seed)
    drawing = Figure3().compose(Figure3().wanted(finished(tmp_path)), ())
    means = {row["samples_seen"]: row for row in drawing.rows if row["source"] == "mean"}
    assert (means[10_000_000]["quadrature"], means[10_000_000]["seeds"]) == (-142.0, 3)
    # Student's t with two degrees of freedom has its 97.5 % quantile at 4.3027 (any table); the deviation is 2.
    assert means[10_000_000]["interval"] == pytest.approx(4.3027 * 2 / 3**0.5, rel=1e-4)
    assert [row["seed"] for row in drawing.rows if row["samples_seen"] == 10_000_000 and row["source"] == "run"] == [
        0,
        1,
        2,
    ]
    drawn = [line for line in drawing.canvas.axes[0].lines if line.get_marker() == "o"]
    assert [list(line.get_ydata()) for line in drawn] == [[-150.0, -142.0]]
    assert "lowest to highest seed" in [text.get_text() for text in drawing.canvas.legends[0].get_texts()]


def test_the_interval_stands_beside_the_estimator_it_belongs_to(tmp_path):
    for seed, value in ((0, -140.0), (1, -142.0)):
        marginal(tmp_path, 1000, "sgvb_b", {10_000_000: ("", value, "", "")}, seed)
    text = Figure3().compose(Figure3().wanted(finished(tmp_path)), ()).text
    (line,) = [line for line in text.splitlines() if "10,000,000" in line]
    assert "| – | -141.00 ± 12.71 |" in line


def test_a_seed_counts_once_in_the_mean(tmp_path):
    marginal(tmp_path, 1000, "sgvb_b", {10_000_000: (-140.0, "", "", "")})
    longer = {1_000_000: (-150.0, "", "", ""), 10_000_000: (-141.0, "", "", "")}
    marginal(tmp_path, 1000, "sgvb_b", longer, 0, "evaluation.start=1000000", "name=again")
    drawing = Figure3().compose(Figure3().wanted(finished(tmp_path)), ())
    means = {row["samples_seen"]: row for row in drawing.rows if row["source"] == "mean"}
    assert (means[10_000_000]["quadrature"], means[10_000_000]["seeds"]) == (-141.0, 1)


def test_runs_of_another_model_or_data_set_are_other_lines_without_the_papers(tmp_path):
    final = {10_000_000: (-140.0, "", "", "")}
    marginal(tmp_path, 1000, "sgvb_b", final)
    marginal(tmp_path, 1000, "sgvb_b", {10_000_000: (-180.0, "", "", "")}, 1, "latent_dim=2")
    marginal(tmp_path, 1000, "sgvb_b", {10_000_000: (-150.0, "", "", "")}, 0, "hidden_dim=100")
    marginal(tmp_path, 1000, "sgvb_b", {10_000_000: (-20.0, "", "", "")}, 0, "data=digits")
    drawing = Figure3().compose(Figure3().wanted(finished(tmp_path)), ())
    means = {row["method"]: row for row in drawing.rows if row["source"] == "mean"}
    assert {name: (row["quadrature"], row["seeds"]) for name, row in means.items()} == {
        "AEVB": (-140.0, 1),
        "AEVB, latent_dim 2": (-180.0, 1),
        "AEVB, hidden_dim=100": (-150.0, 1),
        "AEVB, Digits 8×8": (-20.0, 1),
    }
    compared = {name for name, row in means.items() if row["paper"] == row["paper"]}
    assert compared == {"AEVB", "AEVB, hidden_dim=100"}
    drawn = [line.get_color() for line in drawing.canvas.axes[0].lines if line.get_marker() == "o"]
    assert len(drawn) == len(set(drawn)) == 4
    names = [text.get_text() for text in drawing.canvas.legends[0].get_texts()]
    assert {f"{name}, ours" for name in means} <= set(names)


def test_without_a_run_of_the_papers_setting_its_curves_are_not_drawn(tmp_path):
    marginal(tmp_path, 1000, "sgvb_b", {10_000_000: (-20.0, "", "", "")}, 0, "data=digits")
    drawing = Figure3().compose(Figure3().wanted(finished(tmp_path)), ())
    assert len(drawing.canvas.axes[0].lines) == 1
    assert "AEVB, paper" not in [text.get_text() for text in drawing.canvas.legends[0].get_texts()]
