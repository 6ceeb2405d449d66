"""CSV, MLflow and W&B: what their own stores hold against metrics.csv, also after a run was extended."""

import csv
import json
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from aevb import runs
from aevb.errors import UserError
from aevb.loggers.csv_logger import CSV
from aevb.loggers.lightning_logger import LightningLogger
from aevb.loggers.mlflow_logger import MLflow
from aevb.training import train_run
from helpers.small_run import change, settings_of_a_small_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return settings_of_a_small_run(tmp_path_factory.mktemp("settings"))


def trained_twice(directory: Path, settings: dict[str, Any], logger: dict[str, Any]) -> Path:
    """To 1,000 samples and, by a second start, to 3,000: the first end is none of the second run's points."""
    settings = {**settings, "output_dir": str(directory.parent), "logger": logger}
    for max_samples in (1000, 3000):
        runs.prepare(directory, change(settings, max_samples=max_samples))
        train_run.run(directory)
    return directory


def resumed_from_an_older_checkpoint(run: Path) -> None:
    """From 2,000 samples, after the store has the points beyond it and the end."""
    (run / "DONE").unlink()
    (run / "checkpoints" / "last.ckpt").unlink()
    train_run.run(run)


def expected(run: Path) -> dict[int, float]:
    metrics = runs.Run(run).metrics()
    return dict(zip(metrics["samples_seen"].astype(int).tolist(), metrics["test_bound"].tolist(), strict=True))


def test_csv_has_every_evaluation_point_once(settings, tmp_path):
    run = trained_twice(tmp_path / "run", settings, {"_target_": "aevb.loggers.csv_logger.CSV"})
    with (run / "csv" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    points = {int(row["step"]): float(row["test_bound"]) for row in rows if row["test_bound"]}
    assert points == expected(run)
    assert len([row for row in rows if row["test_bound"]]) == len(points)
    assert float(rows[-1]["final/bound"]) == runs.Run(run).done["test"]["bound"]["mean"]
    assert "latent_dim: 2" in (run / "csv" / "hparams.yaml").read_text()


@pytest.mark.parametrize("torn", ["2000,2000,-1.", "2000,2000,-\n", "2000,2000,-1.5,2\n", "x,y,z\n"])
def test_csv_leaves_out_a_torn_line(torn, settings, tmp_path):
    run = trained_twice(tmp_path / "run", settings, {"_target_": "aevb.loggers.csv_logger.CSV"})
    path = run / "csv" / "metrics.csv"
    path.write_text("step,samples_seen,test_bound\n1000,1000,-1.5\n" + torn)
    resumed_from_an_older_checkpoint(run)
    with path.open() as file:
        points = {int(row["step"]): float(row["test_bound"]) for row in csv.DictReader(file) if row["test_bound"]}
    assert points == {1000: -1.5, 3000: expected(run)[3000]}


def test_csv_removes_only_its_own_files(tmp_path):
    folder = tmp_path / "run" / "csv"
    folder.mkdir(parents=True)
    for name in ("metrics.csv", "hparams.yaml", "notes.txt"):
        (folder / name).write_text("step,train_bound\n")
    CSV().make(tmp_path / "run", {})
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_csv_keeps_rows_without_a_training_bound_and_writes_them_at_once(settings, tmp_path):
    run = tmp_path / "run"
    runs.prepare(run, settings)
    (run / "csv").mkdir()
    rows = ["100.0,-9.0,,100", "200.0,-8.0,,200", "250.0,-7.0,,250", ",,-7.0,250"]
    (run / "csv" / "metrics.csv").write_text("\n".join(["samples_seen,test_bound,final/bound,step", *rows, ""]))
    CSV().logger(run, 250, 50)
    with (run / "csv" / "metrics.csv").open() as file:
        kept = {int(row["step"]): float(row["test_bound"]) for row in csv.DictReader(file)}
    assert kept == {100: -9.0, 200: -8.0}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of MLflow's use of SQLAlchemy
def test_mlflow_has_every_evaluation_point_once(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    mlflow = pytest.importorskip("mlflow", reason="pip install 'aevb[mlflow]'")
    node = {"_target_": "aevb.loggers.mlflow_logger.MLflow", "images": 4}
    many = {"_target_": "aevb.loggers.many.Many", "loggers": {"mlflow": node}}
    choices = {**settings["choices"], "logger@logger.loggers.mlflow": "mlflow"}  # as '+logger@...' makes it
    run = trained_twice(tmp_path / "run", {**settings, "choices": choices}, many)
    resumed_from_an_older_checkpoint(run)
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (stored,) = client.search_runs([client.get_experiment_by_name("aevb").experiment_id])
    history = client.get_metric_history(stored.info.run_id, "test_bound")
    assert {item.step: item.value for item in history} == expected(run)
    assert len(history) == len(expected(run))
    assert stored.data.params["latent_dim"] == "2"
    assert stored.data.params["choices.logger_logger.loggers.mlflow"] == "mlflow"
    assert [item.step for item in client.get_metric_history(stored.info.run_id, "final/bound")] == [1000, 3000]
    assert stored.data.metrics["final/bound"] == runs.Run(run).done["test"]["bound"]["mean"]
    pictures = client.list_artifacts(stored.info.run_id, "prior_samples")
    assert [int(Path(item.path).stem) for item in pictures] == sorted(expected(run))


def test_runs_that_begin_together_make_one_store(tmp_path, monkeypatch):
    """MLflow makes its tables without a lock, so a second run waits until the first has made them."""
    pytest.importorskip("mlflow", reason="pip install 'aevb[mlflow]'")
    making, most = [], []

    class Slow:
        def __init__(self, run_name: str, **_: Any) -> None:
            self.run_name = run_name

        @property
        def run_id(self) -> str:  # what makes the store
            making.append(self.run_name)
            most.append(len(making))
            time.sleep(0.05)
            making.remove(self.run_name)
            return self.run_name

    monkeypatch.setattr("lightning.pytorch.loggers.MLFlowLogger", Slow)
    directories = [tmp_path / "runs" / str(number) for number in range(3)]
    for directory in directories:
        directory.mkdir(parents=True)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda directory: MLflow().make(directory, {"output_dir": str(tmp_path)}), directories))
    assert most == [1, 1, 1]
    assert [(directory / "mlflow").read_text() for directory in directories] == ["0\n", "1\n", "2\n"]


def test_wandb_has_every_evaluation_point_once(settings, tmp_path):
    pytest.importorskip("wandb", reason="pip install 'aevb[wandb]'")
    run = trained_twice(tmp_path / "run", settings, {"_target_": "aevb.loggers.wandb_logger.WandB", "images": 0})
    resumed_from_an_older_checkpoint(run)
    rows = [row for path in sorted(run.glob("wandb/wandb/offline-run-*/*.wandb")) for row in history_of(path)]
    points = [(row["samples_seen"], row["test_bound"]) for row in rows if "test_bound" in row]
    assert len(points) == len(expected(run))
    assert dict(points) == pytest.approx(expected(run))
    assert len([row for row in rows if "final/bound" in row]) == 2


def history_of(path: Path) -> list[dict[str, Any]]:
    """The rows of an offline run of W&B."""
    from wandb.proto import wandb_internal_pb2

    rows = []
    for data in records(path.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "history":
            items = record.history.item
            rows.append({item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items})
    return rows


def records(content: bytes, block: int = 32768) -> Iterator[bytes]:
    """The records of a log in LevelDB's format: blocks of fragments with a header of checksum, length and kind."""
    at, parts = 7, b""  # after W&B's own header
    while at + 7 <= len(content):
        if block - at % block < 7:  # the rest of a block that is too short for a header is padding
            at += block - at % block
            continue
        length, kind = struct.unpack_from("<HB", content, at + 4)
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, last
            yield parts
            parts = b""


def test_no_logger_and_missing_packages_are_one_line():
    with pytest.raises(UserError, match=r"--trust lightning$"):
        LightningLogger()


def test_a_missing_package_names_the_extra(monkeypatch):
    from aevb.config import machine
    from aevb.loggers import wandb_logger

    monkeypatch.setattr(machine, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'aevb\[wandb\]'$"):
        wandb_logger.WandB()


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (None, "mlflow.db: MLflow cannot use this store .*; allowed: a database that MLflow made; try: move it away"),
        ("foo://bar", "logger.tracking_uri=foo://bar: MLflow cannot use this store .*; try: logger.tracking_uri=null"),
    ],
)
def test_a_store_that_mlflow_cannot_use_is_refused(tmp_path, uri, message):
    pytest.importorskip("mlflow", reason="pip install 'aevb[mlflow]'")
    (tmp_path / "mlflow.db").write_bytes(b"no database" * 100)
    (tmp_path / "run").mkdir()
    with pytest.raises(UserError, match=message):
        MLflow(tracking_uri=uri).make(tmp_path / "run", {"output_dir": str(tmp_path)})
    assert not (tmp_path / "run" / "mlflow").exists()
