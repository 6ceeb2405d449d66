"""aevb.train in the kernel of a notebook: its argv, its progress bar, its interrupt."""

import re

import pytest

from helpers.notebooks import execute, notebook_of, stderr_of

pytestmark = [pytest.mark.process, pytest.mark.slow]

ARGUMENTS = 'data="digits", latent_dim=2, hidden_dim=5, optimizer="adam", logger="none", evaluator="bound"'


def outputs(cell):
    return [output.data for output in cell.outputs if "data" in output]


def test_a_run_with_a_bar_and_its_picture(tmp_path):
    notebook = notebook_of(
        "import sys, aevb; assert '-f' in sys.argv",
        f"aevb.train({ARGUMENTS}, max_samples=3000)",
        f"aevb.train({ARGUMENTS}, max_samples=3000, seed=1, progress=False)",
    )
    notebook = execute(notebook, tmp_path)
    assert stderr_of(notebook) == ""
    *bars, run = outputs(notebook.cells[1])
    assert [re.search(r"([\d,]+) of ([\d,]+) (\w+)", bar["text/plain"]).groups() for bar in bars] == [
        ("3,000", "3,000", "samples"),
        ("360", "360", "images"),
    ]
    assert all("<progress value=" in bar["text/html"] for bar in bars)
    assert "<svg" in run["text/html"]
    assert "data:image/png;base64" in run["text/html"]
    (quiet,) = outputs(notebook.cells[2])
    assert quiet["text/plain"].startswith("TrainedRun(")


def test_an_interrupted_cell_has_saved_and_goes_on(tmp_path):
    notebook = notebook_of(
        "import aevb",
        f"aevb.train({ARGUMENTS}, max_samples=10**9, progress=False)",
        "import pathlib; (run,) = pathlib.Path('outputs/runs').iterdir()\n"
        "from aevb.runs.status import row; saved = row(run).samples_seen; print(saved)",
        f"again = aevb.train({ARGUMENTS}, max_samples=saved + 20_000, name=run.name, progress=False)\n"
        "print(again.record.done['samples_seen'] - saved)",
    )
    notebook = execute(notebook, tmp_path, interrupt="outputs/runs/*/metrics.csv")
    (error,) = [output for output in notebook.cells[1].outputs if output.output_type == "error"]
    assert error.ename == "KeyboardInterrupt"
    assert "interrupted; the same call resumes it" in error.evalue
    assert [output.output_type for output in notebook.cells[2].outputs] == ["stream"]
    assert "error" not in [output.output_type for output in notebook.cells[3].outputs], notebook.cells[3].outputs
    assert int(notebook.cells[2].outputs[-1].text) > 0
    assert int(notebook.cells[3].outputs[-1].text) == 20_000
