"""The diagnosis from planted evaluations: bars of their heights, units sorted and counted, the ceiling said, the gaps stacked."""

import math

import matplotlib
import pytest

from aevb.errors import UserError
from aevb.figures.common.style import RC
from aevb.figures.studies.diagnosis import Diagnosis
from aevb.files.atomic import write_json
from aevb.runs.run import finished
from helpers.figure_runs import COMMIT, plant, read_csv

KL_PER_DIMENSION, VARIANCE = [0.001, 3.0, 1.5], [0.002, 0.9, 0.8]


def information(run, n, mutual_information):
    kl = sum(KL_PER_DIMENSION)
    means = {"bound": -100 - kl, "reconstruction": -100, "kl": kl, "mutual_information": mutual_information}
    means["marginal_kl"] = kl - mutual_information
    summary = {
        "verdict": "partly collapsed: and so on",
        "ceiling": math.log(n),
        "active_units": 2,
        "active_above": 0.01,
        "kl_per_dimension": KL_PER_DIMENSION,
        "variance_of_mean": VARIANCE,
        "log_var_histogram": {"edges": [-2.0, -1.0, 0.0], "counts": [n, 2 * n]},
    }
    values = {name: {"mean": mean, "standard_error": 0.1} for name, mean in means.items()}
    facts = {"name": "information", "split": "test", "n": n, "values": values, **summary}
    write_json(run / "evaluation" / f"information-test-first{n}.json", facts)


def gap(run):
    means = {"inference_gap": 3.0, "approximation_gap": 1.25, "amortisation_gap": 1.75}
    values = {name: {"mean": mean, "standard_error": 0.1} for name, mean in means.items()}
    facts = {"name": "inference_gap", "split": "test", "n": 50, "values": values}
    write_json(run / "evaluation" / "inference_gap-test-first50.json", facts)


def panels(runs):
    figure = Diagnosis()
    with matplotlib.rc_context(RC):
        return figure.compose(figure.wanted(finished(runs)), ()).canvas.axes


def words(ax):
    return [text.get_text() for text in ax.texts]


def test_the_panels_show_the_evaluation_of_the_most_images(tmp_path):
    run = plant(tmp_path, "latent_dim=3", train={100: -543.0})
    information(run, 1000, mutual_information=4.0)
    information(run, 10, mutual_information=1.0)
    gap(run)
    surgery, units, spread, split = panels(tmp_path)
    assert [bar.get_height() for bar in surgery.patches] == pytest.approx([4.501, 4.0, 0.501])
    assert words(surgery) == ["4.50", "4.00", "0.50"]
    assert [bar.get_height() for bar in units.patches] == [3.0, 1.5, 0.001]
    assert [text.get_text() for text in units.get_legend().get_texts()] == ["2 active", "1 not active"]
    assert spread.patches[0].get_data().values == pytest.approx([1 / 3, 2 / 3])
    assert [(bar.get_y(), bar.get_height()) for bar in split.patches] == [(0, 1.75), (1.75, 1.25)]
    assert "N = 50" in split.get_xticklabels()[0].get_text()


def test_at_the_ceiling_the_numbers_are_inequalities(tmp_path):
    information(plant(tmp_path, "latent_dim=3", train={100: -543.0}), 20, mutual_information=math.log(20) - 0.01)
    surgery, _, _, split = panels(tmp_path)
    assert [word[:1] for word in words(surgery)] == ["4", "≥", "≤"]
    assert "not measured" in words(split)[0]


def test_every_number_is_in_the_csv_and_the_verdict_in_the_table(tmp_path):
    run = plant(tmp_path, "latent_dim=3", train={100: -543.0})
    information(run, 1000, mutual_information=4.0)
    gap(run)
    paths = Diagnosis().draw(tmp_path, tmp_path / "out")
    assert [path.name for path in paths] == ["diagnosis.pdf", "diagnosis.png", "diagnosis.csv", "diagnosis.md"]
    rows = read_csv(paths[2])
    records = {(row["quantity"], row["dimension"]): row for row in rows}
    assert float(records["mutual_information", ""]["value"]) == 4.0
    assert float(records["amortisation_gap", ""]["value"]) == 1.75
    assert [float(records["kl_per_dimension", str(j)]["value"]) for j in range(3)] == KL_PER_DIMENSION
    assert {(row["run"], row["commit"], row["targets"]) for row in rows} == {(run.name, COMMIT, "grey/255")}
    text = paths[3].read_text()
    assert "4.00 ± 0.10" in text
    assert "2 of 3 | partly collapsed" in text


def test_a_run_without_the_evaluation_does_not_serve(tmp_path):
    plant(tmp_path, "latent_dim=3", train={100: -543.0})
    with pytest.raises(UserError, match=r"nothing to draw diagnosis from.*aevb-evaluate run="):
        Diagnosis().draw(tmp_path, tmp_path / "out")


def test_the_legend_of_equal_units_lies_over_no_bar(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "KL_PER_DIMENSION", [0.12, 0.12, 0.13])
    information(plant(tmp_path, "latent_dim=3", train={100: -543.0}), 100, mutual_information=0.3)
    figure = Diagnosis()
    with matplotlib.rc_context(RC):
        canvas = figure.compose(figure.wanted(finished(tmp_path)), ()).canvas
        canvas.draw_without_rendering()
        units = canvas.axes[1]
        legend = units.get_legend().get_window_extent()
        highest = units.transData.transform((0, 0.13))[1]
    assert legend.y0 >= highest
    assert all(tick == round(tick) for tick in units.get_xticks())


def test_a_long_name_fits_and_the_legend_lies_over_no_bar(tmp_path):
    keys = (
        "latent_dim=3",
        "data.targets=threshold",
        "optimizer.lr=0.01",
        "hidden_dim=500",
        "model.initialization=glorot",
    )
    information(plant(tmp_path, *keys, "objective.samples=10", train={100: -543.0}), 100, mutual_information=4.0)
    figure = Diagnosis()
    with matplotlib.rc_context(RC):
        canvas = figure.compose(figure.wanted(finished(tmp_path)), ()).canvas
        canvas.draw_without_rendering()
        title = canvas.subfigs[0]._suptitle.get_window_extent()
        spread = canvas.axes[2]
        legend = spread.get_legend().get_window_extent()
        highest = spread.transData.transform((0, max(count / 300 for count in (100, 200))))[1]
    assert title.x0 >= 0
    assert title.x1 <= canvas.bbox.width
    assert legend.y0 >= highest
