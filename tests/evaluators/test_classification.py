"""Classification by q(y|x) and by the bound, where p(y|x) is known."""

import math

import pytest
import torch

from aevb.errors import UserError
from aevb.evaluators.blocks import run_over
from aevb.evaluators.classification import Classification
from aevb.models.conditional import ConditionalVAE
from helpers.labelled_models import CLASSES, known_model, labelled_rows, log_px_y, small_model
from helpers.oracles import linear_gaussian


def test_by_the_bound_it_is_bayes_rule():
    """The bound of a model whose z does nothing is log p(x|y), so p(y|x) is exact."""
    model, rows = known_model(), labelled_rows(30)
    x, y = model.split(rows)
    log_posterior = torch.log_softmax(log_px_y(model, x), -1).detach()
    truth, evaluator = y.argmax(-1), Classification(rule="bound")
    result = run_over(evaluator, model, rows, seed=0)
    torch.testing.assert_close(result.values["cross_entropy"], -log_posterior[torch.arange(30), truth])
    assert torch.equal(result.values["error"] == 1, log_posterior.argmax(-1) != truth)
    assert 0 < result.mean() < 1
    assert result.summary["rule"] == "bound"
    assert evaluator.suffix == "-bound"


def test_by_the_classifier():
    model, rows = small_model(), labelled_rows(10)
    right = torch.tensor([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]]).double().log()
    model.classifier.forward = lambda x: right[torch.arange(len(x)) % 2]  # the class 2 is never chosen
    result = run_over(Classification(batch_size=10), model, rows, seed=0)
    assert result.values["error"].tolist() == [0, 0, 1, 1, 1, 1, 0, 0, 1, 1]
    assert result.values["cross_entropy"][:3].tolist() == pytest.approx(
        [-math.log(0.9), -math.log(0.9), -math.log(0.05)]
    )
    assert result.summary["error_of_class"] == pytest.approx([0.5, 1 / 3, 1.0])
    assert result.summary["verdict"] == "by q(y|x) 60.00 % of 10 images are of another class"


def test_a_class_without_images_has_no_share():
    model = small_model()
    assert run_over(Classification(), model, labelled_rows(2), seed=0).summary["error_of_class"][CLASSES - 1] is None


def test_other_models_are_refused():
    with pytest.raises(UserError, match=r"classification: needs a model that is given labels.*try: evaluator=bound$"):
        Classification().check(linear_gaussian())
    parts = small_model()
    conditional = ConditionalVAE(parts.encoder, parts.decoder, parts.prior)
    Classification().check(conditional)
    with pytest.raises(UserError, match=r"rule=classifier needs q\(y\|x\), and this model has none"):
        Classification(rule="classifier").check(conditional)
