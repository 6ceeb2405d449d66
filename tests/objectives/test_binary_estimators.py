"""Gradient estimators for Bernoulli latents compared to sums over all codes."""

import copy
import itertools
import math

import pytest
import torch

from aevb.errors import UserError
from aevb.estimators.enumeration import codes
from aevb.noise import Noise
from aevb.objectives.arm import ARM
from aevb.objectives.exact_bound import ExactBound
from aevb.objectives.nvil import NVIL
from aevb.objectives.score_function import ScoreFunction
from aevb.objectives.vimco import VIMCO
from helpers.binary_oracles import PIXELS, binary, exact_bound, images
from helpers.objectives import gradient, gradients_and_bounds, minibatches
from helpers.oracles import linear_gaussian
from helpers.statistics import assert_mean

TIMES = 150
REPEATED = 256  # of the one image, in a minibatch


def phi_from(model):
    return sum(parameter.numel() for parameter in model.theta)


def test_the_exact_bound_is_the_sum_over_codes():
    model, x = binary(4), images()
    (update,) = ExactBound()(model, minibatches(x))
    expected = exact_bound(model, x).mean()
    assert update.stats["bound"].item() == pytest.approx(expected.item())
    torch.testing.assert_close(gradient(update.loss, model), -gradient(expected, model))
    assert (update.stats["reconstruction"] - update.stats["kl"]).item() == pytest.approx(expected.item())
    with pytest.raises(
        UserError, match=r"objective=exact_bound: q\(z\|x\) is a Bernoulli with latent_dim=13; allowed: .* 12"
    ):
        next(ExactBound()(binary(13), minibatches(x)))


@pytest.mark.parametrize(
    "objective",
    [
        ScoreFunction(2, "leave_one_out"),
        ScoreFunction(1, "running"),
        NVIL(PIXELS, baseline_units=4, normalise=False),
        NVIL(PIXELS, 2, baseline_units=4),
        ARM(marginal=False),
        ARM(),
        ARM(4),
    ],
    ids=["leave-one-out", "running", "NVIL, not normalised", "NVIL, L = 2", "ARM", "DisARM", "DisARM, 2 pairs"],
)
def test_gradient_and_bound_are_unbiased(objective):
    """The mean of 150 gradients is that of the exact bound; failure rate of helpers/statistics.py.

    A minibatch contains one image 256 times. NVIL is tested with the b, c and s that other images
    have left; its gradient with respect to phi is divided by that s.
    """
    model, x = binary(4), images(1).repeat(REPEATED, 1)
    expected, past, scale = -gradient(exact_bound(model, x).mean(), model), None, 1.0
    objective.double()
    if isinstance(objective, NVIL):
        for parameter in objective.baseline.parameters():
            torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(0))
        stream = minibatches(images(20, seed=3), seed=5)
        for _ in range(10):
            next(objective(model, stream))
        objective.variance.mul_(9)  # the model's own is below 1, where s does nothing
        past, scale = (
            {name: value.clone() for name, value in objective.state_dict().items()},
            objective._past()[1].item(),
        )
        assert (scale > 1.2) == objective.normalise
    expected[phi_from(model) :] /= scale
    gradients, bounds = gradients_and_bounds(objective, model, x, TIMES, past)
    assert_mean(gradients, expected)
    assert_mean(bounds, exact_bound(model, x)[0].item())


@pytest.mark.parametrize("samples", [2, 3])
def test_vimco_is_unbiased_for_the_importance_weighted_bound(samples):
    """Two latents: L_K and its gradient, summed over all 4^K tuples of codes, against the mean of 150 draws."""
    model, x = binary(2), images(1)
    z = codes(2, x)
    q = model.encoder(x)
    log_q = torch.stack([q.log_prob(one)[0] for one in z])
    log_w = torch.stack([model.log_joint(x, one[None])[0] for one in z]) - log_q
    exact = 0
    for tuple_ in itertools.product(range(4), repeat=samples):
        chosen = list(tuple_)
        exact = exact + log_q[chosen].sum().exp() * (log_w[chosen].logsumexp(0) - math.log(samples))
    objective, many, results = VIMCO(samples).double(), x.repeat(REPEATED, 1), []
    stream = minibatches(many)
    for _ in range(TIMES):
        (update,) = objective(model, stream)
        results.append(torch.cat([gradient(update.loss, model), update.stats["importance"][None]]))
    assert_mean(torch.stack(results), torch.cat([-gradient(exact, model), exact.detach()[None]]))


def test_vimcos_signal_is_written_out():
    """K = 3, one image: log W - log W_-k with w_k replaced by the geometric mean of the other two."""
    from aevb.objectives.vimco import _signals

    w = [0.2, 1.5, 0.7]
    whole = math.log(sum(w) / 3)
    expected = [
        whole - math.log((w[1] + w[2] + math.sqrt(w[1] * w[2])) / 3),
        whole - math.log((w[0] + w[2] + math.sqrt(w[0] * w[2])) / 3),
        whole - math.log((w[0] + w[1] + math.sqrt(w[0] * w[1])) / 3),
    ]
    assert _signals(torch.tensor(w).log()[:, None])[:, 0].tolist() == pytest.approx(expected, abs=1e-6)


def test_arm_and_disarm_are_their_definitions():
    """DisARM is ARM with 1/2 - u averaged over the u that give the same pair: 200,000 draws per logit, z-test."""
    for logit in (-1.5, 0.3, 2.0):
        u = torch.rand(200_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        rho = 1 / (1 + math.exp(-logit))
        z, other = (u < rho).double(), (1 - u < rho).double()
        for pair in ((0, 0), (0, 1), (1, 0), (1, 1)):
            chosen = 0.5 - u[(z == pair[0]) & (other == pair[1])]
            if len(chosen):
                assert_mean(chosen, (pair[0] - pair[1]) * max(rho, 1 - rho) / 2)


@pytest.mark.parametrize("marginal", [True, False])
def test_both_of_a_pair_train_the_decoder_and_count_in_the_bound(marginal):
    """Two pairs, by hand: a mean over one of each pair is unbiased too, with up to twice the variance."""
    model, x = binary(4), images(5)
    (update,) = ARM(4, marginal).double()(model, minibatches(x))
    q = model.encoder(x)
    u = Noise(0, "noise", 0).uniform((2, *q.logits.shape), torch.float64)
    z = torch.cat([u < q.mean, 1 - u < q.mean]).double()
    log_joint = model.log_joint(x, z)
    expected = torch.autograd.grad(-log_joint.mean(), model.theta, retain_graph=True)
    actual = torch.autograd.grad(update.loss, model.theta)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(update.stats["bound"], (log_joint - q.log_prob(z)).mean().detach())
    torch.testing.assert_close(update.stats["reconstruction"], model.decoder(z).log_prob(x).mean().detach())


def test_the_order_of_variances():
    """Every variance reduction is seen in the gradient with respect to phi.

    150 draws with four evaluations of f each. Baselines and pairs reduce the variance of the score
    function by more than a factor of 5 (measured: 16 to 40), and DisARM has less variance than ARM
    (1.3). The variances have errors of about 15 %; ARM and DisARM use the same draws.
    """
    model, x = binary(6, scale=1.0), images(4)
    start = phi_from(model)
    nvil = NVIL(PIXELS, 4, baseline_units=20, normalise=False).double()
    optimizer, stream = torch.optim.Adam(nvil.parameters(), 0.03), minibatches(x, seed=1)
    for _ in range(150):
        (update,) = nvil(model, stream)
        optimizer.zero_grad()
        update.loss.backward(inputs=list(nvil.parameters()))
        optimizer.step()
    past = copy.deepcopy(nvil.state_dict())
    variances = {
        name: gradients_and_bounds(objective.double(), model, x, 150, past if name == "nvil" else None)[0][:, start:]
        .var(0)
        .sum()
        .item()
        for name, objective in {
            "none": ScoreFunction(4),
            "nvil": nvil,
            "loo": ScoreFunction(4, "leave_one_out"),
            "arm": ARM(4, marginal=False),
            "disarm": ARM(4),
        }.items()
    }
    print(variances)
    assert all(variances["none"] > 5 * variances[name] for name in ("nvil", "loo", "arm", "disarm"))
    assert variances["arm"] > 1.1 * variances["disarm"]


def test_the_baseline_of_nvil_starts_from_its_seed():
    first, again, other = (NVIL(PIXELS, baseline_seed=seed).baseline[0].weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_nvil_baselines_use_earlier_minibatches():
    model, x = binary(3), images(1).repeat(200, 1)
    objective = NVIL(PIXELS, baseline_units=5, decay=0.5, normalise=True).double()
    assert [value.item() for value in objective._past()] == [0, 1]
    plain = gradient(next(ScoreFunction()(model, minibatches(x))).loss, model)
    stream, f = minibatches(x), []
    for t in range(3):
        (update,) = objective(model, stream)
        if t == 0:  # with nothing behind it, it is the score function
            torch.testing.assert_close(gradient(update.loss, model), plain)
        f.append(update.stats["bound"])
    c = (0.25 * f[0] + 0.5 * f[1] + f[2]) / 1.75  # b is 0 still
    torch.testing.assert_close(objective._past()[0], c)
    assert objective.metrics()["signal_std"] > 0
    optimizer = torch.optim.Adam(objective.parameters(), 0.05)
    for _ in range(300):
        (update,) = objective(model, stream)
        optimizer.zero_grad()
        update.loss.backward(inputs=list(objective.parameters()))
        optimizer.step()
    level = objective.baseline(x)[0, 0] + objective._past()[0]
    assert level.item() == pytest.approx(exact_bound(model, x)[0].item(), abs=0.3)


def test_the_baseline_of_nvil_predicts_what_the_running_mean_leaves():
    """Its loss is (f - b(x) - c)^2: after some minibatches c is not zero, and the gradient of the last bias says so."""
    model, x = binary(3), images(5)
    objective, stream = NVIL(PIXELS, baseline_units=4, normalise=False).double(), minibatches(x)
    for _ in range(3):
        next(objective(model, stream))
    c = objective._past()[0].item()
    (update,) = objective(model, stream)
    bias = objective.baseline[2].bias
    (gradient_of_bias,) = torch.autograd.grad(update.loss, bias)
    assert abs(c) > 1
    assert gradient_of_bias.item() == pytest.approx(-2 * (update.stats["bound"].item() - c))  # b is 0 still


def test_the_signal_std_of_nvil_is_the_root_of_the_decayed_variances():
    """Two minibatches with the decay 1/2: their variances have the weights 1/4 and 1/2."""
    model, x = binary(3), images(20)
    objective, stream, q = NVIL(PIXELS, decay=0.5).double(), minibatches(x), model.encoder(x)
    variances = []
    for t in range(2):
        next(objective(model, stream))
        z = q.sample(Noise(0, "noise", t), 1)
        f = model.log_joint(x, z) - q.log_prob(z)  # b is 0 still
        variances.append(f.var(correction=0).item())
    expected = math.sqrt((0.25 * variances[0] + 0.5 * variances[1]) / 0.75)
    assert objective.metrics()["signal_std"] == pytest.approx(expected)


def test_the_running_baseline_excludes_this_minibatch():
    """The first gradient has no baseline; the second has the mean of f of the first minibatch as its baseline."""
    model, x = binary(3), images(5)
    plain, running = ScoreFunction().double(), ScoreFunction(baseline="running").double()
    streams = minibatches(x), minibatches(x)
    first = [next(one(model, stream)) for one, stream in zip((plain, running), streams, strict=True)]
    torch.testing.assert_close(gradient(first[0].loss, model), gradient(first[1].loss, model))
    mean = first[0].stats["bound"]
    second = [next(one(model, stream)) for one, stream in zip((plain, running), streams, strict=True)]
    z = model.encoder(x).sample(Noise(0, "noise", 1), 1)
    difference = gradient(second[1].loss, model) - gradient(second[0].loss, model)
    log_q = model.encoder(x).log_prob(z).mean()
    expected = torch.cat([g.flatten() for g in torch.autograd.grad(mean * log_q, model.phi)])
    torch.testing.assert_close(difference[phi_from(model) :], expected)


def test_arm_wants_a_bernoulli_q():
    with pytest.raises(UserError, match=r"objective=arm: q\(z\|x\) is a DiagonalNormal; allowed: a Bernoulli"):
        next(ARM()(linear_gaussian(), minibatches(torch.zeros(2, 5).double())))
    with pytest.raises(UserError, match=r"objective\.samples=3: .*even number; try: objective\.samples=4"):
        ARM(3)
