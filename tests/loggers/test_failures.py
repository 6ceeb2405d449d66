"""A logger that fails while a run is trained: one line, the traceback in FAILED, and a run that resumes."""

from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch.loggers import CSVLogger

from aevb import runs
from aevb.errors import UserError
from aevb.loggers.lightning_logger import LightningLogger
from aevb.training import train_run
from helpers.small_run import change, settings_of_a_small_run

pytestmark = pytest.mark.slow


class Failing(CSVLogger):
    """Its store is lost at the second evaluation point, also for what Lightning says to it at the end."""

    lost = False
    calls = 0

    def log_metrics(self, *arguments: Any, **keywords: Any) -> None:
        type(self).calls += 1
        if self.lost and self.calls > 1:
            raise RuntimeError("the store\nis gone")
        super().log_metrics(*arguments, **keywords)

    def finalize(self, status: str) -> None:
        if self.lost and self.calls > 1:
            raise RuntimeError("finalize")
        super().finalize(status)


def test_a_logger_that_fails_is_one_line_and_the_run_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of_a_small_run(tmp_path / "settings")
    monkeypatch.setattr(LightningLogger, "make", lambda self, directory, settings: Failing(directory / "own"))
    node = {"_target_": "aevb.loggers.lightning_logger.LightningLogger", "logger": "of make"}
    run = tmp_path / "run"
    runs.prepare(run, {**change(settings, max_samples=1000), "logger": node})
    monkeypatch.setattr(Failing, "lost", True)
    with pytest.raises(
        UserError, match=r"^logger: LightningLogger failed \(RuntimeError: the store is gone\); allowed: .*"
    ) as raised:
        train_run.run(run)
    assert "\n" not in str(raised.value)
    assert "test_failures.py" in (run / "FAILED").read_text()  # the traceback of the logger
    monkeypatch.setattr(Failing, "lost", False)
    train_run.run(run)
    assert runs.state(run) == "done"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of MLflow's use of SQLAlchemy
@pytest.mark.parametrize("fate", ["of another store", "deleted"])
def test_a_run_that_mlflow_does_not_have_names_the_file_that_says_so(fate: str, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow", reason="pip install 'aevb[mlflow]'")
    from aevb.loggers.mlflow_logger import MLflow

    run = tmp_path / "run"
    run.mkdir()
    MLflow().make(run, {"output_dir": str(tmp_path)})
    if fate == "deleted":
        mlflow.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}").delete_run((run / "mlflow").read_text().strip())
    else:
        (run / "mlflow").write_text(f"{'0' * 32}\n")
    with pytest.raises(
        UserError, match=r"run/mlflow: MLflow's store has no such run .*; try: .* remove .*run/mlflow"
    ) as raised:
        MLflow().make(run, {"output_dir": str(tmp_path)})
    assert "\n" not in str(raised.value)
    (run / "mlflow").unlink()
    MLflow().make(run, {"output_dir": str(tmp_path)})
