"""The EM view from planted runs: every line has its name and its colour."""

from aevb.figures.studies.em_view import EMView
from aevb.files.atomic import write_text
from aevb.runs.run import finished
from helpers.figure_runs import plant


def climbing(runs, *overrides, log_px=(-30.0, -20.0)):
    run = plant(runs, "data=digits", *overrides, train={1000: -20.0})
    head = "samples_seen,train_bound,test_bound,test_reconstruction,test_kl,test_log_px"
    rows = "".join(f"{500 * (i + 1)},,,,,,{value},{value - 1}\n" for i, value in enumerate(log_px))
    write_text(run / "metrics.csv", f"{head},train_quadrature_log_px,train_information_bound\n{rows}")


def test_runs_of_one_method_have_names_of_their_own(tmp_path):
    climbing(tmp_path, "latent_dim=2")
    climbing(tmp_path, "latent_dim=2", "seed=1")
    climbing(tmp_path, "latent_dim=3")
    drawing = EMView().compose(EMView().wanted(finished(tmp_path)), ())
    named = {item.get_label(): item.get_color() for item in drawing.canvas.axes[0].lines if item.get_label()[0] == "A"}
    assert set(named) == {"AEVB, latent_dim 2, seed 0", "AEVB, latent_dim 2, seed 1", "AEVB, latent_dim 3"}
    assert len(set(named.values())) == 3
    assert {row["method"] for row in drawing.rows} == set(named)


def test_a_method_with_one_run_has_its_own_name(tmp_path):
    climbing(tmp_path, "latent_dim=2")
    climbing(tmp_path, "latent_dim=2", "objective=variational_em")
    drawing = EMView().compose(EMView().wanted(finished(tmp_path)), ())
    assert sorted({row["method"] for row in drawing.rows}) == ["AEVB", "variational EM"]


def test_a_fall_below_the_axis_stands_on_it_with_its_value(tmp_path):
    """The axis begins at an eighth of the curve, and the largest fall of a run is often before it."""
    climbing(tmp_path, "latent_dim=2", log_px=(-60.0, -80.0, *range(-40, -24), -26.0))
    left = EMView().compose(EMView().wanted(finished(tmp_path)), ()).canvas.axes[0]
    low = left.get_ylim()[0]
    (falls,) = (item for item in left.lines if item.get_marker() == "v" and len(item.get_xdata()))
    assert low > -60
    assert falls.get_xdata().tolist() == [1000, 9500]
    assert falls.get_ydata().tolist() == [low, -26]
    assert not falls.get_clip_on()
    assert [text.get_text() for text in left.texts] == ["−80"]
