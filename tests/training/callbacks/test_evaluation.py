"""The usual columns are those of bound and importance; other evaluators have columns behind them."""

import json

import numpy as np
import pytest
import torch

from aevb.errors import UserError
from aevb.evaluation.evaluate_run import evaluate_run
from aevb.runs.run import finished
from aevb.training.callbacks.evaluation import COLUMNS, EvaluationCallback, _plain
from aevb.training.schedule import EvaluationSchedule
from helpers.commands import TINY, aevb


def test_another_evaluators_bound_has_its_own_column(tmp_path):
    """`information` measures a bound too, with draws of its own."""
    tiny = [argument for argument in TINY if not argument.startswith("evaluator=")]
    result = aevb("train", *tiny, "evaluator=[bound,importance,information]", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    (run,) = finished(tmp_path)
    values = {item["name"]: item["values"] for item in run.evaluations()}
    assert values["information"]["bound"]["mean"] != pytest.approx(values["bound"]["bound"]["mean"], abs=1e-9)
    for column, name in (("test_bound", "bound"), ("test_reconstruction", "reconstruction"), ("test_kl", "kl")):
        assert run.metrics()[column][-1] == pytest.approx(values["bound"][name]["mean"], abs=1e-9)
    assert run.metrics()["test_information_bound"][-1] == values["information"]["bound"]["mean"]
    assert all("not comparable with tables of binary images" in item["meaning"] for item in run.evaluations())


def test_evaluation_points_use_images_of_both_splits(tmp_path):
    tiny = [argument for argument in TINY if not argument.startswith("evaluator=")]
    both = ("evaluator=[bound,importance,quadrature]", "evaluation.splits=both", "evaluation.num_images=50")
    result = aevb("train", *tiny, *both, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    (run,) = finished(tmp_path)
    metrics, evaluators = (
        run.metrics(),
        {name: run.settings["evaluator"][name] for name in ("importance", "quadrature")},
    )
    assert list(metrics)[: len(COLUMNS)] == list(COLUMNS)
    assert "test_effective_samples" not in metrics
    evaluate_run(run.directory, evaluators, ["train", "test"], num_images=50)
    means = {(item["name"], item["split"], item["n"]): item["mean"] for item in run.evaluations()}
    for split in ("train", "test"):
        assert metrics[f"{split}_log_px"][-1] == pytest.approx(means["importance", split, 50], abs=1e-4)
        assert metrics[f"{split}_quadrature_log_px"][-1] == pytest.approx(means["quadrature", split, 50], abs=1e-4)


def test_evaluation_points_before_the_start_are_skipped(tmp_path):
    assert aevb("train", *TINY, "max_samples=400", "evaluation.start=200", folder=tmp_path).returncode == 0
    (run,) = finished(tmp_path)
    assert run.metrics()["samples_seen"].tolist() == [200, 300, 400]


def test_columns_of_an_evaluator_that_is_left_out_stay(tmp_path):
    tiny = [argument for argument in TINY if not argument.startswith("evaluator=")]
    more = ("evaluator=[bound,information]", "evaluation.splits=both")
    assert aevb("train", *tiny, *more, "name=run", folder=tmp_path).returncode == 0
    (run,) = finished(tmp_path)
    before = run.metrics()
    assert aevb("train", *TINY, "max_samples=500", "name=run", folder=tmp_path).returncode == 0
    (run,) = finished(tmp_path)
    after = run.metrics()
    assert list(after) == list(before)
    for column, values in before.items():
        np.testing.assert_array_equal(after[column][: len(values)], values)
    assert np.isnan(after["test_information_bound"][-1])


def test_a_checkpoint_without_the_names_of_columns_is_read():
    callback = EvaluationCallback(None, {}, None, EvaluationSchedule(100), None)
    callback.load_state_dict({"rows": [{"samples_seen": 100}]})
    assert callback.columns == COLUMNS
    callback.load_state_dict({"rows": [], "columns": ["test_own"]})
    assert callback.columns == (*COLUMNS, "test_own")


def test_an_evaluation_says_what_numbers_of_its_targets_are(tmp_path):
    assert aevb("train", *TINY, folder=tmp_path).returncode == 0
    (run,) = finished(tmp_path)
    result = aevb("evaluate", f"run={run.directory}", "evaluator=information", "num_images=9", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "targets grey/16: grey under a Bernoulli likelihood: lower bounds of E_b log p(b)" in result.stdout
    assert "information, test: " in result.stdout
    (record,) = (item for item in run.evaluations() if item["name"] == "information")
    assert record["meaning"].startswith("grey under a Bernoulli likelihood")
    assert (record["n"], len(record["kl_per_dimension"])) == (9, 2)


@pytest.mark.process
def test_ranks_evaluate_the_model_that_is_saved(tmp_path):
    """Each rank has running means of its own rows, and evaluates every second block."""
    (tmp_path / "normalised.py").write_text(
        "from torch import nn\nfrom aevb.distributions import DiagonalNormal\nfrom aevb.models.base import Encoder\n\n\n"
        "class Normalised(Encoder):\n"
        "    def __init__(self, data_dim: int, latent_dim: int) -> None:\n"
        "        super().__init__()\n"
        "        self.layers = nn.Sequential(nn.BatchNorm1d(data_dim), nn.Linear(data_dim, 2 * latent_dim))\n\n"
        "    def forward(self, x):\n"
        "        return DiagonalNormal(*self.layers(x).chunk(2, -1))\n"
    )
    own = ("model.encoder._target_=normalised.Normalised", "~model.encoder.hidden_dim", "~model.encoder.activation")
    ranks = ("trainer=ddp", "trainer.devices=2", "evaluator.bound.batch_size=100", "--trust", "normalised")
    larger = ("optimizer=adam", "model.initialization=null", "name=run")
    assert aevb("train", *TINY, *own, *ranks, *larger, folder=tmp_path).returncode == 0
    (run,) = finished(tmp_path)
    assert evaluate_run_again(run, tmp_path) == pytest.approx(run.metrics()["test_bound"][-1], abs=1e-6)


def evaluate_run_again(run, folder):
    """The mean bound by aevb-evaluate."""
    words = (f"run={run.directory}", "evaluator=bound", "output_dir=again", "--trust", "normalised")
    assert aevb("evaluate", *words, folder=folder).returncode == 0
    (path,) = (folder / "again").rglob("bound-test.json")
    return json.loads(path.read_text())["mean"]


@pytest.mark.parametrize(
    "value", [np.float64(0.5), np.float32(0.5), torch.tensor(0.5), torch.nn.Parameter(torch.tensor(0.5))]
)
def test_numbers_of_numpy_and_torch_are_written_as_plain_ones(value):
    """metrics.csv had "np.float64(0.5)", with which the whole file could not be read."""
    assert (type(plain := _plain("train_w", value)), plain) == (float, 0.5)


def test_what_is_no_number_is_refused_with_its_column():
    with pytest.raises(UserError, match=r"^train_w: list, .*; allowed: a number; try: value\.item\(\)$"):
        _plain("train_w", [0.5])
    assert (_plain("samples_seen", 3), type(_plain("samples_seen", 3))) == (3, int)
