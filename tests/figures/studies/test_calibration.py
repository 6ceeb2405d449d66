"""The figure from a planted evaluation: curves, bars and the table have the planted numbers."""

import numpy as np
import pytest

from aevb.figures.common.base import Drawing
from aevb.figures.studies.calibration import LEVELS, Calibration
from aevb.files.atomic import write_json
from aevb.runs.run import finished
from helpers.figure_runs import plant


@pytest.fixture
def drawing(tmp_path) -> Drawing:
    run = plant(tmp_path, "latent_dim=2", train={100: -300.0})
    values = {f"coverage_{level}": {"mean": level / 200, "standard_error": 0.01} for level in LEVELS}
    facts = {
        "name": "calibration",
        "split": "test",
        "n": 40,
        "values": values,
        "p_value": 0.001,
        "verdict": "q is too narrow: 90 % intervals and so on",
        "rank_histograms": [[40, *[0] * 19], [2] * 20],
        "tarp_levels": np.linspace(0, 1, 21).tolist(),
        "tarp_coverage": np.linspace(0, 1, 21).tolist(),
    }
    write_json(run / "evaluation" / "calibration-test-first40.json", facts)
    figure = Calibration()
    return figure.compose(figure.wanted(finished(tmp_path)), ())


def test_the_curves_are_the_distribution_functions_of_the_ranks(drawing):
    lowest, uniform = (line.get_ydata() for line in drawing.canvas.axes[0].lines[:2])
    np.testing.assert_allclose(lowest, [0, *(1 - np.arange(1, 21) / 20)], atol=1e-12)
    np.testing.assert_allclose(uniform, 0, atol=1e-12)


def test_the_bars_and_the_table_have_the_coverage(drawing):
    bars = [bar.get_height() for bar in drawing.canvas.axes[1].patches]
    assert bars == pytest.approx([level / 200 for level in LEVELS])
    assert "| 45.0 ± 1.0 % |" in drawing.text
    assert "| q is too narrow |" in drawing.text
    assert {row["quantity"] for row in drawing.rows} == {f"coverage_{level}" for level in LEVELS} | {"tarp_coverage"}
