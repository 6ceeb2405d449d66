"""What `--check` says of a run whose data, objective or optimizer is of another class than its option names."""

import re
from pathlib import Path

import pytest

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
