"""Every tutorial runs: no exception, nothing on standard error, and its pictures are there."""

import ast

import jupytext
import pytest

from helpers.commands import REPOSITORY
from helpers.notebooks import execute, stderr_of

TUTORIALS = sorted((REPOSITORY / "docs" / "tutorials").glob("*.md"))
NOTEBOOKS = [path for path in TUTORIALS if path.name != "index.md"]


def test_the_index_lists_every_tutorial():
    index = (REPOSITORY / "docs" / "tutorials" / "index.md").read_text(encoding="utf-8")
    assert len(NOTEBOOKS) >= 5
    assert [path.name for path in NOTEBOOKS if f"({path.name})" not in index] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_are_python(path):
    cells = [cell for cell in jupytext.read(path).cells if cell.cell_type == "code"]
    assert len(cells) >= 4
    for cell in cells:
        ast.parse(cell.source)


def tiers():
    """The first tutorial runs in every tier, the others in scripts/test_all."""
    first = "vae-in-60-lines"
    tier = {True: (), False: (pytest.mark.long,)}
    return [pytest.param(path, id=path.stem, marks=tier[path.stem == first]) for path in NOTEBOOKS]


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("path", tiers())
def test_the_tutorial_runs(path, tmp_path):
    notebook = execute(path, tmp_path)
    assert stderr_of(notebook) == ""
    assert list(tmp_path.iterdir()) == []  # what it makes lies in temporary folders
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output for output in outputs if "image/png" in output.get("data", {})]
