"""The numbers under docs/results are what the runs committed beside them give: metrics and evaluations, without weights."""

import pytest

from aevb.build import build
from aevb.figures.figure import Figure, csv_text
from aevb.runs import finished
from commands import REPOSITORY, composed

RESULTS = REPOSITORY / "docs" / "results"


@pytest.mark.parametrize("name", ["figure2", "figure3", "verdict"])
def test_a_figure_comes_out_of_the_committed_runs(name: str) -> None:
    figure: Figure = build(dict(composed(f"figure={name}", root="figure").figure))
    drawing = figure.compose(figure.wanted(finished(RESULTS / "runs")), ())
    for word, rows in {"": drawing.rows, **drawing.tables}.items():
        path = RESULTS / (f"{name}-{word}.csv" if word else f"{name}.csv")
        assert csv_text(rows) == path.read_text(), path.name
