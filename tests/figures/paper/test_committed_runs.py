"""The numbers under docs/results are what the runs in results/runs give: metrics and evaluations, without weights."""

import pytest

from aevb.config.instantiate import instantiate
from aevb.figures.common.base import Figure, csv_text
from aevb.runs.run import finished
from helpers.commands import REPOSITORY, composed

RESULTS = REPOSITORY / "docs" / "results"


@pytest.mark.parametrize("name", ["comparison", "figure2", "figure3", "table", "verdict"])
def test_a_figure_comes_out_of_the_committed_runs(name: str) -> None:
    figure: Figure = instantiate(dict(composed(f"figure={name}", root="figure").figure))
    drawing = figure.compose(figure.wanted(finished(REPOSITORY / "results" / "runs")), ())
    for word, rows in {"": drawing.rows, **drawing.tables}.items():
        path = RESULTS / (f"{name}-{word}.csv" if word else f"{name}.csv")
        assert csv_text(rows) == path.read_text(), path.name
