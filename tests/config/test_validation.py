"""Faults of a config are reported together, each with what to try."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from aevb.config import ConfigError, validate
from helpers.commands import composed, settings
from helpers.sources import module


def test_an_empty_folder_is_not_the_working_directory() -> None:
    with pytest.raises(ConfigError, match=r"^output_dir=: empty; allowed: a folder; try: output_dir=\.$"):
        validate(composed("output_dir=''"))


def test_a_default_that_another_class_lacks_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
    class Decoder:
        def __init__(self, latent_dim: int, hidden_dim: int) -> None: ...
    """
    module(tmp_path, monkeypatch, "plain_decoder", source)
    chosen = "model.decoder._target_=plain_decoder.Decoder"
    with pytest.raises(ConfigError) as refusal:
        validate(composed(chosen), ("plain_decoder",), overrides=(chosen,))
    assert refusal.value.faults == [
        "model.decoder.activation=tanh: a default, and no such key of the _target_ that you chose; "
        "allowed: latent_dim, hidden_dim; try: '~model.decoder.activation'"
    ]
    validate(composed(chosen, "~model.decoder.activation"), ("plain_decoder",), overrides=(chosen,))
    typed = (chosen, "model.decoder.activation=relu")
    with pytest.raises(ConfigError, match="no such key; did you mean"):
        validate(composed(*typed), ("plain_decoder",), overrides=typed)


@pytest.mark.parametrize(
    ("chosen", "remedy"),
    [("model/encoder=planar", "model/encoder=gaussian"), ("model/encoder=gamma", "model/encoder=gaussian")]
    + [(f"model={name}", "model=bernoulli") for name in ("binary", "two_layer")],
)
def test_an_encoder_that_cannot_be_a_point_is_replaced_for_the_autoencoder(chosen: str, remedy: str) -> None:
    """Without the key, as was suggested, the run began and ended in the suggestion to set it again."""
    words = ("objective=autoencoder", chosen)
    with pytest.raises(ConfigError) as refusal:
        validate(composed(*words), overrides=words)
    (line,) = [line for line in refusal.value.faults if "variance" in line]
    assert line == (
        "model.encoder.variance=0: the objective needs a point for q(z|x), and this encoder has none; "
        f"allowed: the encoders of model=bernoulli, gaussian, convolutional and conditional; try: {remedy}"
    )
    validate(composed("objective=autoencoder", remedy), overrides=("objective=autoencoder", remedy))


TILTED = """
class Tilted:
    def __init__(self, temperature: float, samples: int = 1, weight_prior: float = 1.0) -> None: ...
"""


def test_a_key_that_a_file_leaves_to_another_class_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module(tmp_path, monkeypatch, "tilted", TILTED)
    cfg = composed("experiment=demo")
    node = {"_target_": "tilted.Tilted", "temperatures": 0.5}  # as an experiment would have it
    cfg = OmegaConf.merge(OmegaConf.to_container(cfg), {"objective": node})
    with pytest.raises(ConfigError) as refusal:
        validate(cfg, ("tilted",), overrides=("experiment=demo",))
    own = "allowed: temperature, samples, weight_prior"
    assert refusal.value.faults == [
        f"objective.beta=1.0: set by a file, and no such key of its _target_; {own}; try: '~objective.beta'",
        "objective.temperatures=0.5: no such key; did you mean objective.temperature?; "
        f"{own}; try: objective.temperature=0.5",
        "objective.temperature: missing; allowed: a number; try: objective.temperature=...",
    ]


def test_a_class_that_is_not_defined_is_answered_with_a_near_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module(tmp_path, monkeypatch, "tilted", TILTED)
    typed = ("objective._target_=tilted.Tilte",)
    with pytest.raises(ConfigError, match=r"no such class or function; .*; try: objective\._target_=tilted\.Tilted$"):
        validate(composed(*typed), ("tilted",), overrides=typed)


def test_a_module_without_a_class_is_answered_with_its_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module(tmp_path, monkeypatch, "tilted", TILTED)
    typed = ("objective._target_=tilted",)
    with pytest.raises(
        ConfigError,
        match=r"=tilted: names a module and not a class; .*, tilted\.Tilted; try: objective\._target_=tilted\.Tilted$",
    ):
        validate(composed(*typed), ("tilted",), overrides=typed)


def test_all_faults_are_reported_together() -> None:
    cfg = composed("latent_dim=0", "optimizer.lr=-1", "+nonsense=1", "+model.latnet_dim=3", "objective.samples=1.5")
    with pytest.raises(ConfigError) as error:
        validate(cfg)
    keys = ["nonsense=1", "latent_dim=0", "model.latnet_dim=3", "objective.samples=1.5", "optimizer.lr=-1"]
    assert sorted(line.split(":")[0] for line in error.value.faults) == sorted(keys)
    assert str(error.value).splitlines() == error.value.faults
    assert all("; allowed: " in line for line in error.value.faults)


def test_a_value_is_reported_once_under_its_key() -> None:
    with pytest.raises(ConfigError) as error:
        settings("hidden_dim=-5")
    allowed = "an integer >= 1 or a list of: an integer >= 1"
    assert error.value.faults == [f"hidden_dim=-5: out of range; allowed: {allowed}; try: hidden_dim=500"]


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["batch_size=50001"], "batch_size=50001: more than"),
        (["data.n_train=99"], "batch_size=100: more than"),
        (
            ["trainer.devices=3"],
            "batch_size=100: cannot be shared evenly; allowed: a multiple of trainer.devices=3; try: batch_size=99",
        ),
        (["name=a/b"], "name=a/b: no name for a folder"),
        (["name=.."], "name=..: no name for a folder"),
        (["seed=${nothing}"], "seed: Interpolation key 'nothing' not found; try: "),
        (["~model.prior"], "model.prior: missing"),
        (
            ["evaluator.importance=null"],
            "evaluator.importance=null: not a mapping; allowed: a mapping {name: value}; try: '~evaluator.importance', which removes it",
        ),
        (
            ["experiment=priors", "evaluator=bound"],
            "evaluator.importance: settings of an option that evaluator does not name; allowed: ais",
        ),
        (["~model._target_"], "model: nothing says what to build (no _target_); allowed: autoregressive, bernoulli"),
        (["model=autoregressive"], "data.targets=grey: AutoregressiveDecoder is a probability of binary images"),
        (["~data"], "data: missing; allowed: array, "),
        (["seed=true"], "seed=true: not an integer"),
        (["model.encoder=3"], "model.encoder=3: describes no object; allowed: beta, cauchy, "),
        (
            ["++data.targets=gray"],
            "data.targets=gray: no such choice; allowed: grey, dynamic, threshold, fixed; try: data.targets=grey",
        ),
        (["++optimizer._partial_=true"], "optimizer._partial_=true: no such key"),
    ],
)
def test_faults(overrides: list[str], line: str) -> None:
    with pytest.raises(ConfigError) as error:
        settings(*overrides)
    assert len(error.value.faults) == 1
    assert error.value.faults[0].startswith(line)


def test_settings_are_plain_and_resolved() -> None:
    config = settings("latent_dim=3", "max_samples=1e6")
    assert OmegaConf.to_container(OmegaConf.create(config), resolve=False) == config
    assert config["model"]["encoder"]["latent_dim"] == 3
    assert type(config["max_samples"]) is int
    assert "$" not in str(config)
