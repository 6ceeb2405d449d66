"""A run that starts from another run's weights: what it starts with, what its identity is, and what is refused."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from aevb import runs
from aevb.config import fingerprint
from aevb.errors import UserError
from aevb.runs.origin import with_origin
from aevb.training import train_run
from helpers.commands import settings
from helpers.short_runs import outcome

DIGITS = (
    "data=digits",
    "latent_dim=2",
    "hidden_dim=20",
    "evaluator=bound",
    "logger=none",
    "evaluation.start=1",
    "optimizer.warmup=0",
)


def train(directory: Path, *overrides: str) -> Path:
    chosen = settings(*DIGITS, *overrides)
    runs.prepare(directory, with_origin(chosen) if chosen["init_from"] else chosen)
    train_run.run(directory)
    return directory


@pytest.fixture(scope="module")
def origin(tmp_path_factory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "origin", "max_samples=3000")


def first_bound(run: Path) -> float:
    return runs.Run(run).metrics()["test_bound"][0]


def test_it_starts_from_the_weights(origin, tmp_path):
    still = train(tmp_path / "still", f"init_from={origin}", "optimizer.warmup=1000", "max_samples=100")
    torch.testing.assert_close(
        torch.load(still / "model.pt", weights_only=True), torch.load(origin / "model.pt", weights_only=True),
        rtol=0, atol=0,
    )  # fmt: skip
    for record in (runs.Run(still).done, json.loads((still / "manifest.json").read_text())):
        assert record["init_from"] == {
            "run": str(origin),
            "model_sha256": runs.Run(origin).done["model_sha256"],
        }


def test_the_state_of_the_optimizer_comes_along_if_wanted(origin, tmp_path):
    """Adagrad's sums of squared gradients: without them the first step has the size of the learning rate everywhere."""
    at = runs.Run(origin).metrics()["test_bound"][-1]
    arguments = (f"init_from={origin}", "optimizer.lr=0.02", "max_samples=100")
    weights = first_bound(train(tmp_path / "weights", *arguments))
    everything = first_bound(train(tmp_path / "everything", *arguments, "init_optimizer=true"))
    assert abs(everything - at) < 0.5 < abs(weights - at)
    state = torch.load(tmp_path / "everything" / "checkpoints" / "last.ckpt", weights_only=True)["optimizer_states"][0]
    assert state["param_groups"][0]["lr"] == 0.02
    assert int(next(iter(state["state"].values()))["step"]) == 31


@pytest.mark.slow
def test_it_is_resumed_without_the_origin(origin, tmp_path):
    copy = shutil.copytree(origin, tmp_path / "copy")
    chosen = with_origin(settings(*DIGITS, f"init_from={copy}", "max_samples=2500"))
    runs.prepare(tmp_path / "run", {**chosen, "max_samples": 1500})
    train_run.run(tmp_path / "run")
    shutil.rmtree(copy)
    runs.prepare(tmp_path / "run", chosen)
    train_run.run(tmp_path / "run")
    whole = train(tmp_path / "whole", f"init_from={origin}", "max_samples=2500")
    assert outcome(tmp_path / "run") == outcome(whole)


def test_the_weights_are_the_identity_and_not_their_folder(origin, tmp_path):
    copy = shutil.copytree(origin, tmp_path / "elsewhere")
    plain = settings(*DIGITS)
    one, other = (with_origin(settings(*DIGITS, f"init_from={path}")) for path in (origin, copy))
    assert fingerprint(one) == fingerprint(other) != fingerprint(plain)
    assert fingerprint({**one, "init_optimizer": True}) != fingerprint(one)
    assert fingerprint({**plain, "init_from": None, "init_optimizer": False}) == fingerprint(plain)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("init_from=/nowhere",), r"init_from=/nowhere: not a finished run \(missing\); allowed: .*; try: "),
        (("init_from=a.zip:b",), r"init_from=a\.zip:b: in an archive; allowed: .*; try: aevb-weights unpack a\.zip b$"),
        (("init_from={origin}", "init_sha256=ab"), r"init_sha256=ab: .* has other weights; allowed: [0-9a-f]{64}"),
        (("init_from={origin}", "init_optimizer=true", "optimizer=adam"), r"trained with AuthorsAdagrad, this run has adam"),
    ],
)  # fmt: skip
def test_what_cannot_be_started_from_is_refused_before_torch(origin, overrides, message):
    arguments = [text.format(origin=origin) for text in overrides]
    base = [text for text in DIGITS if "warmup" not in text]
    with pytest.raises(UserError, match=message) as error:
        with_origin(settings(*base, *arguments))
    assert "\n" not in str(error.value)


def test_weights_of_another_model_are_refused_in_one_line(origin, tmp_path):
    runs.prepare(tmp_path / "run", with_origin(settings(*DIGITS, f"init_from={origin}", "hidden_dim=30")))
    with pytest.raises(
        UserError, match=r"model\.pt: not the weights of the model in config\.yaml; try: the model, latent"
    ):
        train_run.run(tmp_path / "run")


def test_weights_that_changed_since_are_refused(origin, tmp_path):
    copy = shutil.copytree(origin, tmp_path / "copy")
    runs.prepare(tmp_path / "run", with_origin(settings(*DIGITS, f"init_from={copy}")))
    state = {name: value + 1 for name, value in torch.load(copy / "model.pt", weights_only=True).items()}
    torch.save(state, copy / "model.pt")
    with pytest.raises(UserError, match=r"its model\.pt is not the one that this run was prepared with"):
        train_run.run(tmp_path / "run")
