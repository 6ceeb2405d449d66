"""Families of q(z|x) and p(z) that do not go together, or not with the objective, are refused before a run."""

import re
import shlex
from typing import Any, get_args

import pytest
import torch
from omegaconf import OmegaConf

from aevb.config import ConfigError, options, validate
from aevb.config.families import ACCEPTS, CLOSED_FORM, CORRELATED, MIXTURES, SUPPORTS
from aevb.distributions import DiagonalNormal, NoClosedForm
from aevb.distributions.families import FAMILIES
from aevb.distributions.normal_mixture import NormalMixture
from aevb.distributions.reparameterised import FamilyName, ReparameterisedDistribution
from aevb.models.families import FamilyEncoder, FamilyPrior, PriorName
from aevb.models.mixture_prior import MixturePrior
from aevb.models.vamp_prior import VampPrior
from helpers.commands import composed, settings

NORMAL = DiagonalNormal(torch.zeros(2), torch.zeros(2))


def fault(*overrides: str) -> str:
    """The one fault of a config; what it says to try is allowed."""
    with pytest.raises(ConfigError) as error:
        settings(*overrides)
    (line,) = error.value.faults
    remedy = shlex.split(line.partition("; try: ")[2])
    assert remedy
    settings(*overrides, *remedy)
    return line


def member(family: FamilyName) -> ReparameterisedDistribution:
    bounds = FAMILIES[family].parameters
    return ReparameterisedDistribution(family, {name: torch.ones(2) + max(low, 0.0) for name, low in bounds.items()})


def test_supports_are_those_of_the_encoders_and_priors() -> None:
    assert {name: FamilyEncoder(4, 2, 3, name).support for name in get_args(FamilyName)} == SUPPORTS
    assert {name: FamilyPrior(2, name).accepts for name in get_args(PriorName)} == ACCEPTS


def test_closed_forms_are_those_of_the_distributions() -> None:
    families: dict[str, Any] = {"normal": NORMAL, **{name: member(name) for name in get_args(FamilyName)}}
    priors = {"normal": NORMAL, **{name: FamilyPrior(2, name)() for name in get_args(PriorName)}}
    computed: dict[str, tuple[str, ...]] = {}
    for q, posterior in families.items():
        for p, prior in priors.items():
            if SUPPORTS.get(q, "real") not in ACCEPTS.get(p, ("real",)):
                continue
            try:
                posterior.kl(prior)
            except NoClosedForm:
                continue
            computed[q] = (*computed.get(q, ()), p)
    assert computed == CLOSED_FORM


WITHOUT = (
    "f",
    "gompertz",
    "iaf",
    "kumaraswamy",
    "logistic",
    "pareto",
    "planar",
    "rayleigh",
    "student_t",
    "triangular",
    "weibull",
)


@pytest.mark.parametrize("encoder", options("model/encoder"))
def test_estimator_b_needs_a_closed_form(encoder: str) -> None:
    if encoder not in WITHOUT:
        settings(f"model/encoder={encoder}")
        return
    line = fault(f"model/encoder={encoder}")
    assert line.startswith("model/encoder=")
    assert "has no closed form, which objective=sgvb_b needs" in line
    assert line.endswith("; try: objective=sgvb_a")


@pytest.mark.parametrize("prior", ["cauchy", "laplace", "logistic", "student_t"])
def test_a_prior_without_a_closed_form_is_named(prior: str) -> None:
    assert fault(f"model/prior={prior}").startswith(f"model/prior={prior}: KL(q || p) with")


@pytest.mark.parametrize("prior", ["beta", "dirichlet", "exponential", "log_normal"])
def test_a_prior_for_another_support_is_refused(prior: str) -> None:
    line = fault(f"model/prior={prior}")
    assert line.startswith(f"model/prior={prior}: this prior is for ")
    assert line.endswith("allowed: standard_normal; try: model/prior=standard_normal")
    assert fault(f"model/prior={prior}", "objective=variational_em", "evaluator=[]").startswith("model/prior=")


@pytest.mark.parametrize(("encoder", "prior"), [("weibull", "beta"), ("beta", "cauchy"), ("cauchy", "laplace")])
def test_a_prior_is_suggested_that_the_objective_allows(encoder: str, prior: str) -> None:
    assert fault(f"model/encoder={encoder}", f"model/prior={prior}").startswith(f"model/prior={prior}: ")


@pytest.mark.parametrize("objective", ["beta_vae", "dreg", "full_vb", "sgvb_b"])
def test_objectives_for_normal_posteriors_refuse_others(objective: str) -> None:
    assert fault(f"objective={objective}", "model/encoder=student_t").startswith("model/encoder=student_t: ")
    settings("objective=sgvb_a", "model/encoder=student_t")


def test_the_tighter_bound_of_dreg_has_any_prior_of_its_support() -> None:
    settings("objective=dreg", "model/prior=laplace")
    assert fault("objective=beta_vae", "model/prior=laplace").startswith(
        "model/prior=laplace: objective=beta_vae needs"
    )


ACCEPTED = ("dreg", "iwae", "nvil", "score_function", "sgvb_a", "vimco")
"""Objectives whose loss has log p(z) with a gradient; with a mixture also mcem and wake_sleep."""


def test_a_mixture_is_trained_by_objectives_that_sample_its_density() -> None:
    vamp = OmegaConf.to_container(composed("model/prior=vamp", "objective=sgvb_a"), resolve=True)["model"]["prior"]
    for objective in options("objective"):
        if objective in (
            "arm",
            "exact_bound",
            "semi_supervised",
        ):  # their models have a p(z), and a q(y|x), of their own
            continue
        choice = ("model/prior=mixture", f"objective={objective}", "latent_dim=2", "evaluator=[]")
        config: dict[str, Any] = OmegaConf.to_container(composed(*choice), resolve=True)
        lines = faults(config)
        assert bool(lines) == (objective not in (*ACCEPTED, "mcem", "wake_sleep"))
        config["model"]["prior"] = vamp
        lines += faults(config)
        assert (len(lines) == 0) == (objective in ACCEPTED)
        assert all(line.endswith("; try: objective=sgvb_a") for line in lines)


def faults(config: dict[str, Any]) -> list[str]:
    try:
        validate(config)
    except ConfigError as error:
        return error.faults
    return []


@pytest.mark.parametrize(("prior", "objective"), [("mixture", "sgvb_b"), ("mixture", "gan"), ("vamp", "wake_sleep")])
def test_a_mixture_that_would_not_be_trained_is_refused(prior: str, objective: str) -> None:
    assert fault(f"model/prior={prior}", f"objective={objective}").startswith(f"model/prior={prior}: ")


def test_states_of_the_mixtures_are_those_of_their_classes() -> None:
    assert (MixturePrior.family, VampPrior.family) == MIXTURES
    assert set(MIXTURES) <= set(options("model/prior"))
    assert isinstance(MixturePrior(2)(), NormalMixture)


@pytest.mark.parametrize("encoder", ["laplace", "student_t"])
def test_other_families_have_a_mixture_as_prior_and_no_mixture_of_their_own(encoder: str) -> None:
    settings(f"model/encoder={encoder}", "model/prior=mixture", "objective=sgvb_a")
    line = fault(f"model/encoder={encoder}", "model/prior=vamp", "objective=sgvb_a")
    assert line.startswith("model/prior=vamp: a mixture of normal q(z|u), and ")
    assert fault("model/encoder=beta", "model/prior=mixture", "objective=sgvb_a").startswith(
        "model/prior=mixture: this prior is"
    )


def test_a_point_has_no_vamp_prior() -> None:
    line = fault("model/prior=vamp", "+model.encoder.variance=0", "objective=sgvb_a", "evaluator=[]")
    assert line.startswith("model/prior=vamp: a mixture of q(z|u), which are points")


def test_a_pitfall_keeps_its_objective() -> None:
    line = fault("pitfall=kl_sign", "model/encoder=student_t", "evaluator=bound")
    assert line.endswith("; try: model/prior=standard_normal model/encoder=gaussian")


@pytest.mark.parametrize("encoder", CORRELATED)
def test_posteriors_with_correlated_coordinates_say_what_they_are(encoder: str) -> None:
    assert settings(f"model/encoder={encoder}", "objective=sgvb_a")["model"]["encoder"]["latent_dim"] == 20
    for objective in ("beta_vae", "dreg"):
        line = fault(f"objective={objective}", f"model/encoder={encoder}")
        assert line.startswith(
            f"model/encoder={encoder}: objective={objective} needs a diagonal normal q(z|x); allowed: "
        )
    assert fault("model/prior=beta", f"model/encoder={encoder}", "objective=sgvb_a").startswith("model/prior=beta: ")
    lagging = "objective=lagging watches I(x; z), which has a formula for a diagonal normal q(z|x) only"
    with pytest.raises(ConfigError, match=re.escape(lagging)):
        settings(f"model/encoder={encoder}", "objective=lagging", "objective@objective.objective=sgvb_a")


def test_mmd_needs_a_closed_form_only_where_it_keeps_the_kl_divergence() -> None:
    settings("objective=mmd", "model/encoder=planar")
    line = fault("objective=mmd", "objective.alpha=0.5", "model/encoder=planar")
    assert "has no closed form, which objective=mmd needs" in line
