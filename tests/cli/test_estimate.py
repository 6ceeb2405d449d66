"""`aevb-train --estimate` through the real command: what is done, what is left, and nothing written."""

import re
from pathlib import Path

import pytest

from helpers.commands import TINY, aevb

pytestmark = pytest.mark.process


def test_a_sweep_of_which_one_run_is_done(tmp_path: Path) -> None:
    assert aevb("train", *TINY, folder=tmp_path).returncode == 0
    before = sorted(tmp_path.rglob("*"))
    result = aevb("train", "-m", *TINY, "seed=0,1,2", "--estimate", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    head, first, second, third, total = result.stdout.splitlines()
    assert head.split()[:3] == ["run", "state", "samples"]
    assert first.split() == ["seed=0", "done", "300", "300"]
    for seed, line in ((1, second), (2, third)):
        assert re.match(rf"seed={seed} +new +0 +300 +[\d,]+ +\d+ s +\d+ s +\d+ s$", line), line
    assert total.startswith("2 of 3 runs to train: about "), total
    assert sorted(tmp_path.rglob("*")) == before
    assert "\nthe run is tried for a few seconds" in result.stderr, result.stderr  # seeds 1 and 2 are one kind


def test_quadrature_is_not_in_the_estimate(tmp_path: Path) -> None:
    result = aevb("train", *TINY, "evaluator=quadrature", "--estimate", folder=tmp_path)
    last = "not in it: evaluator=quadrature of 1 run, whose time depends on the trained model"
    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, last), result.stderr


def test_a_finished_run_has_nothing_left(tmp_path: Path) -> None:
    assert aevb("train", *TINY, folder=tmp_path).returncode == 0
    result = aevb("train", *TINY, "--estimate", folder=tmp_path)
    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "nothing is left to do")


def test_a_run_that_cannot_be_tried_says_why(tmp_path: Path) -> None:
    wrong = ("optimizer=sgd", "optimizer.lr=1e30", "clip_norm=null")
    result = aevb("train", *TINY, *wrong, "--estimate", folder=tmp_path)
    assert result.returncode == 1
    assert "not measured: " in result.stderr.splitlines()[-1], result.stderr
    assert result.stdout.splitlines()[-1] == "the time of 1 run is not known"
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--check"], "--check --estimate: not together"),
        (["hydra/sweeper=optuna", "-m", "latent_dim=interval(1,5)"], "--estimate: the trials of a search"),
    ],
)
def test_what_has_no_estimate_is_refused(tmp_path: Path, more: list[str], words: str) -> None:
    result = aevb("train", *TINY, *more, "--estimate", folder=tmp_path)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert words in line
