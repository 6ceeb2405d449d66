"""The model M2: its parameters, its initial values, and the objectives that do not fit."""

import pytest
import torch

from aevb.errors import UserError
from helpers.commands import settings
from helpers.labelled_models import CLASSES, PIXELS, small_model

M2 = ("data=digits", "model=semi_supervised", "objective=semi_supervised")


def test_every_parameter_is_in_one_group() -> None:
    model = small_model()
    groups = [*model.theta, *model.phi]
    assert {id(parameter) for parameter in groups} == {id(parameter) for parameter in model.parameters()}
    assert len(groups) == len(list(model.parameters()))


def test_the_classifier_begins_with_numbers_of_its_own() -> None:
    """Both networks draw from N(0, 0.1^2), the biases of the logits are zero."""
    model = small_model()
    first = [network.hidden.weight.flatten()[:20] for network in (model.encoder, model.classifier)]
    assert not torch.isclose(*first).any()
    assert 0.05 < first[1].std() < 0.2  # 20 draws: outside with probability below 1e-3, for the fixed seed within
    assert not model.classifier.logits.bias.any()


def test_log_qy_x_is_normalised() -> None:
    x = torch.rand((5, PIXELS), generator=torch.Generator().manual_seed(0)).double()
    log_q = small_model().log_qy_x(x)
    assert log_q.shape == (5, CLASSES)
    torch.testing.assert_close(log_q.exp().sum(-1), torch.ones(5).double())


@pytest.mark.parametrize("model", ["bernoulli", "conditional"])
def test_a_model_without_a_classifier_is_refused_with_the_config(model: str) -> None:
    with pytest.raises(UserError) as refused:
        settings("data=digits", f"model={model}", "objective=semi_supervised")
    name = "VAE" if model == "bernoulli" else "ConditionalVAE"
    wrong = f"model={name}: SemiSupervised trains a q(y|x), and {name} has none"
    assert str(refused.value) == f"{wrong}; allowed: SemiSupervisedVAE; try: model=semi_supervised"
    settings(*M2)  # which is accepted


def test_other_objectives_are_refused() -> None:
    with pytest.raises(UserError, match=r"objective=sgvb_b: SemiSupervisedVAE .*try: objective=semi_supervised$"):
        settings("data=digits", "model=semi_supervised")


def test_data_without_labels_are_refused() -> None:
    with pytest.raises(UserError, match=r"has no labels, which a conditional model needs"):
        settings("data=frey_face", *M2[1:], "model.decoder.activation=tanh")
