"""Run directories and configs from strangers are data: real payloads, each of which would leave a file called `proof`."""

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from omegaconf import OmegaConf

import aevb as package
import aevb.cli.hydra_app
from aevb import runs
from aevb.config import validate
from aevb.errors import UserError
from aevb.files.atomic import temporary
from aevb.training import train_run
from helpers.commands import TINY, aevb, composed
from helpers.short_runs import train


class Payload:
    """Unpickled, it makes the folder `proof` in the working directory."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("proof",)


CALL = {"_target_": "os.mkdir", "path": "proof"}
WRITE = {"_target_": "pathlib.Path.touch", "self": "proof"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run to 500 samples."""
    return train(tmp_path_factory.mktemp("made") / "run", 500, "logger=tensorboard")


@pytest.fixture
def run(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy, under a working directory in which nothing else is."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(made, tmp_path / "run")
    return tmp_path / "run"


def change(run: Path, path: str, value: Any) -> None:
    settings = yaml.safe_load((run / "config.yaml").read_text())
    *above, last = path.split(".")
    node = settings
    for key in above:
        node = node[key]
    node[last] = value
    (run / "config.yaml").write_text(yaml.safe_dump(settings))


def begin_again(run: Path) -> None:
    (run / "DONE").unlink()
    shutil.rmtree(run / "checkpoints")


def test_the_payload_works(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(Payload()))
    assert (tmp_path / "proof").exists()


@pytest.mark.fault(
    "a pickle in model.pt from an untrusted source",
    "refused, not executed",
)
@pytest.mark.parametrize("form", ["torch", "old torch", "bare"])
def test_a_pickle_in_the_weights(form: str, run: Path) -> None:
    state = {**torch.load(run / "model.pt", weights_only=True), "more": Payload()}
    if form == "bare":
        (run / "model.pt").write_bytes(pickle.dumps(state))
    else:
        torch.save(state, run / "model.pt", _use_new_zipfile_serialization=form == "torch")
    with pytest.raises(UserError, match=r"model\.pt: (refused, it holds more than tensors|damaged)"):
        package.load(run)
    assert not Path("proof").exists()


@pytest.mark.fault(
    "a pickle in a checkpoint from an untrusted source",
    "refused, not executed",
)
@pytest.mark.parametrize("form", ["torch", "old torch", "bare"])
def test_a_pickle_in_a_checkpoint(form: str, run: Path) -> None:
    for path in (run / "checkpoints").iterdir():
        state = {**torch.load(path, weights_only=True), "more": Payload()}
        if form == "bare":
            path.write_bytes(pickle.dumps(state))
        else:
            torch.save(state, path, _use_new_zipfile_serialization=form == "torch")
    with pytest.raises(UserError, match=r"last\.ckpt.*: (refused, it holds more than tensors|damaged)"):
        train_run.run(run)
    assert not Path("proof").exists()


@pytest.mark.fault(
    "a pickle in a data file",
    "refused, not executed",
)
def test_a_pickle_in_the_data(run: Path) -> None:
    np.save("mine.npy", np.array([Payload()], dtype=object))
    change(run, "data", {"_target_": "aevb.data.array.ArrayDataset", "path": "mine.npy"})
    begin_again(run)
    with pytest.raises(UserError, match=r"data\.path=\S*mine\.npy: an object array"):
        train_run.run(run)
    assert not Path("proof").exists()


@pytest.mark.fault(
    "a call (`_target_`) anywhere in an untrusted config.yaml, also nested and in lists",
    "refused before anything is imported",
)
@pytest.mark.parametrize("call", [CALL, WRITE], ids=["os.mkdir", "Path.touch"])
@pytest.mark.parametrize(
    "path",
    ["data", "model", "model.encoder", "model.encoder.hidden_dim", "objective", "optimizer", "optimizer.lr", "trainer",
     "logger", "evaluator.bound", "evaluator.mine", "evaluation.num_images", "data.targets"],
)  # fmt: skip
def test_a_call_anywhere_in_a_runs_config(path: str, call: dict[str, str], run: Path) -> None:
    config = (run / "config.yaml").read_text()
    for form in (call, [call], {"deep": [{"deeper": call}]}):
        (run / "config.yaml").write_text(config)
        change(run, path, form)
        begin_again(run) if (run / "DONE").exists() else None
        with pytest.raises(UserError, match=r"not a target that a config may name|: damaged; allowed: a mapping"):
            train_run.run(run)
    assert not Path("proof").exists()


@pytest.mark.parametrize(
    "target",
    ["${oc.env:HOME}", "${data._target_}", "os.mkdir", "aevb.training.train_run.os.mkdir", "aevb.runs.lifecycle.shutil.rmtree", "builtins.eval",
     "aevb.data.mnist", "aevb.models.vae.VAE.load_state_dict", "", None, 3, ["os.mkdir"], " aevb.data.digits.Digits"],
)  # fmt: skip
def test_targets_that_are_nearly_allowed(target: Any, run: Path) -> None:
    change(run, "evaluator.mine", {"_target_": target})
    begin_again(run)
    with pytest.raises(UserError, match="not a target that a config may name"):
        train_run.run(run)


@pytest.mark.fault(
    "a `_target_` that an interpolation produces",
    "refused",
)
def test_a_target_through_an_interpolation_in_a_composed_config(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    cfg = composed("data=digits")
    OmegaConf.set_struct(cfg, False)
    for value in ("${payload._target_}", "${payload}"):
        cfg.payload = CALL
        cfg.evaluator.bound = value if value == "${payload}" else {"_target_": value, "path": "proof"}
        with pytest.raises(UserError, match="not a target that a config may name"):
            validate(cfg)
    assert not Path("proof").exists()


@pytest.mark.fault(
    "`${oc.env:SECRET}` or another resolver in an untrusted config.yaml",
    "it stays text: the resolver is not called, and the value appears nowhere",
)
def test_nothing_in_an_untrusted_config_is_resolved(run: Path, monkeypatch) -> None:
    """Neither the environment nor a resolver that some program has registered is asked."""
    monkeypatch.setenv("AEVB_SECRET", "swordfish")
    requests: list[str] = []
    OmegaConf.register_new_resolver("spy", lambda: requests.append("asked") or "swordfish", replace=True)
    try:
        for key in ("name", "output_dir"):
            change(run, key, "${oc.env:AEVB_SECRET}")
        settings = runs.read_settings(run)
        (run / "config.yaml").write_text(yaml.safe_dump({**settings, "choices": {"data": "${spy:}"}}))
        with pytest.raises(UserError, match=r"choices\.data='\$\{spy:\}': damaged"):
            train_run.run(run)
        settings["evaluator"]["note"] = {"_target_": "aevb.evaluators.bound.Bound"}
        (run / "config.yaml").write_text(yaml.safe_dump(settings))
        begin_again(run)
        train_run.run(run)
        assert runs.state(run) == "done"
        package.load(run)
    finally:
        OmegaConf.clear_resolver("spy")
    assert requests == []
    assert not [path for path in run.rglob("*") if path.is_file() and b"swordfish" in path.read_bytes()]
    assert sorted(path.name for path in run.parent.iterdir()) == ["run"]  # nor is a place taken from it


@pytest.mark.fault(
    "YAML tags that create Python objects",
    "refused with one line that names the file; not executed",
)
@pytest.mark.parametrize(
    "text",
    ["!!python/object/apply:os.mkdir [proof]", "!!python/object/new:os.mkdir [proof]", "!!python/name:os.mkdir",
     "!!python/module:antigravity", "!!python/object:faults.test_strangers.Payload {}"],
)  # fmt: skip
def test_tags_of_yaml(text: str, run: Path) -> None:
    config = run / "config.yaml"
    config.write_text(f"{config.read_text()}\nmore: {text}\n")
    for use in (train_run.run, package.load):
        with pytest.raises(UserError, match=r"config\.yaml: not a config \(") as error:
            use(run)
        assert "\n" not in str(error.value)
    assert not Path("proof").exists()


@pytest.mark.fault(
    "a name or an option with a path outside outputs/runs",
    "refused with one line; nothing is written",
)
@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "..", ".", "a/b", "a\nb", "", "-x", "..x", "a\\b", "x\x00"])
def test_names_that_lead_elsewhere(name: str, tmp_path: Path) -> None:
    cfg = composed("data=digits")
    cfg.name = name
    with pytest.raises(UserError, match=r"no name for a folder"):
        validate(cfg)


def test_an_option_from_elsewhere_leads_nowhere_else(tmp_path: Path) -> None:
    result = aevb("train", *TINY, "data=../data/digits", folder=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "data=../data/digits: not the name of an option; allowed: " in result.stderr.splitlines()[-1]
    assert not (tmp_path / "outputs").exists()


@pytest.mark.fault(
    "symbolic links in an untrusted run directory",
    "replaced, not followed",
)
def test_links_in_a_run_directory_are_replaced_not_followed(run: Path, tmp_path: Path) -> None:
    own_file = tmp_path / "mine"
    own_file.write_text("precious")
    names = ["model.pt", "metrics.csv", "timing.csv", "data.json", temporary(run / "metrics.csv").name, "FAILED"]
    begin_again(run)
    for name in names:
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(own_file)
    own_file.write_text((Path(run) / "data.json").read_text())
    (run / "data.json").unlink()
    train_run.run(run)
    assert runs.state(run) == "done"
    assert own_file.read_text() == "precious"


def test_a_link_where_a_file_is_staged_is_not_followed(tmp_path: Path) -> None:
    own_file = tmp_path / "mine"
    own_file.write_text("precious")
    temporary(tmp_path / "metrics.csv").symlink_to(own_file)
    runs.write_text(tmp_path / "metrics.csv", "rows")
    assert own_file.read_text() == "precious"
    assert (tmp_path / "metrics.csv").read_text() == "rows"
