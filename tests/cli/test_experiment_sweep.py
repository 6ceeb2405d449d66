"""`experiment=paper`: several experiments as one sweep, each as it would be alone."""

import json

import pytest

from aevb.cli import sweep
from aevb.cli.experiment_sweep import overrides_by_experiment
from aevb.cli.status import rows_of_sweep
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
        overrides_by_experiment(None, {"nothing": {}}, 1000, [])


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("seed=range(0,1000000000)", "a sweep of 10,000,000,000 jobs or more; allowed: 10,000"),
        ("seed=range(0,0)", "no value at all; allowed: at least one"),
        # The first experiment has as many jobs as are allowed, and the others have more.
        ("seed=range(0,1000)", "jobs or more; allowed: 10,000"),
    ],
)
def test_an_endless_or_empty_sweep_is_refused_before_a_job_is_made(typed, wrong, tmp_path):
    with pytest.raises(UserError) as refusal:
        rows_of_sweep(["experiment=paper", typed, f"output_dir={tmp_path}"], ())
    assert str(refusal.value).startswith(f"{typed}: ")
    assert wrong in str(refusal.value)


def test_what_is_typed_replaces_the_values_of_an_experiment(tmp_path, monkeypatch):
    """The five values of latent_dim that the experiment has are no factor of the number of jobs beside those typed."""
    monkeypatch.setattr(sweep, "LIMIT", 6)
    folder = f"output_dir={tmp_path}"
    assert len(rows_of_sweep(["experiment=figure2_mnist", "latent_dim=2,4,8", folder], ())) == 6
    with pytest.raises(UserError, match=r"latent_dim=2,4,8,9: a sweep of 8 jobs or more; allowed: 6"):
        rows_of_sweep(["experiment=figure2_mnist", "latent_dim=2,4,8,9", folder], ())


@pytest.mark.parametrize("typed", ["experiment=choice(figure2_mnist,figure2_frey)", "experiment=glob(figure2*)"])
def test_several_experiments_with_a_grid_are_refused_however_they_are_typed(typed, tmp_path):
    """Their grids would be lost: one job of each at its defaults."""
    with pytest.raises(UserError, match=r"figure2_\w+ is a sweep of its own; allowed: one such experiment"):
        rows_of_sweep([typed, f"output_dir={tmp_path}"], ())


@pytest.mark.parametrize("flag", ["--config-dir={}", "hydra.searchpath=[file://{}]"])
def test_several_experiments_of_ones_own_with_a_grid_are_refused(flag, tmp_path):
    folder = tmp_path / "conf" / "experiment"
    folder.mkdir(parents=True)
    grid = "# @package _global_\nhydra:\n  sweeper:\n    params:\n      latent_dim: 2,3\n"
    (folder / "mine.yaml").write_text(grid)
    (folder / "plain.yaml").write_text("# @package _global_\nlatent_dim: 4\n")
    typed = ["--check", "-m", "experiment=plain,mine", "data=digits", flag.format(folder.parent)]
    result = aevb("train", *typed, folder=tmp_path)
    assert result.returncode == 2
    assert "experiment=plain,mine: mine is a sweep of its own; allowed: one such experiment" in result.stderr
