"""Whether evaluators support a model is decided before a run, as the evaluators decide it when they are built."""

import shlex
from typing import Any

import pytest
from omegaconf import OmegaConf

from aevb.config import ConfigError, options, validate
from aevb.config.evaluator_rules import _node
from aevb.config.instantiate import instantiate
from aevb.errors import UserError
from aevb.estimators import enumeration, quadrature
from aevb.evaluators.enumeration import Enumeration
from aevb.evaluators.quadrature import Quadrature
from aevb.models.vae import VAE
from helpers.commands import composed, settings

DATA = ("data=digits", "data.targets=threshold", "hidden_dim=3")
MODELS = {
    "normal": ("model=gaussian", "latent_dim=2"),
    "four dimensions": ("model=bernoulli", "latent_dim=4"),
    "q(theta)": ("model=gaussian", "latent_dim=2", "objective=full_vb"),
    "binary": ("model=binary", "latent_dim=4", "objective=vimco"),
    "many binary": ("model=binary", "latent_dim=13", "objective=vimco"),
    "binary, no encoder": ("model=binary", "latent_dim=13", "objective=variational_em"),
    "no encoder": ("latent_dim=4", "objective=variational_em"),
    "gan": ("latent_dim=2", "objective=gan"),
    "point": ("model=convolutional", "latent_dim=2", "objective=autoencoder"),
    "laplace": ("latent_dim=2", "model/encoder=laplace"),
    "laplace prior": ("latent_dim=2", "model/encoder=laplace", "model/prior=laplace"),
    "mixture of many dimensions": ("latent_dim=4", "objective=sgvb_a", "model/prior=mixture"),
    "laplace with a mixture": ("latent_dim=2", "objective=sgvb_a", "model/encoder=laplace", "model/prior=mixture"),
    "vamp": ("model=gaussian", "latent_dim=2", "objective=sgvb_a", "model/prior=vamp"),
    "full covariance": ("model=gaussian", "latent_dim=2", "model/encoder=full_covariance"),
    "planar": ("latent_dim=2", "model/encoder=planar", "objective=sgvb_a"),
    "iaf": ("latent_dim=4", "model/encoder=iaf", "model/prior=laplace", "objective=sgvb_a"),
    "conditional": ("model=conditional", "latent_dim=2"),
    "two layers": ("model=two_layer", "objective=sgvb_a", "latent_dim=2", "model.encoder.top_latent_dim=2"),
}


def build(name: str) -> VAE:
    config = settings(*DATA, *MODELS[name], "evaluator=[]")
    model: VAE = instantiate(config["model"], data_dim=64, data_shape=(8, 8), num_classes=10)
    return model


@pytest.mark.parametrize("name", MODELS)
def test_a_config_is_refused_if_and_only_if_its_evaluator_refuses_the_model(name: str) -> None:
    model = build(name)
    config: Any = OmegaConf.to_container(composed(*DATA, *MODELS[name], "evaluator=[]"))
    for option in options("evaluator"):
        config["evaluator"] = {option: _node(option)}  # composing each anew would take a tenth of a second
        lines = faults_of(config)
        assert bool(lines) == refuses(option, model), (option, lines)
        for line in lines:
            assert line.startswith(f"evaluator={option}: ")
            remedy = shlex.split(line.partition("; try: ")[2])
            assert remedy
            settings(*DATA, *MODELS[name], *remedy)


def refuses(option: str, model: VAE) -> bool:
    try:
        instantiate(_node(option)).check(model)
    except UserError:
        return True
    return False


def faults_of(config: dict[str, Any]) -> list[str]:
    try:
        validate(config)
    except ConfigError as error:
        return error.faults
    return []


def faults(*overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        settings(*DATA, *overrides)
    return error.value.faults


def test_quadrature_has_few_latent_dimensions() -> None:
    (line,) = faults("evaluator=quadrature", "latent_dim=4")
    assert line.startswith("evaluator=quadrature: latent_dim=4 of this model is above 3")
    assert line.endswith("; try: evaluator=ais")
    settings(*DATA, "evaluator=quadrature", "latent_dim=3")


def test_limits_of_evaluators_are_those_of_their_estimators() -> None:
    assert Quadrature.max_latent_dim == quadrature.MAX_LATENT_DIM
    assert Enumeration.max_latent_dim == enumeration.MAX_LATENT_DIM


def test_each_evaluator_of_a_list_is_checked_and_the_others_are_kept() -> None:
    lines = faults("evaluator=[bound,quadrature,enumeration]", "latent_dim=4")
    assert [line.partition(":")[0] for line in lines] == ["evaluator=quadrature", "evaluator=enumeration"]
    assert all(line.endswith("; try: evaluator=bound") for line in lines)


@pytest.mark.parametrize("name", ["importance", "ais"])
def test_an_evaluator_that_may_do_without_the_encoder_is_allowed_without_one(name: str) -> None:
    choice = "evaluator.importance.prior_share=1" if name == "importance" else "evaluator.ais.start=prior"
    settings(*DATA, "objective=gan", f"evaluator={name}", choice)
    other = "evaluator.importance.prior_share=0.5" if name == "importance" else "evaluator.ais.start=encoder"
    (line,) = faults("objective=gan", f"evaluator={name}", other)
    assert line.startswith(f"evaluator={name}: needs q(z|x), and this model has no encoder")


def test_an_annealed_proposal_needs_normal_latents() -> None:
    (line,) = faults("model/encoder=laplace", "evaluator=importance", "evaluator.importance.annealed=10")
    assert line.startswith("evaluator=importance: takes q(z|x) and p(z) for normal distributions")


def test_early_stopping_ends_with_the_evaluator_that_it_watches() -> None:
    chosen = ("data=mnist", "early_stopping=validation", "objective=gan", "evaluator=bound")
    with pytest.raises(ConfigError) as error:
        settings(*chosen)
    (line,) = error.value.faults
    settings(*chosen, *shlex.split(line.partition("; try: ")[2]))


@pytest.mark.parametrize("encoder", ["full_covariance", "planar", "iaf"])
@pytest.mark.parametrize("name", ["ais", "bdmc"])
def test_chains_from_the_encoder_need_a_diagonal_normal(name: str, encoder: str) -> None:
    words = ("objective=sgvb_a", f"model/encoder={encoder}", f"evaluator={name}")
    settings(*DATA, *words, f"evaluator.{name}.start=prior")
    (line,) = faults(*words, f"evaluator.{name}.start=encoder")
    assert line.startswith(
        f"evaluator={name}: takes q(z|x) for a diagonal normal, and that of this model is another one"
    )
