"""Mistakes of the literature and slips of the pen, each as one wrong line, and the test that must notice it.

To add one: the file below src/aevb, a piece of a line that stands in it exactly once, the same piece gone wrong, and the
quickest test that knows the answer from elsewhere.
"""

from pathlib import Path
from typing import NamedTuple

__all__ = ["MISTAKES", "Mistake", "planted"]


class Mistake(NamedTuple):
    """name: of the mistake. file: below src/aevb. right, wrong: a piece of one line, and what takes its place. test: goes red."""

    name: str
    file: str
    right: str
    wrong: str
    test: str


def planted(mistake: Mistake, source: Path) -> str:
    """The file with the mistake in it; source: the folder with the package."""
    text = (source / "aevb" / mistake.file).read_text()
    times = text.count(mistake.right)
    assert times == 1, (
        f"src/aevb/{mistake.file} has {mistake.right!r} {times} times; allowed: once; "
        f"try: the line as it stands now, in tests/helpers/mistakes.py ({mistake.name})"
    )
    return text.replace(mistake.right, mistake.wrong)


DISTRIBUTIONS = "tests/distributions/test_distributions.py"
SGVB = "tests/objectives/test_sgvb.py"
ESTIMATORS = "tests/estimators/test_importance.py"
INFORMATION = "tests/estimators/test_mutual_information.py"

MISTAKES = [
    Mistake(
        "sigma^2 for sigma in z = mu + sigma * eps",
        "distributions/normal.py",
        "return self.mean + self.scale * eps",
        "return self.mean + self.scale**2 * eps",
        f"{DISTRIBUTIONS}::test_reparameterised_draws_scale_with_sigma",
    ),
    Mistake(
        "KL divergence without its 1/2",
        "distributions/normal.py",
        "return 0.5 * (variance_ratio + shift - 1",
        "return (variance_ratio + shift - 1",
        f"{DISTRIBUTIONS}::test_kl_to_the_prior_is_appendix_b",
    ),
    Mistake(
        "mean over pixels for their sum",
        "distributions/bernoulli.py",
        "sub_(positive).sum(-1).add_(log_sigmoid)",
        "sub_(positive).mean(-1).add_(log_sigmoid)",
        f"{DISTRIBUTIONS}::test_bernoulli_log_prob_is_the_cross_entropy",
    ),
    Mistake(
        "Gaussian density without 2 pi",
        "distributions/normal.py",
        "return -0.5 * (LOG_2PI + self.log_var",
        "return -0.5 * (self.log_var",
        f"{DISTRIBUTIONS}::test_normal_log_prob_is_torchs",
    ),
    Mistake(
        "sign of the KL divergence in the loss",
        "objectives/sgvb_b.py",
        "loss = self.beta * kl - reconstruction",
        "loss = -self.beta * kl - reconstruction",
        f"{SGVB}::test_beta_weights_the_kl_and_not_the_reported_bound",
    ),
    Mistake(
        "log p(z) and log q(z|x) exchanged in estimator A",
        "objectives/sgvb_a.py",
        "loss = -(log_px_z + self.beta * (log_pz - log_qz_x))",
        "loss = -(log_px_z + self.beta * (log_qz_x - log_pz))",
        f"{SGVB}::test_beta_weights_the_kl_and_not_the_reported_bound",
    ),
    Mistake(
        "bound = reconstruction + KL",
        "estimators/bound.py",
        "return BoundEstimate(reconstruction - kl,",
        "return BoundEstimate(reconstruction + kl,",
        f"{ESTIMATORS}::test_bound_is_unbiased_and_its_parts_add_up",
    ),
    Mistake(
        "cross-entropy called log p(x)",
        "estimators/importance.py",
        "log_w = (pz.log_prob(z) + log_px_z - proposal.log_prob(z))",
        "log_w = (log_px_z)",
        f"{ESTIMATORS}::test_importance_is_exact_when_q_is_the_posterior",
    ),
    Mistake(
        "mean of the logs for the log of the mean",
        "estimators/importance.py",
        ", log_w.logsumexp(0))",
        ", log_w.mean(0) + math.log(len(log_w)))",
        f"{ESTIMATORS}::test_the_mean_weight_is_unbiased_for_px",
    ),
    Mistake(
        "effective sample size with the sum of the weights not squared",
        "estimators/importance.py",
        "torch.exp(log_sum_squares - 2 * log_sum)",
        "torch.exp(log_sum_squares - log_sum)",
        f"{ESTIMATORS}::test_importance_is_exact_when_q_is_the_posterior",
    ),
    Mistake(
        "standard deviation over images called the standard error",
        "evaluators/evaluator.py",
        ".std() / math.sqrt(self.n)).item()",
        ".std()).item()",
        "tests/evaluators/test_evaluator.py::test_the_mean_lies_within_its_standard_error_of_the_truth",
    ),
    Mistake(
        "Adagrad's eps not rescaled to a mean loss",
        "optimizers/adagrad.py",
        "lr=lr, initial_accumulator_value=eps / batch_size**2",
        "lr=lr, initial_accumulator_value=eps",
        "tests/optimizers/test_adagrad.py::test_a_mean_loss_moves_as_the_authors_summed_one",
    ),
    Mistake(
        "prior on the weights not divided by N",
        "training/module.py",
        " / len(self.stream.x)",
        "",
        "tests/training/test_weight_prior.py::test_the_weight_prior_adds_its_gradient_divided_by_n",
    ),
    Mistake(
        "the same noise on every rank",
        "noise/host.py",
        "numbers = numbers[..., self.rank * rows : (self.rank + 1) * rows, :]",
        "numbers = numbers[..., :rows, :]",
        "tests/noise/test_host.py::test_ranks_hold_slices_of_the_global_minibatch",
    ),
    Mistake(
        "one binarisation for every presentation",
        "training/minibatches.py",
        'self._noise("binarisation", t)',
        'self._noise("binarisation", 0)',
        "tests/training/test_minibatches.py::test_dynamic_targets_are_binary_with_their_probabilities",
    ),
    Mistake(
        "a graph that replays one and the same noise",
        "training/device_minibatches.py",
        "self.first_step.fill_(t)",
        "self.first_step.fill_(0)",
        "tests/training/test_cuda_graph.py::test_the_curve_is_the_same_value_for_value",
    ),
    Mistake(
        "aggregate posterior a sum and no mean",
        "estimators/mutual_information.py",
        "logsumexp(0) - math.log(n) for part",
        "logsumexp(0) for part",
        f"{INFORMATION}::test_identical_images_carry_nothing",
    ),
    Mistake(
        "the best q charged with the encoder's KL divergence",
        "estimators/inference_gap.py",
        "best_bound - best.kl(pz)",
        "best_bound - q.kl(pz)",
        "tests/estimators/test_inference_gap.py::test_both_parts_are_the_closed_forms",
    ),
    Mistake(
        "discretised mass whose edges do not absorb",
        "estimators/bits_per_dim.py",
        "masked_fill(level <= 0, -math.inf)",
        "masked_fill(level < 0, -math.inf)",
        "tests/estimators/test_bits_per_dim.py::test_the_masses_of_all_levels_sum_to_one_and_are_scipys",
    ),
    Mistake(
        "p(theta) counted for every datapoint",
        "objectives/full_vb.py",
        "kl(model.theta_posterior.prior()) / self.n_train",
        "kl(model.theta_posterior.prior())",
        "tests/objectives/test_full_vb.py::test_the_kl_divergence_is_torchs_and_is_divided_by_n",
    ),
    Mistake(
        "a baseline that sees its own sample",
        "objectives/score_function.py",
        "(f.sum(0) - f) / (len(f) - 1)",
        "f.mean(0).expand_as(f)",
        "tests/objectives/test_score_function.py::test_gradient_and_bound_are_unbiased[leave_one_out-2]",
    ),
    Mistake(
        "sign of a sampled KL divergence",
        "estimators/bound.py",
        "qz_x.log_prob(z) - pz.log_prob(z)",
        "pz.log_prob(z) - qz_x.log_prob(z)",
        f"{ESTIMATORS}::test_without_a_closed_form_the_kl_is_the_mean_over_the_draws",
    ),
    Mistake(
        "sign of the reported KL divergence of ARM",
        "objectives/arm.py",
        '"kl": (log_qz_x - log_pz).mean()',
        '"kl": (log_pz - log_qz_x).mean()',
        "tests/objectives/test_contract.py::test_the_reported_parts_add_up_to_the_bound[arm]",
    ),
    Mistake(
        "KL divergence of z summed over the minibatch",
        "objectives/full_vb.py",
        "kl = qz_x.kl(model.prior()).mean()",
        "kl = qz_x.kl(model.prior()).sum()",
        "tests/objectives/test_full_vb.py::test_with_a_narrow_q_of_theta_it_is_estimator_b_at_the_mean",
    ),
    Mistake(
        "noise of 1/(s - 1) in a cell of 1/s",
        "estimators/bits_per_dim.py",
        "x + u / scale",
        "x + u / (scale - 1)",
        "tests/estimators/test_bits_per_dim.py::test_the_noise_fills_a_cell_and_no_more",
    ),
    Mistake(
        "mass of cubes that are no longer refined forgotten",
        "estimators/quadrature.py",
        "torch.logaddexp(sums.log_mass, dropped)",
        "sums.log_mass",
        "tests/estimators/test_quadrature.py::test_cubes_that_are_no_longer_refined_keep_their_mass",
    ),
    Mistake(
        "a chain that is fitted and averaged",
        "estimators/reciprocal_identity.py",
        "each * math.ceil(chains / 2) if chains > 1 else each // 2",
        "len(draws) // 2",
        "tests/estimators/test_reciprocal_identity.py::test_no_chain_is_both_fitted_and_averaged",
    ),
    Mistake(
        "last point of an E-step for its best",
        "estimators/per_image_posterior.py",
        "best_phi = torch.where(better[:, None, None], here, best_phi)",
        "best_phi = here",
        "tests/objectives/test_variational_em.py::test_the_e_step_gives_the_best_point_and_not_the_last",
    ),
    Mistake(
        "labels counted as pixels",
        "evaluators/reconstruction.py",
        "error / pixels.shape[-1]",
        "error / x.shape[-1]",
        "tests/evaluators/test_reconstruction.py::test_the_error_is_that_of_the_pixels_at_the_mean_of_q[conditional]",
    ),
    Mistake(
        "a window of one minibatch too many",
        "training/running_mean.py",
        ">= self.samples:",
        "> self.samples:",
        "tests/training/test_running_mean.py::test_no_more_minibatches_than_cover_the_window",
    ),
]
