"""Evaluations of a finished run in TensorBoard: what cannot be written is one line, and the records stay."""

import errno
from pathlib import Path
from typing import Any, NoReturn

import pytest

from aevb.errors import UserError
from aevb.loggers import evaluation_summaries
from helpers.figure_runs import plant_model


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device", b"events.out")  # as TensorBoard does, with bytes

    run = plant_model(tmp_path, "data=digits", "latent_dim=2")
    (run / "tb").mkdir(exist_ok=True)
    monkeypatch.setattr(evaluation_summaries, "SummaryWriter", full)
    with pytest.raises(UserError) as refused:
        evaluation_summaries.write_evaluation_summaries(run)
    assert str(refused.value).startswith(f"{run}/tb/evaluation: cannot be written (No space left on device); ")
    assert "try: make room there" in str(refused.value)
