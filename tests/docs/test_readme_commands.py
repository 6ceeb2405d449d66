"""The commands of the README run as they are written, with a smaller budget."""

import os
import re
import shlex
from pathlib import Path

import pytest

from helpers.commands import REPOSITORY, aevb

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SMALL = ("max_samples=300", "logger=none", "evaluator=bound", "report=false")
ROWS: list[str] = re.findall(r"^\|.*?`(aevb-train [^`]+)`", README, re.MULTILINE)


def run(command: str, folder: Path, *small: str) -> None:
    """Run a command of the README, which must be there as given, with further overrides."""
    assert command in README
    name, *words = shlex.split(command)
    env = {"AEVB_DATA": os.environ.get("AEVB_DATA", "")}
    done = aevb(name.removeprefix("aevb-"), *words, *small, folder=folder, env=env)
    assert done.returncode == 0, done.stderr


@pytest.mark.process
def test_the_quick_start_and_both_pages(tmp_path):
    run("aevb-train data=digits latent_dim=2 max_samples=2e5", tmp_path, *SMALL)
    run("aevb-train pitfall=kl_sign", tmp_path, *SMALL)
    name = "digits-sgvb_b-adagrad-z2-s0"
    assert "aevb-explore outputs/runs/NAME" in README
    done = aevb("explore", f"outputs/runs/{name}", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "outputs" / "runs" / name / "explorer.html").is_file()
    run("aevb-report", tmp_path)
    assert (tmp_path / "report.html").is_file()


def test_every_figure_has_a_command():
    assert len(ROWS) == 6


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif("AEVB_DATA" not in os.environ, reason="AEVB_DATA: a folder with MNIST and Frey Face")
@pytest.mark.parametrize("command", ROWS)
def test_the_command_of_a_figure_runs(command, tmp_path):
    if "experiment=paper" in command or "experiment=figure3" in command:
        run(command, tmp_path, "--check")  # quadrature and the estimator of appendix D take minutes at any budget
        return
    run(command, tmp_path, *SMALL)
    runs = list((tmp_path / "outputs" / "runs").iterdir())
    assert [path.name for path in runs if not (path / "DONE").exists()] == []
    assert len(runs) > 1
