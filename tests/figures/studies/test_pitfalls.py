"""The gallery's figure from planted runs: claims beside what is there, marked as pitfalls, the far ones at the edge."""

import matplotlib
import pytest

from aevb.errors import UserError
from aevb.figures.common.style import RC
from aevb.figures.studies.pitfalls import Pitfalls, pitfall
from aevb.files.atomic import write_json
from aevb.runs.run import finished
from helpers.figure_runs import plant, read_csv


def evaluation(run, name, quantity, mean, **more):
    values = {key: {"mean": value, "standard_error": 0.1} for key, value in {quantity: mean, **more}.items()}
    facts = {"name": name, "split": "test", "n": 360, "quantity": quantity, "mean": mean, "standard_error": 0.1}
    facts |= {"settings": {}}
    summary = {"verdict": "all units active: so and so", "active_units": 5} if name == "information" else {}
    write_json(run / "evaluation" / f"{name}-test.json", {**facts, "values": values, **summary})


@pytest.fixture
def runs(tmp_path):
    """The right run, an objective that claims a nat too much, one that diverged, and an evaluator's claim."""
    plain = plant(tmp_path, "data=digits", "optimizer=adam", train={100: -40.0, 1000: -25.0})
    squared = plant(tmp_path, "data=digits", "pitfall=sigma_squared", train={100: -40.0, 1000: -24.0})
    sign = plant(tmp_path, "data=digits", "pitfall=kl_sign", train={100: -40.0, 1000: 1e9})
    wrong = plant(tmp_path, "data=digits", "pitfall=mean_of_logs", train={100: -40.0, 1000: -25.0})
    for run, bound in ((plain, -24.6), (squared, -25.6), (sign, -1e9), (wrong, -24.6)):
        evaluation(run, "bound", "bound", bound)
        evaluation(run, "information", "mutual_information", 2.5, kl=3.0)
    evaluation(wrong, "pitfall_mean_of_logs", "claimed_log_px", -24.5)
    return tmp_path


def test_every_pitfall_is_named_and_stands_below_the_right_run(runs):
    figure = Pitfalls()
    selected = figure.wanted(finished(runs))
    assert [pitfall(run) for run in selected] == ["", "kl_sign", "mean_of_logs", "sigma_squared"]
    with matplotlib.rc_context(RC):
        nats, use = figure.compose(selected, ()).canvas.axes
    labels = [label.get_text() for label in nats.get_yticklabels()]
    assert labels == ["right (adam)", "kl sign", "mean of logs", "sigma squared"]
    dots = {(line.get_xdata()[0], line.get_ydata()[0]) for line in nats.lines}
    assert {(-25.6, 3), (-24.0, 3), (-24.5, 2), (-24.6, 0)} <= dots
    assert [text.get_text().strip() for text in nats.texts] == ["← -1e+09", "1e+09 →"]
    assert [text.get_text() for text in use.texts if text.get_text() == "5"] == ["5"] * 4


def test_information_that_is_equal_to_the_kl_is_seen_on_it(runs):
    figure = Pitfalls()
    with matplotlib.rc_context(RC):
        _, use = figure.compose(figure.wanted(finished(runs)), ()).canvas.axes
    kl, information = (next(line for line in use.lines if line.get_marker() == marker) for marker in "sx")
    assert kl.get_color() != information.get_color()


def test_without_a_right_run_the_axis_is_that_of_the_best_bound(runs):
    figure = Pitfalls()
    mistaken = [run for run in figure.wanted(finished(runs)) if pitfall(run)]
    evaluation(mistaken[0].directory, "importance", "log_px", -1e6)
    with matplotlib.rc_context(RC):
        nats, _ = figure.compose(mistaken, ()).canvas.axes
    assert nats.get_xlim() == (-27.6, -22.0)
    assert [text.get_text().strip() for text in nats.texts] == [
        "← -1e+09",
        "1e+09 →",
    ]  # log p(x) is as far, and in the table


def test_claim_and_truth_are_in_the_table(runs):
    plant(runs, "data=digits", "pitfall=mean_reduced", train={100: -1.0})  # evaluated by nobody
    paths = Pitfalls().draw(runs, runs / "out")
    rows = {row["mistake"]: row for row in read_csv(paths[2])}
    assert set(rows) == {"right (adam)", "mean_of_logs", "kl_sign", "sigma_squared"}
    assert (float(rows["mean_of_logs"]["claimed"]), rows["mean_of_logs"]["claimed_quantity"]) == (
        -24.5,
        "claimed_log_px",
    )
    assert (float(rows["sigma_squared"]["claimed"]), float(rows["sigma_squared"]["test_bound"])) == (-24.0, -25.6)
    assert "| sigma_squared | -24.00 | -25.60 ± 0.10 |" in paths[3].read_text()


def test_without_a_pitfall_there_is_no_gallery(tmp_path):
    plant(tmp_path, "data=digits", train={100: -40.0})
    with pytest.raises(UserError, match="aevb-train -m"):
        Pitfalls().draw(tmp_path, tmp_path / "out")
