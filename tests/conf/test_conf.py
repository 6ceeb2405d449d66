"""Every YAML of conf/ composes and binds; data sets, decoders and experiments choose for one another in the right order."""

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import hydra
import pytest
from omegaconf import OmegaConf

from aevb.config import CONF, RUNTIME, difference, fingerprint, options, targets, validate
from aevb.config.instantiate import instantiate
from aevb.config.tree import read_yaml, targets_in
from helpers.commands import composed, settings

GROUPS = sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name not in ("hydra", "figure"))
PITFALLS = [f"{group}/pitfalls" for group in GROUPS if (CONF / group / "pitfalls").is_dir()]
CHOICES = [f"{group}={option}" for group in GROUPS for option in options(group)]
CHOICES += [f"{group.partition('/')[0]}=pitfalls/{option}" for group in PITFALLS for option in options(group)]
PARTS = ("model/encoder", "model/prior")
CHOICES += [
    "model/encoder=gaussian",
    "model/encoder=beta",
    "model/prior=logistic model/encoder=laplace",
]  # the others bind alike
CHOICES.remove("experiment=paper")  # of a sweep alone: tests/cli/test_experiment_sweep.py
COMPANIONS = {
    f"model={name}": ("objective=arm",) for name in ("binary", "binary_linear")
}  # the defaults do not suit them
COMPANIONS["model=autoregressive"] = ("data.targets=dynamic",)
FIGURES = [f"figure={option}" for option in options("figure")]


def nodes(value: Any) -> list[dict[str, Any]]:
    """Every mapping with `_target_` below `value`."""
    if isinstance(value, list):
        return [node for item in value for node in nodes(item)]
    if not isinstance(value, dict):
        return []
    return [value] * ("_target_" in value) + [node for item in value.values() for node in nodes(item)]


def bind(node: dict[str, Any]) -> None:
    path, _, name = node["_target_"].rpartition(".")
    signature = inspect.signature(getattr(import_module(path), name))
    given = {key: value for key, value in node.items() if key != "_target_"}
    signature.bind(**dict.fromkeys(RUNTIME & signature.parameters.keys() - given.keys()), **given)


def test_there_is_something_to_choose() -> None:
    assert {"data=mnist", "model=gaussian", "objective=sgvb_a", "evaluator=bound"} <= set(CHOICES)


@pytest.mark.parametrize("choice", CHOICES)
def test_every_option_composes_validates_and_binds(choice: str) -> None:
    for node in nodes(settings(*choice.split(), *COMPANIONS.get(choice, ()))):
        bind(node)


@pytest.mark.parametrize("part", PARTS)
def test_every_encoder_and_prior_binds(part: str) -> None:
    for option in options(part):
        found = OmegaConf.to_container(OmegaConf.load(CONF / part / f"{option}.yaml"), resolve=False)
        for node in nodes(found):
            bind({key: value for key, value in node.items() if key != "defaults"})


@pytest.mark.parametrize("choice", FIGURES)
def test_every_figure_composes_validates_and_binds(choice: str) -> None:
    for node in nodes(validate(composed(choice, root="figure"), root="figure")):
        bind(node)


def test_every_yaml_is_an_option() -> None:
    named = {
        CONF / f"{group}/{option}.yaml" for group in [*GROUPS, *PITFALLS, *PARTS, "figure"] for option in options(group)
    }
    roots = {CONF / f"{name}.yaml" for name in ("train", "evaluate", "figure")}
    helps = {CONF / f"hydra/help/{name}.yaml" for name in ("train", "evaluate", "figure")}
    launchers = {CONF / f"hydra/launcher/{name}.yaml" for name in ("cores", "ensemble", "slurm")}
    sweepers = {CONF / "hydra/sweeper/experiments.yaml"}
    assert set(CONF.rglob("*.yaml")) == named | roots | helps | launchers | sweepers


def test_evaluate_composes() -> None:
    found = validate(composed("run=x", root="evaluate"), root="evaluate")
    assert set(found["evaluator"]) == {"bound", "importance"}


def decoder(*overrides: str) -> tuple[str, int, int, int]:
    found = settings(*overrides)
    model = found["model"]
    assert model["encoder"]["hidden_dim"] == model["decoder"]["hidden_dim"]
    window = found["evaluation"]["train_window"]
    return model["decoder"]["_target_"].rpartition(".")[2], found["hidden_dim"], model["encoder"]["hidden_dim"], window


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["data=mnist"], ("BernoulliDecoder", 500, 500, 230_000)),
        (["data=frey_face"], ("GaussianDecoder", 200, 200, 460_000)),
        (["data=frey_face", "model=bernoulli"], ("BernoulliDecoder", 200, 200, 460_000)),
        (["model=bernoulli", "data=frey_face"], ("BernoulliDecoder", 200, 200, 460_000)),
        (["data=frey_face", "hidden_dim=50"], ("GaussianDecoder", 50, 50, 460_000)),
        (["data=frey_face", "evaluation.train_window=7"], ("GaussianDecoder", 200, 200, 7)),
        (["data=mnist", "model=gaussian"], ("GaussianDecoder", 500, 500, 230_000)),
    ],
)
def test_a_data_set_chooses_its_decoder_unless_told(overrides: list[str], expected: tuple[str, int, int, int]) -> None:
    assert decoder(*overrides) == expected


def test_an_experiment_may_choose_the_data_set(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    header = "# @package _global_\ndefaults:\n  - override /data: frey_face\n"
    (tmp_path / "experiment" / "faces.yaml").write_text(
        f"{header}latent_dim: 2\nhidden_dim: 7\noptimizer: {{lr: 0.02}}\n"
    )
    (tmp_path / "experiment" / "odd.yaml").write_text(f"{header}  - override /model: bernoulli\n")
    path = f"hydra.searchpath=[file://{tmp_path}]"
    faces = settings(path, "experiment=faces")
    assert faces["model"]["decoder"]["_target_"] == "aevb.models.gaussian.GaussianDecoder"
    assert (faces["latent_dim"], faces["hidden_dim"], faces["optimizer"]["lr"]) == (2, 7, 0.02)
    assert faces["evaluation"]["train_window"] == 460_000
    assert decoder(path, "experiment=odd")[:2] == ("BernoulliDecoder", 200)
    over = settings(path, "experiment=faces", "latent_dim=9", "data=mnist")
    assert (over["latent_dim"], over["data"]["_target_"]) == (9, "aevb.data.mnist.MNIST")


def test_targets_are_what_parsing_the_files_finds() -> None:
    ours = [path for path in CONF.rglob("*.yaml") if CONF / "hydra" not in path.parents]
    assert targets() == {name for path in ours for name in targets_in(read_yaml(path))}


def test_targets_are_all_of_aevb() -> None:
    assert all(target.startswith("aevb.") for target in targets())


def test_a_model_builds_from_its_config() -> None:
    found = settings("data=digits", "latent_dim=3")
    model = instantiate(found["model"], data_dim=64)
    assert model.decoder.logits.weight.shape == (64, 100)
    assert hydra.core.global_hydra.GlobalHydra.instance().is_initialized() is False


def test_an_encoder_brings_its_prior_unless_told() -> None:
    found = settings("model/encoder=gamma")["model"]
    assert (found["encoder"]["family"], found["prior"]["family"]) == ("gamma", "exponential")
    assert settings("model/encoder=gamma", "model/prior=log_normal")["model"]["prior"]["family"] == "log_normal"
    assert settings("model/encoder=laplace")["model"]["prior"]["_target_"] == "aevb.models.prior.StandardNormal"
    assert settings("model/encoder=gaussian") == settings()


def test_wake_sleep_that_dreams_in_samples_is_what_it_was_before_it_could_choose() -> None:
    samples, means = (settings("objective=wake_sleep", f"objective.dreams={what}") for what in ("samples", "means"))
    older = {**samples, "objective": {key: value for key, value in samples["objective"].items() if key != "dreams"}}
    assert fingerprint(samples) == fingerprint(older) != fingerprint(means)


def test_gradients_that_are_not_clipped_leave_the_identity_alone() -> None:
    plain, clipped = settings(), settings("clip_norm=1")
    older = {key: value for key, value in plain.items() if not key.startswith("clip_")}
    assert fingerprint(plain) == fingerprint(older) != fingerprint(clipped)
    assert difference(clipped, older) == {"clip_norm": (1.0, "absent")}
