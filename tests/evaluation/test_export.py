"""Exported networks: read back by their own runtime, equal to the model for other rows than the exported example."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import aevb
from aevb.errors import UserError
from aevb.evaluation.export import ROWS, TOLERANCE, _Parameters, export_run
from aevb.evaluation.loading import load_run
from helpers.figure_runs import plant_model

MODELS = {
    "paper": ("data=digits", "latent_dim=2"),
    "gaussian": ("data=digits", "latent_dim=3", "model=gaussian"),
    "binary": ("data=digits", "latent_dim=4", "model=binary", "objective=vimco"),
}


OTHERS = {
    "deep": ("data=digits", "latent_dim=2", "hidden_dim=[9,7]", "model.encoder.activation=gelu"),
    "convolutional": ("data=digits", "latent_dim=2", "model=convolutional"),
    "linear": ("data=digits", "latent_dim=2", "model=linear_gaussian"),  # one variance for all images
}


@pytest.fixture(params=MODELS)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return plant_model(tmp_path, *MODELS[request.param])


def images(run: Path, rows: int = 5) -> torch.Tensor:
    return torch.rand((rows, 64), generator=torch.Generator().manual_seed(1))


def test_safetensors_has_the_weights_and_says_whose(run: Path, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors", reason="pip install 'aevb[export]'")
    (path,) = export_run(load_run(run), "safetensors", tmp_path / "out")
    with safetensors.safe_open(path, "pt") as file:
        stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        facts = file.metadata()
    state = torch.load(run / "model.pt", weights_only=True)
    assert stored.keys() == state.keys()
    assert all(torch.equal(stored[name], value) for name, value in state.items())
    assert facts["name"] == run.name
    assert json.loads(facts["settings"])["latent_dim"] == aevb.load(run).latent_dim


def test_safetensors_of_a_run_whose_done_states_no_fingerprint(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors", reason="pip install 'aevb[export]'")
    run = plant_model(tmp_path, *MODELS["paper"])
    done = json.loads((run / "DONE").read_text())
    stated = done.pop("fingerprint")
    (run / "DONE").write_text(json.dumps(done))
    (path,) = export_run(load_run(run), "safetensors", tmp_path / "out")
    with safetensors.safe_open(path, "pt") as file:
        assert file.metadata()["fingerprint"] == stated  # that of its config


@pytest.mark.parametrize("name", [*MODELS, *OTHERS])
def test_torch_export_equals_the_model(name: str, tmp_path: Path) -> None:
    run = plant_model(tmp_path, *{**MODELS, **OTHERS}[name])
    paths = {path.stem: path for path in export_run(load_run(run), "torch_export", tmp_path / "out")}
    model, x = aevb.load(run), images(run)
    mean, second = torch.export.load(paths["encoder"]).module()(x)
    expected = model.model.encoder(x)
    assert_close(mean, expected.mean)
    wanted = expected.logits if hasattr(expected, "logits") else expected.log_var
    assert_close(second, wanted.expand_as(expected.mean))
    assert second.shape == mean.shape
    z = torch.randn((4, model.latent_dim), generator=torch.Generator().manual_seed(2))
    assert_close(torch.export.load(paths["decoder"]).module()(z)[0], model.decode(z))


@pytest.mark.slow
def test_onnx_equals_the_model(run: Path, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="pip install 'aevb[export]'")
    paths = {path.stem: path for path in export_run(load_run(run), "onnx", tmp_path / "out")}
    model, x = aevb.load(run), images(run)
    session = runtime.InferenceSession(paths["encoder"], providers=["CPUExecutionProvider"])
    assert session.get_outputs()[0].name == "mean"
    assert_close(session.run(None, {"x": x.numpy()})[0], model.encode(x).mean)
    z = torch.randn((4, model.latent_dim), generator=torch.Generator().manual_seed(2))
    decoder = runtime.InferenceSession(paths["decoder"], providers=["CPUExecutionProvider"])
    assert_close(decoder.run(None, {"z": z.numpy()})[0], model.decode(z))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["conditional", "conditional_convolutional"])
def test_onnx_of_a_conditional_model_is_compared_at_labels(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At rows of many ones, which are no labels, outputs are far from those of training, and rounding refused an export."""
    pytest.importorskip("onnxruntime", reason="pip install 'aevb[export]'")
    small = (f"model={model}", "data=digits", "latent_dim=2", "optimizer=adam", "evaluator=bound", "logger=none")
    run = aevb.train(*small, max_samples=100, output_dir=tmp_path, progress=False).directory
    forward, labels = _Parameters.forward, []

    def recorded(self: _Parameters, v: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
        labels.append(y)
        return forward(self, v, y)

    monkeypatch.setattr(_Parameters, "forward", recorded)
    export_run(load_run(run), "onnx", tmp_path / "out")  # without a warning of torch
    compared = [y for y in labels if type(y) is torch.Tensor]
    assert {len(y) for y in compared} == {ROWS, 2 * ROWS}
    assert all(set(y.unique().tolist()) == {0, 1} and (y.sum(-1) == 1).all() for y in compared)


def test_the_classifier_of_a_semi_supervised_model_is_exported(tmp_path: Path) -> None:
    small = ("model=semi_supervised", "objective=semi_supervised", "data=digits", "latent_dim=2", "optimizer=adam")
    options = ("evaluator=classification", "logger=none")
    model = aevb.train(*small, *options, max_samples=500, output_dir=tmp_path, progress=False)
    paths = {path.stem: path for path in export_run(load_run(model.directory), "torch_export", tmp_path / "out")}
    assert set(paths) == {"encoder", "decoder", "classifier"}
    x = torch.from_numpy(model.test().x[:4])
    (logits,) = torch.export.load(paths["classifier"]).module()(x)
    assert_close(torch.softmax(logits, -1), model.classify(x))
    assert model.classify(x).sum(-1).tolist() == pytest.approx([1] * 4)


def test_a_model_without_a_classifier_does_not_classify(tmp_path: Path) -> None:
    run = plant_model(tmp_path, *MODELS["paper"])
    with pytest.raises(
        UserError, match=r"classify: VAE of .* has no q\(y\|x\).*allowed: a run of model=semi_supervised"
    ):
        aevb.load(run).classify(images(run))


def assert_close(value: object, expected: torch.Tensor) -> None:
    scale = max(1.0, float(expected.detach().abs().max()))
    np.testing.assert_allclose(
        np.asarray(torch.as_tensor(value).detach()), expected.detach().numpy(), atol=TOLERANCE * scale, rtol=0
    )


def test_a_wrong_export_is_not_put_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The networks are changed after they were exported, as if the runtime computed something else."""
    run = plant_model(tmp_path, *MODELS["paper"])
    loaded, save = load_run(run), torch.export.save

    def spoil(program: torch.export.ExportedProgram, path: Path) -> None:
        save(program, path)
        with torch.no_grad():
            loaded.model.encoder.mean.bias += 1e-3

    monkeypatch.setattr(torch.export, "save", spoil)
    with pytest.raises(UserError, match=r"encoder\.pt2: mean differs from the model"):
        export_run(loaded, "torch_export", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_distributions_are_refused_in_one_line(tmp_path: Path) -> None:
    run = plant_model(tmp_path, "data=digits", "latent_dim=2", "model/encoder=laplace", "model/prior=laplace")
    with pytest.raises(UserError, match="try: format=safetensors"):
        export_run(load_run(run), "torch_export", tmp_path / "out")
