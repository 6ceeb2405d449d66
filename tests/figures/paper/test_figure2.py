"""Figure 2 from planted runs: the files, the numbers beside the picture, the panels, the refusal without runs."""

import matplotlib
import pytest

from aevb.errors import UserError
from aevb.figures.common.style import RC
from aevb.figures.paper.figure2 import Figure2
from aevb.runs.run import finished
from helpers.commands import aevb
from helpers.figure_runs import COMMIT, plant, read_csv


@pytest.fixture
def runs(tmp_path):
    """Two panels of MNIST (three seeds; two learning rates), one of Frey Face."""
    for seed in range(3):
        plant(tmp_path, "latent_dim=3", f"seed={seed}", train={100: -543.0, 100000: -220.0, 1000000: -155.0 - seed})
    plant(tmp_path, "latent_dim=20", train={100: -543.0, 100000: -200.0, 1000000: -126.0})
    plant(tmp_path, "latent_dim=20", "optimizer.lr=0.1", train={100: -543.0, 100000: -1e5, 1000000: -2e7})
    plant(tmp_path, "data=frey_face", "latent_dim=2", train={100: -500.0, 100000: 400.0, 1000000: 700.0})
    return tmp_path


def canvas_of(figure, runs):
    with matplotlib.rc_context(RC):
        return figure.compose(figure.wanted(finished(runs)), ()).canvas


def test_every_file_is_there_and_the_same_runs_give_the_same_bytes(runs):
    paths = Figure2().draw(runs, runs / "out")
    assert [path.name for path in paths] == [
        "figure2.pdf",
        "figure2.png",
        "figure2.csv",
        "figure2-learning_rates.csv",
        "figure2.md",
    ]
    assert paths[0].read_bytes().startswith(b"%PDF")
    assert paths[1].read_bytes().startswith(b"\x89PNG")
    assert sorted(runs.glob("out/*")) == sorted(paths)  # nothing half-written beside them
    again = Figure2().draw(runs, runs / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def test_one_panel_for_every_data_set_and_latent_dimension(runs):
    axes = canvas_of(Figure2(), runs).axes
    assert [ax.get_title() for ax in axes] == ["MNIST, $N_z = 3$", "MNIST, $N_z = 20$", "Frey Face, $N_z = 2$"]
    assert [[text.get_text() for text in ax.texts] for ax in axes] == [
        ["lr 0.01, 3 seeds"],
        ["lr 0.01, 1 seed"],
        ["lr 0.01, 1 seed"],
    ]
    assert all(ax.get_xscale() == "log" and ax.get_xlim() == (1e5, 1e6) for ax in axes)
    assert [len(ax.lines) for ax in axes] == [6, 6, 6]  # train and test of ours, of the paper's AEVB and wake-sleep


def test_a_line_whose_test_bound_falls_sets_no_scale(runs):
    before = canvas_of(Figure2(), runs).axes[0].get_ylim()
    train, test = {100: -543.0, 100000: 1e5, 1000000: 4e16}, {100: -540.0, 100000: -1e7, 1000000: -3e18}
    plant(runs, "latent_dim=3", "objective=iwae", train=train, test=test)
    assert canvas_of(Figure2(), runs).axes[0].get_ylim() == before


def test_the_drawn_line_is_the_mean_and_the_band_spans_the_seeds(runs):
    ax = canvas_of(Figure2(), runs).axes[0]
    (line,) = [line for line in ax.lines if list(line.get_ydata()) == [-543.0, -220.0, -156.0]]
    assert line.get_linestyle() == "--"
    corners = ax.collections[0].get_paths()[0].vertices
    assert {-155.0, -157.0} <= set(corners[corners[:, 0] == 1e6][:, 1])


def test_the_legend_names_each_thing_once(runs):
    (legend,) = canvas_of(Figure2(), runs).legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["AEVB, ours", "lowest to highest seed", "AEVB, paper", "wake-sleep, paper", "test", "train"]


def test_a_diverged_learning_rate_is_listed_but_not_drawn(runs):
    Figure2().draw(runs, runs / "out")
    drawn = [row for row in read_csv(runs / "out" / "figure2.csv") if row["source"] == "run"]
    assert {row["lr"] for row in drawn if row["latent_dim"] == "20"} == {"0.01"}
    learning_rates = read_csv(runs / "out" / "figure2-learning_rates.csv")
    (lost,) = [row for row in learning_rates if row["verdict"] == "rejected"]
    assert (lost["lr"], lost["latent_dim"], float(lost["last_train_bound"])) == ("0.1", "20", -2e7)
    assert lost["remark"].startswith("diverged")
    assert "diverged" in (runs / "out" / "figure2.md").read_text()


def test_the_csv_holds_every_number_with_its_origin(runs):
    Figure2().draw(runs, runs / "out")
    rows = read_csv(runs / "out" / "figure2.csv")
    mean_bound = [row for row in rows if row["source"] == "run"]
    assert len(mean_bound) == 5 * 2 * 3  # runs, splits, marks
    for row in mean_bound:
        assert (row["commit"], len(row["fingerprint"])) == (COMMIT, 64)
        assert (runs / row["run"] / "DONE").is_file()
    setting = {"latent_dim": "3", "split": "train", "samples_seen": "1000000"}
    at_end = [row for row in rows if all(row[key] == value for key, value in setting.items())]
    assert sorted(float(row["lower_bound"]) for row in at_end if row["source"] == "run") == [-157, -156, -155]
    (mean,) = [row for row in at_end if row["source"] == "mean"]
    assert [float(mean[key]) for key in ("lower_bound", "low", "high", "seeds")] == [-156, -157, -155, 3]
    assert mean["run"].count(";") == 2
    paper = {row["method"]: float(row["lower_bound"]) for row in at_end if row["source"].startswith("arXiv")}
    assert paper == pytest.approx({"AEVB, paper": -155.3, "wake-sleep, paper": -157.08}, abs=0.06)


def test_a_panel_says_how_many_seeds_came_to_the_end(tmp_path):
    plant(tmp_path, "seed=0", train={100: -543.0, 100000: -200.0, 1000000: -126.0})
    plant(tmp_path, "seed=1", train={100: -543.0, 100000: -200.0})
    (ax,) = canvas_of(Figure2(), tmp_path).axes
    assert [text.get_text() for text in ax.texts] == ["lr 0.01, 2 seeds, 1 to 1e6"]


def test_a_run_of_one_evaluation_point_is_a_dot(tmp_path):
    plant(tmp_path, "data=digits", train={2000: -40.0}, test={2000: -41.0})
    canvas = Figure2().compose(finished(tmp_path), ()).canvas
    train, test = (line for line in canvas.axes[0].lines if line.get_marker() == "o")
    assert not train.get_clip_on()  # the point lies at the end of the axis, which would hide half of the dot
    assert not test.get_clip_on()
    assert (train.get_marker(), train.get_markerfacecolor()) == ("o", "none")
    assert test.get_marker() == "o"
    assert [handle.get_marker() for handle in canvas.legends[0].legend_handles[-2:]] == ["o", "o"]


def test_the_axis_ends_at_its_argument(runs):
    assert canvas_of(Figure2(x_max=500_000), runs).axes[0].get_xlim() == (5e4, 5e5)


def test_without_runs_the_command_that_makes_them_is_named(tmp_path):
    plant(tmp_path, train={100: -543.0}, finish=False)
    with pytest.raises(UserError, match=r"no finished runs.*aevb-train experiment=figure2_mnist"):
        Figure2().draw(tmp_path, tmp_path / "out")
    with pytest.raises(UserError, match=r"nowhere: no such folder; .*aevb-train experiment=figure2_mnist"):
        Figure2().draw(tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_draws_and_refuses(runs):
    done = aevb("figure", "figure=figure2", f"runs={runs}", "output_dir=drawn", folder=runs)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "drawn/figure2.pdf"
    assert len(done.stdout.splitlines()) == 5
    refused = aevb("figure", "figure=figure2", "runs=nowhere", folder=runs)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert "aevb-train" in refused.stderr
