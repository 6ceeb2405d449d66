"""Frey Face beside the paper: which runs have a line, and the mean of the training bound since the start."""

import matplotlib
import pytest

from aevb.figures.common.base import csv_text
from aevb.figures.common.style import RC
from aevb.figures.paper.published import figure2
from aevb.figures.studies.frey_face import FreyFace
from aevb.runs.run import finished
from helpers.commands import REPOSITORY
from helpers.figure_runs import plant

FREY = ("data=frey_face", "latent_dim=2")


def drawing_of(runs):
    figure = FreyFace()
    with matplotlib.rc_context(RC):
        return figure.compose(figure.wanted(finished(runs)), ())


def starts(drawing):
    """The column `start` of the table."""
    return [line.split("|")[7].strip() for line in drawing.text.splitlines() if line.startswith("| AEVB")]


def test_the_mean_since_the_start_is_that_of_all_minibatches(tmp_path):
    """100 nats to 400,000 samples; the window of 460,000 samples before 600,000 has a mean of 300."""
    plant(tmp_path, *FREY, train={400_000: 100.0, 600_000: 300.0})
    first = figure2()["frey_face", 2, "aevb", "train"].samples_seen[0]
    at_400, at_600 = 400_000 * 100.0, 140_000 * 100.0 + 460_000 * 300.0
    expected = (at_400 + (at_600 - at_400) * (first - 400_000) / 200_000) / first
    assert starts(drawing_of(tmp_path)) == [f"{expected:.2f}"]


def test_a_run_that_ends_before_the_papers_first_point_has_no_start(tmp_path):
    plant(tmp_path, *FREY, train={200_000: 100.0})
    assert starts(drawing_of(tmp_path)) == ["–"]


def test_the_legend_has_the_lines_that_are_drawn(tmp_path):
    plant(tmp_path, *FREY, "batch_size=500", train={200_000: 500.0, 500_000: 600.0})
    plant(tmp_path, *FREY, train={2_000: -526.0})  # ends before the axis begins
    names = [text.get_text() for text in drawing_of(tmp_path).canvas.legends[0].get_texts()]
    assert names == ["minibatches of 500, lr 0.01", "the paper", "mean training bound since the start"]


def test_a_run_with_another_change_is_in_the_table_alone(tmp_path):
    points = {200_000: 500.0, 500_000: 600.0}
    plant(tmp_path, *FREY, "batch_size=500", train=points)
    plant(tmp_path, *FREY, "optimizer.warmup=600", train=points)
    plant(tmp_path, "data=mnist", train=points)
    drawing = drawing_of(tmp_path)
    assert [(row["batch_size"], row["change"]) for row in drawing.rows] == [
        (100, "optimizer.warmup=600"),
        (100, "optimizer.warmup=600"),
        (500, ""),
        (500, ""),
    ]
    assert drawing.rows[3]["test_bound"] == 599.0
    assert drawing.rows[3]["paper_test_bound"] == pytest.approx(figure2()["frey_face", 2, "aevb", "test"].at(500_000))
    panel = drawing.canvas.axes[0]
    assert sum(line.get_color() == "#D55E00" for line in panel.lines) == 2  # the bound and the ring
    assert len(panel.lines) == 4  # and the same of the paper


def test_the_committed_numbers_come_out_of_the_committed_runs():
    drawing = drawing_of(REPOSITORY / "results")
    folder = REPOSITORY / "docs" / "frey-face-gap"
    assert csv_text(drawing.rows) == (folder / "frey_face.csv").read_text()
    assert drawing.text == (folder / "frey_face.md").read_text()
