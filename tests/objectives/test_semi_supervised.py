"""M2: the two bounds where log p(x) is known, the formula term by term, and that hidden labels are not looked at."""

import math

import numpy as np
import pytest
import torch

from aevb.errors import UserError
from aevb.models.semi_supervised import SemiSupervisedVAE
from aevb.noise import Noise
from aevb.objectives.semi_supervised import SemiSupervised, chosen_images
from helpers.labelled_models import (
    CLASSES,
    LabelledStream,
    known_model,
    labelled_rows,
    log_px_y,
    small_model,
)
from helpers.objectives import gradient
from helpers.oracles import data, linear_gaussian


def update(objective, model, rows):
    (only,) = objective(model, LabelledStream(rows))
    return only


def set_classifier(model: SemiSupervisedVAE, log_q: torch.Tensor) -> None:
    """Make q(y|x) what is given for the images of a minibatch, (M, C)."""
    model.classifier.forward = lambda x: log_q


def test_the_bound_of_an_image_without_a_label_is_log_px_at_the_true_posterior():
    """U(x) = log p(x) - KL(q(y|x) || p(y|x)): p(x) is a sum over three classes."""
    model, rows = known_model(), labelled_rows(12)
    x, _ = model.split(rows)
    log_joint = log_px_y(model, x) - math.log(CLASSES)
    log_px = log_joint.logsumexp(-1)
    posterior = (log_joint - log_px[:, None]).detach()
    hidden = ~torch.from_numpy(chosen_images(rows[:, -3:].argmax(-1).numpy(), 3, 3, 0))
    objective = SemiSupervised(labels=3, alpha=0)

    set_classifier(model, posterior)
    with_label = (rows[:, -3:] * log_joint).sum(-1)
    expected = torch.where(hidden, log_px, with_label).mean()
    exact = update(objective, model, rows)
    torch.testing.assert_close(-exact.loss, expected)
    torch.testing.assert_close(exact.stats["bound"], expected.detach())
    assert exact.stats["bound"] == pytest.approx((exact.stats["reconstruction"] - exact.stats["kl"]).item())
    theta = [
        model.decoder.hidden.bias,
        model.decoder.logits.weight,
        model.decoder.logits.bias,
    ]  # without the weights of z
    for computed, true in zip(
        torch.autograd.grad(-exact.loss, theta), torch.autograd.grad(expected, theta), strict=True
    ):
        torch.testing.assert_close(computed, true)

    uniform = torch.full_like(posterior, -math.log(CLASSES))
    set_classifier(model, uniform)
    gap = torch.where(hidden, (uniform.exp() * (uniform - posterior)).sum(-1), 0).mean()
    torch.testing.assert_close(-update(objective, model, rows).loss, expected - gap)


@pytest.mark.parametrize(("samples", "alpha"), [(1, 0.1), (3, 0.0), (2, 1.0)])
def test_the_loss_is_the_formula(samples, alpha):
    """Image by image and class by class, with the draws of the minibatch."""
    model, rows = small_model(), labelled_rows(9)
    objective = SemiSupervised(labels=6, alpha=alpha, samples=samples)
    result = update(objective, model, rows)
    x, y = model.split(rows)
    eps = Noise(0, "noise", 0).normal((samples, CLASSES, len(x), 2), torch.float64)
    has_label = chosen_images(y.argmax(-1).numpy(), 6, 3, 0)
    log_q = torch.log_softmax(model.classifier(x), -1)
    total = 0.0
    for n in range(len(x)):
        bounds = []
        for c in range(CLASSES):
            label = torch.eye(CLASSES).double()[c]
            q = model.encoder(torch.cat([x[n], label]))
            z = q.mean + q.scale * eps[:, c, n]
            log_px_z = model.decoder(z).for_labels(label).log_prob(x[n]).mean()
            bounds.append(log_px_z - q.kl(model.prior()) - math.log(CLASSES))
        truth = y[n].argmax()
        if has_label[n]:
            total = total + bounds[truth] + alpha * len(x) / 6 * log_q[n, truth]
        else:
            total = total + sum(log_q[n, c].exp() * (bounds[c] - log_q[n, c]) for c in range(CLASSES))
    torch.testing.assert_close(result.loss, -total / len(x))
    torch.testing.assert_close(gradient(result.loss, model), gradient(-total / len(x), model))
    assert (result.parameter_groups, result.samples) == (("theta", "phi"), len(x))


def test_labels_that_are_not_chosen_are_not_looked_at():
    model, rows = small_model(), labelled_rows(9)
    hidden = ~torch.from_numpy(chosen_images(rows[:, -3:].argmax(-1).numpy(), 3, 3, 0))
    objective = SemiSupervised(labels=3)
    before = update(objective, model, rows)
    assert objective._has_label is not None
    others = rows.clone()
    others[hidden, -3:] = rows[hidden][:, [-1, -3, -2]]
    assert not torch.equal(others, rows)
    after = update(objective, model, others)  # the choice of images was made before
    assert torch.equal(before.loss, after.loss)
    assert torch.equal(gradient(before.loss, model), gradient(after.loss, model))


def test_the_running_error_is_that_of_images_without_a_label():
    model, rows = small_model(), labelled_rows(9)
    y = model.split(rows)[1]
    hidden = ~torch.from_numpy(chosen_images(y.argmax(-1).numpy(), 3, 3, 0))
    log_q = torch.log(y + 1e-9)
    log_q[hidden] = log_q[hidden][:, [1, 2, 0]]  # all wrong where there is no label
    set_classifier(model, log_q)
    objective = SemiSupervised(labels=3)
    for steps in (1, 2):
        update(objective, model, rows)
        assert objective.metrics() == {"error": pytest.approx(1 - 0.99**steps)}


def test_the_images_are_chosen_evenly_by_the_seed():
    label = np.arange(100) % 4
    chosen = chosen_images(label, 10, 4, 0)
    assert np.bincount(label[chosen]).tolist() == [3, 3, 2, 2]
    assert not np.array_equal(chosen, chosen_images(label, 10, 4, 1))
    assert np.array_equal(chosen, chosen_images(label, 10, 4, 0))
    assert chosen_images(label, 100, 4, 0).all()
    more = chosen_images(label, 20, 4, 0)
    assert more[chosen].all(), "more labels contain the fewer ones"


@pytest.mark.parametrize(("count", "wrong"), [(3, "fewer than classes"), (45, "of class 3 there are 10 training")])
def test_impossible_numbers_of_labels_are_refused(count, wrong):
    label = np.repeat([0, 1, 2, 3], [20, 20, 20, 10])
    with pytest.raises(UserError, match=rf"^objective.labels={count}: {wrong}.*allowed: 4..40.*labels=40$"):
        chosen_images(label, count, 4, 0)


def test_a_model_without_a_classifier_is_refused():
    with pytest.raises(UserError, match=r"LinearGaussian|VAE has no q\(y\|x\).*try: model=semi_supervised"):
        update(SemiSupervised(), linear_gaussian(), data())
