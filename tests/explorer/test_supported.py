"""What the explorer refuses, in one line that names what it supports."""

from pathlib import Path

import pytest

from aevb.errors import UserError
from aevb.explorer.supported import check_supported
from helpers.commands import settings

RUN = Path("outputs/runs/some")


OF_MODEL = "of model=bernoulli, gaussian or conditional"


@pytest.mark.parametrize(
    ("overrides", "part", "remedy"),
    [
        (["model=convolutional"], "model.encoder=ConvolutionalEncoder", OF_MODEL),
        (["model=binary", "objective=nvil", "data.targets=dynamic"], "model.encoder=BernoulliEncoder", OF_MODEL),
        (["objective=gan", "model.encoder=null", "evaluator=ais"], "model.encoder=null", OF_MODEL),
        (
            ["model.encoder.variance=0", "objective=autoencoder", "evaluator=reconstruction"],
            "model.encoder.variance=0",
            "without it",
        ),
        (["objective=full_vb"], "theta_log_var", "of objective=sgvb_b"),
        (["model=two_layer", "objective=iwae"], "model=aevb.models.two_layer.TwoLayerVAE", OF_MODEL),
        (["model/prior=laplace", "objective=sgvb_a"], "model.prior=FamilyPrior", "with model/prior=standard_normal"),
        (
            ["model/encoder=gamma", "objective=sgvb_a"],
            "model.encoder=FamilyEncoder",
            "with model/encoder=gaussian model/prior=standard_normal",
        ),
        (["model/encoder=iaf", "objective=sgvb_a"], "InverseAutoregressiveEncoder", "with model/encoder=gaussian"),
    ],
)
def test_other_models_are_refused(overrides: list[str], part: str, remedy: str) -> None:
    try:
        config = settings("data=digits", "logger=none", *overrides)
    except UserError as error:
        pytest.fail(f"the combination itself is refused: {error}")
    with pytest.raises(UserError) as refused:
        check_supported(RUN, config)
    message = str(refused.value)
    assert part in message
    assert "allowed: a GaussianEncoder, a BernoulliDecoder" in message
    assert message.endswith(f"; try: a run {remedy}")
    assert "\n" not in message


def test_semi_supervised_models_are_accepted() -> None:
    check_supported(RUN, settings("data=digits", "model=semi_supervised", "objective=semi_supervised", "logger=none"))


@pytest.mark.parametrize("prior", ["mixture", "vamp"])
def test_trained_priors_are_accepted(prior: str) -> None:
    check_supported(RUN, settings("data=digits", f"model/prior={prior}", "objective=sgvb_a", "logger=none"))


@pytest.mark.parametrize("model", ["bernoulli", "gaussian", "unit_gaussian", "conditional", "conditional_gaussian"])
def test_multilayer_perceptrons_are_accepted(model: str) -> None:
    depth = ("hidden_dim=[50,50]", "model.encoder.activation=gelu")
    check_supported(RUN, settings("data=digits", f"model={model}", "logger=none", *depth))
