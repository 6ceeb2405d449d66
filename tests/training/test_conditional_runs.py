"""Runs of conditional models: resumption, what is recorded, what a loaded run does, what is refused before training."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from aevb.config import ConfigError
from aevb.errors import UserError
from aevb.evaluation.evaluate_run import evaluate_run
from aevb.evaluation.export import export_run
from aevb.evaluation.loading import load_run
from aevb.evaluation.trained_model import TrainedModel
from aevb.evaluators.bdmc import BDMC
from aevb.figures.studies.conditional import Conditional
from aevb.figures.studies.reconstructions import Reconstructions
from aevb.files.atomic import write_json
from helpers.commands import settings
from helpers.figure_runs import read_csv
from helpers.in_process import run as command
from helpers.short_runs import outcome, train

CONDITIONAL = (
    "model=conditional",
    "data.targets=dynamic",
    "optimizer=adam",
    "batch_size=20",
)  # adam: without a warm-up


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "whole", 1000, *CONDITIONAL)


@pytest.fixture(scope="module")
def model(run: Path) -> TrainedModel:
    return TrainedModel(run)


def test_an_extended_run_has_the_same_bits(run, tmp_path):
    train(tmp_path / "extended", 400, *CONDITIONAL)
    assert outcome(train(tmp_path / "extended", 1000, *CONDITIONAL)) == outcome(run)


def test_other_labels_are_other_data(run, tmp_path, monkeypatch):
    """The record of the data covers the labels, so a run is not continued with others."""
    from aevb.data.digits import Digits

    copy, load = shutil.copytree(run, tmp_path / "copy"), Digits.load
    monkeypatch.setattr(
        Digits, "load", lambda self: type(load(self))(*(part._replace(label=9 - part.label) for part in load(self)))
    )
    with pytest.raises(UserError, match="changed: train, test"):
        load_run(copy).load_data()


def test_numbers_say_that_the_label_is_given(run):
    done = json.loads((run / "DONE").read_text())
    assert done["num_classes"] == 10
    assert done["targets"].endswith("given the label")


def test_a_loaded_run_takes_labels(model):
    test = model.test()
    x, y = test.x[:6], test.label[:6]
    assert model.encode(x, y).mean.shape == (6, 2)
    z = np.zeros((6, 2), np.float32)
    np.testing.assert_array_equal(model.decode(z, 3), model.decode(z, [3] * 6))
    assert np.ptp(model.decode(z, np.arange(6)), axis=0).max() > 0
    np.testing.assert_array_equal(model.sample(labels=[0, 1, 2]), model.sample(3))
    np.testing.assert_array_equal(model.sample(labels=torch.tensor([0, 1, 2])), model.sample(3))
    for labels, message in (
        ([], "labels: empty"),
        ([[1], [2, 3]], "labels: list is no array"),
        ([10], "labels: 10 to 10"),
    ):
        with pytest.raises(UserError, match=message):
            model.sample(labels=labels)
    assert model.reconstruct(x.reshape(-1, 8, 8), y).shape == (6, 64)
    whole = model.log_px(x, y, samples=20).log_px
    assert np.isfinite(whole).all()
    assert np.abs(whole - model.log_px(x, 9 - y, samples=20).log_px).max() > 0


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda model, x: model.encode(x), "y: missing, and whole is a conditional model"),
        (lambda model, x: model.log_px(x, [0] * 5), r"y: shape \(5,\)"),
        (lambda model, x: model.decode(np.zeros((1, 2)), 10), "y: 10 to 10; allowed: integers from 0 to 9"),
        (lambda model, x: model.decode(np.zeros((1, 2)), [0.5]), "y: float64"),
    ],
)
def test_labels_that_do_not_fit_are_refused(model, ask, message):
    with pytest.raises(UserError, match=message):
        ask(model, model.test().x[:6])


def test_an_evaluation_repeats_the_one_of_the_run(run, tmp_path):
    node = settings("evaluator=bound")["evaluator"]
    (path,) = evaluate_run(run, node, ["test"], output_dir=tmp_path, print_table=False)
    own = json.loads((run / "evaluation" / path.name).read_text())
    assert json.loads(path.read_text())["mean"] == pytest.approx(own["mean"], rel=1e-6)


def test_images_without_a_label_are_refused(run, model):
    with pytest.raises(UserError, match=r"evaluator=bdmc: draws images .* allowed: .*importance"):
        BDMC().check(model.model)


@pytest.mark.slow
def test_exported_networks_have_a_second_input(run, model, tmp_path):
    paths = export_run(load_run(run), "torch_export", tmp_path)
    encoder, decoder = (torch.export.load(path).module() for path in paths)
    x, label = torch.from_numpy(model.test().x[:4]), torch.arange(4)
    y = torch.eye(10)[label]
    torch.testing.assert_close(encoder(x, y)[0], model.encode(x, label).mean)
    torch.testing.assert_close(decoder(torch.zeros(4, 2), y)[0], model.decode(torch.zeros(4, 2), label))


def test_the_figure_has_a_row_for_each_class(run, model, tmp_path):
    copy = shutil.copytree(run, tmp_path / "runs" / "whole")
    choices = {"data": "digits", "objective": "sgvb_b", "optimizer": "adagrad"}
    write_json(copy / "config.yaml", {**model.settings, "choices": choices})  # JSON is YAML
    Conditional(columns=3, classes=[1, 7]).draw(copy.parent, tmp_path)
    rows = read_csv(tmp_path / "conditional.csv")
    assert [row["label"] for row in rows] == ["1", "7"]
    means = [model.sample(3, labels=label).mean() for label in (1, 7)]
    assert [float(row["mean_pixel"]) for row in rows] == pytest.approx(means, rel=1e-6)
    with pytest.raises(UserError, match="none of the 1 finished runs serves"):
        Reconstructions().draw(copy.parent, tmp_path)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("data=frey_face",), "data=FreyFace: FreyFace has no labels.* allowed: array, .*mnist"),
        (("data=mnist", "data.targets=fixed"), "data.targets=fixed: .*no labels"),
        (("objective=wake_sleep",), "objective=wake_sleep: draws images.* allowed: .*autoencoder, .*sgvb_b"),
        (("objective=full_vb",), "objective=full_vb: trains a q.theta.* allowed: .*sgvb_b"),
        (("objective=arm",), "objective=arm: needs a binary z.* allowed: .*sgvb_b"),
        (("objective=lagging", "objective@objective.objective=wake_sleep"), "objective=lagging: draws images"),
    ],
)
def test_what_cannot_be_conditional_is_refused(overrides, message):
    with pytest.raises(ConfigError, match=message):
        settings("model=conditional", *overrides)


def test_own_data_without_labels_are_refused_by_check(tmp_path, monkeypatch, capsys):
    np.savez(tmp_path / "mine.npz", x=np.random.RandomState(0).rand(200, 16))
    words = ["model=conditional", "data=array", f"data.path={tmp_path / 'mine.npz'}", "--check"]
    assert command([*words, f"output_dir={tmp_path}"], monkeypatch) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "mine.npz: not a label for every image, as a conditional model needs" in line
    assert not (tmp_path / "runs").exists()
