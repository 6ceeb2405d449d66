"""`experiment=paper`: several experiments as one sweep, each as it would be alone."""

import json

import pytest

from aevb.cli.experiment_sweep import jobs
from aevb.errors import UserError
from helpers.commands import aevb


def rows(folder, *arguments):
    result = aevb("status", "--json", *arguments, folder=folder)
    assert result.returncode == 0, result.stderr
    return {row["run"]: row["max_samples"] for row in json.loads(result.stdout)}


def test_the_paper_is_its_experiments_at_one_budget(tmp_path):
    paper = rows(tmp_path, "experiment=paper", "paper.scale=3e6")
    parts = [
        rows(tmp_path, f"experiment={name}", "max_samples=3e6")
        for name in ("figure2_mnist", "figure2_frey", "figure3", "figure3_mcem")
    ]
    assert len(paper) == sum(map(len, parts)) + 1 == 25
    assert set().union(*parts) <= paper.keys()
    assert set(paper.values()) == {3_000_000}


def test_what_is_typed_narrows_every_experiment(tmp_path):
    paper = rows(tmp_path, "experiment=paper", "objective=wake_sleep", "seed=0,1")
    assert len(paper) == 2 * (5 + 4 + 2 + 2 + 1)
    assert all("wake_sleep" in name for name in paper)


def test_an_experiment_without_a_grid_is_refused():
    with pytest.raises(
        UserError, match=r"hydra\.sweeper\.experiments\.nothing: no experiment with a grid.*try: figure2_mnist"
    ):
        jobs(None, {"nothing": {}}, 1000, [])
