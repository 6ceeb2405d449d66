"""Commands on runs of an archive of weights."""

import json
from pathlib import Path

import pytest

from helpers.commands import aevb

pytestmark = pytest.mark.process

TINY = (
    "data=digits",
    "max_samples=300",
    "latent_dim=2",
    "hidden_dim=5",
    "evaluator=bound",
    "logger=none",
    "evaluation.start=1",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    assert aevb("train", *TINY, "name=one", folder=folder).returncode == 0
    result = aevb("weights", "pack", "outputs/runs/one", "--output", "w.zip", folder=folder)
    assert result.returncode == 0, result.stderr
    return folder


def test_evaluate_gives_the_numbers_of_the_run(folder: Path) -> None:
    result = aevb("evaluate", "run=w.zip:one", "evaluator=bound", "output_dir=ev", folder=folder)
    assert result.returncode == 0, result.stderr
    evaluated, recorded = (
        json.loads((path / "evaluation" / "bound-test.json").read_text())["values"]["bound"]
        for path in (folder / "ev" / "one", folder / "outputs" / "runs" / "one")
    )
    assert evaluated == recorded


def test_the_archive_is_not_written_to(folder: Path) -> None:
    commands = {
        ("evaluate", "run=w.zip:one"): "output_dir=null: w.zip:one is in an archive",
        ("export", "run=w.zip:one", "format=safetensors"): "output_dir: missing, and w.zip:one is in an archive",
        ("evaluate", "run=w.zip:two", "output_dir=ev"): "w.zip:two: no such run; allowed: one; try: w.zip:one",
    }
    for words, message in commands.items():
        result = aevb(*words, folder=folder)
        assert result.returncode == 2
        assert message in result.stderr


def test_explore_and_figure_read_an_archive(folder: Path) -> None:
    result = aevb("explore", "w.zip:one", folder=folder)
    assert result.returncode == 0, result.stderr
    assert (folder / "explorer.html").is_file()
    result = aevb("figure", "figure=table", "runs=w.zip", "output_dir=fig", folder=folder)
    assert result.returncode == 0, result.stderr
    assert (folder / "fig" / "table.csv").read_text().splitlines()[1].startswith("one,")
