"""The base class of objectives: an objective is a generator of updates.

Given the model and an endless stream of minibatches, an objective yields scalar losses and names
the parameter groups that each of them updates. One call is one round. Evaluations and checkpoints
happen between rounds, so nothing that holds an autograd graph may outlive a `yield`. The state of
an objective (a learnt baseline, Markov chains, a step size) is in its buffers and parameters, and
therefore in the checkpoint.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from torch import Tensor, nn

from aevb.distributions import DiagonalNormal, NoClosedForm
from aevb.errors import UserError
from aevb.models.fixed_variance import Point, no_density
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["Batch", "Objective", "TrainingData", "Update", "detached", "known_kl", "require_diagonal_normal"]


class _Batch(NamedTuple):
    x: Tensor
    index: Tensor  # type: ignore[assignment]  # hides tuple.index, which is not needed here
    noise: Noise


class Batch(_Batch):
    """One minibatch, or the share of it that belongs to this rank: `x, index, noise = batch`.

    Args:
        x: Images, (M, D).
        index: Indices of the images in the training set, (M,).
        noise: The random numbers of this minibatch.
        counted: By how many training samples a counter of the objective advances; None: by M. On several
            devices that is the size of the whole minibatch; 0 where this process computes another share of
            it afterwards.

    Attributes:
        counted: That number.
    """

    counted: int

    def __new__(cls, x: Tensor, index: Tensor, noise: Noise, counted: int | None = None) -> "Batch":
        """Return the minibatch."""
        batch = super().__new__(cls, x, index, noise)
        batch.counted = len(x) if counted is None else counted
        return batch


class Update(NamedTuple):
    """One optimizer step.

    Attributes:
        loss: The scalar to minimise, a mean over the minibatch.
        parameter_groups: Names of the groups that this step updates, of "theta" (generative model)
            and "phi" (recognition model and the parameters of the objective).
        samples: Number of training samples that the step adds to samples_seen; on several devices,
            those of this rank.
        stats: Detached scalars by name, in nats per datapoint. "bound" is the lower bound (eq. 3)
            of the minibatch, whatever the loss is; "reconstruction" and "kl" are its two terms,
            bound = reconstruction - kl.
    """

    loss: Tensor
    parameter_groups: tuple[str, ...]
    samples: int
    stats: Mapping[str, Tensor]


class TrainingData(Protocol):
    """What an objective that looks at the whole training set needs of the stream.

    Attributes:
        x: Training images, (N, D); Bernoulli probabilities if `dynamic`.
        dynamic: Whether they are binarised anew at every presentation.
    """

    x: Tensor
    dynamic: bool


def detached(stats: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the stats of an update without their graph.

    Args:
        stats: Scalars by name.
    """
    return {name: value.detach() for name, value in stats.items()}


def known_kl(qz_x: Any, pz: Any) -> Tensor | None:
    """Return the mean KL(q(z|x) || p(z)) of a minibatch for the report of an objective whose loss does not need it.

    Args:
        qz_x: q(z|x), over (M, J).
        pz: p(z), over (J,).

    Returns:
        A scalar in nats; None if there is no closed form.
    """
    try:
        kl: Tensor = qz_x.kl(pz).mean()
    except NoClosedForm:
        return None
    return kl


class Objective(nn.Module, ABC):
    """Base class of all objectives.

    The class attributes below are read from the source file, without importing it, when a config is
    checked. A subclass that changes one of them therefore assigns a literal in its class body
    (`mean_over_data = False`), not a computed value.

    Args:
        weight_prior: Precision of the prior p(w) = N(0, 1/precision) on the weights (not on the
            biases). Its gradient, w * precision / N, is added to the gradient of the mean loss: the
            small weight decay of section 5, for which the training is approximate MAP estimation. 0: no prior.
    """

    mean_over_data: bool = True
    """Whether the loss is a mean of terms that each depend on one datapoint.

    Then the mean of the losses of all ranks is the loss of the whole minibatch. If False, the
    objective is refused on several devices. Inherited.
    """

    min_batch_size: int = 1
    """The fewest images of a minibatch for which the loss is defined. A smaller batch_size is refused. Inherited."""

    no_mean_with: tuple[str, ...] = ()
    """Names of arguments with which, unless they are zero, the loss is no mean over data. Inherited."""

    over_theta: bool = False
    """Whether the objective trains a posterior q(theta), which the model must then have (model.theta_log_var).

    If False, the objective is refused for a model that has one. Inherited.
    """

    reparameterised: bool = False
    """Whether the objective needs draws of q(z|x) with a derivative. If True, it is refused for binary z. Inherited."""

    closed_form_kl: bool = False
    """Whether the loss has KL(q(z|x) || p(z)) in closed form. If True, it is refused for families without one. Inherited."""

    normal_posterior: bool = False
    """Whether q(z|x) must be a diagonal normal. Inherited."""

    normal_prior: bool = False
    """Whether p(z) must be a diagonal normal. Inherited."""

    no_trained_prior: str = ""
    """Why a p(z) that is trained by the gradient of log p(z) is refused (aevb.models.base.Prior); "" if it is not. Inherited."""

    in_turns: bool = False
    """Whether theta and phi have updates of their own, so that a p(z) made of both is refused. Inherited."""

    differentiates_mean: bool = False
    """Whether theta is trained by the gradient of the mean of p(x|z), which some decoders have not."""

    draws_images: bool = False
    """Whether the objective draws images from the model. If True, it is refused for a conditional model, which has
    images for given labels only (aevb.models.conditional). Inherited."""

    needs_classifier: bool = False
    """Whether the model must have a q(y|x) (aevb.models.semi_supervised). Inherited."""

    capturable: bool = False
    """Whether a round can be recorded as a CUDA graph (aevb.training.cuda_graph).

    A capturable objective takes one minibatch per round, executes the same device operations in
    every round, neither reads a number back from the device nor sends one to it, and changes its
    state in place. Not inherited: a subclass must declare it again.
    """

    weight_prior_of: tuple[str, ...] = ("theta", "phi")
    """Names of the parameter groups whose weights have the prior `weight_prior`. Inherited."""

    def __init__(self, weight_prior: float = 1.0) -> None:
        super().__init__()
        self.weight_prior = weight_prior

    @abstractmethod
    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield the updates of one round.

        Args:
            model: The model to train.
            stream: Minibatches; a round takes as many as it needs.

        Yields:
            One update after the other; the optimizer steps before the next is computed.
        """

    @property
    def no_mean(self) -> str:
        """The objective as a message names it if its loss is no mean over data, such as "BetaVAE with free_bits=0.1"; else ""."""
        name = type(self).__name__
        reasons = [f"{name} with {key}={value:g}" for key in self.no_mean_with if (value := getattr(self, key))]
        return name if not self.mean_over_data else next(iter(reasons), "")

    def round_samples(self, batch_size: int) -> int:
        """Return the number of training samples that one round adds to samples_seen.

        Args:
            batch_size: Size of a minibatch, M.

        Returns:
            The sum of `Update.samples` over a round.
        """
        return batch_size

    def metrics(self) -> dict[str, float]:
        """Return scalars of the objective's own state, which are logged at each evaluation as train_<name>."""
        return {}


def require_diagonal_normal(objective: str, distribution: object) -> None:
    """Refuse a q(z|x) or p(z) for which the formulas of an objective do not hold.

    Args:
        objective: Name of the objective, for the message.
        distribution: What the encoder or the prior returned.

    Raises:
        UserError: The distribution is not a `DiagonalNormal`.
    """
    if isinstance(distribution, Point):
        raise no_density()
    if not isinstance(distribution, DiagonalNormal):
        family = getattr(distribution, "family", type(distribution).__name__)
        raise UserError(
            f"objective={objective}: q(z|x) or p(z) is a {family}; allowed: a diagonal normal; "
            "try: model=bernoulli, or objective=sgvb_a"
        )
