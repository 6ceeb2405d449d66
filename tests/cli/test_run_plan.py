"""What `--check` says of a run: one of another class than its option names, one whose origin has been moved."""

import re
from pathlib import Path

import pytest

from aevb import runs
from aevb.runs.origin import with_origin
from helpers.commands import settings
from helpers.in_process import run_command

SOURCE = """
from aevb.data.digits import Digits
from aevb.objectives.sgvb_b import SGVB_B

class OwnDigits(Digits):
    pass

class OwnObjective(SGVB_B):
    pass

def own_optimizer(lr: float, betas: list[float]): ...
"""


@pytest.mark.parametrize(
    ("override", "name"),
    [
        ("data._target_=own_parts.OwnDigits", "OwnDigits-sgvb_b-adam-z20-s0-"),
        ("objective._target_=own_parts.OwnObjective", "digits-OwnObjective-adam-z20-s0-"),
        ("optimizer._target_=own_parts.own_optimizer", "digits-sgvb_b-own_optimizer-z20-s0-"),
        ("seed=0", "digits-sgvb_b-adam-z20-s0:"),
    ],
)
def test_a_run_is_named_by_the_class_that_replaces_the_one_of_an_option(
    override: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figures would take it for the option: own data for MNIST, an own objective for AEVB."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_parts.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    arguments = ["--trust", "own_parts", "--check", "data=digits", "optimizer=adam", "max_samples=1e4", override]
    assert run_command("train", arguments, monkeypatch) == 0
    assert re.match(f"outputs/runs/{name}", capsys.readouterr().out)


@pytest.mark.parametrize("name", ["name=warm", "seed=3"])  # the name of the second has the sha256 of the weights in it
def test_a_finished_run_needs_no_origin(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    origin = tmp_path / "outputs" / "runs" / "origin"
    runs.prepare(origin, settings("data=digits"))
    (origin / "model.pt").write_bytes(b"weights")
    runs.mark_done(origin, {"samples_seen": 1_000_000})
    words = ["data=digits", "init_from=outputs/runs/origin", "max_samples=1e4", "optimizer=adam", name]
    check = ["--check", *words]
    assert run_command("train", check, monkeypatch) == 0
    run = tmp_path / capsys.readouterr().out.partition(":")[0]
    runs.prepare(run, with_origin({**settings(*words), "output_dir": "outputs"}))
    origin.rename(tmp_path / "moved")
    assert run_command("train", check, monkeypatch) == 2  # it has nothing to begin with
    runs.mark_done(run, {"samples_seen": 10_000})
    capsys.readouterr()
    assert run_command("train", check, monkeypatch) == 0
    assert "is finished to 10,000 samples" in capsys.readouterr().out
    assert run_command("train", [*check, "optimizer=sgd"], monkeypatch) == 2
    assert "init_from=outputs/runs/origin: not a finished run (missing)" in capsys.readouterr().err
