"""What trains a model: an objective is a generator of updates.

Given the model and an endless stream of minibatches, an objective yields scalar losses and says which parameters
each may move. One round is one call; evaluations and checkpoints fall between rounds, so nothing that carries a graph
may live across a `yield`. What an objective owns (a learned baseline, chains, a step size) are its buffers and
parameters, and therefore in the checkpoint.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from torch import Tensor, nn

from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["Batch", "Objective", "Update"]


class Batch(NamedTuple):
    """One minibatch, or this rank's share of it.

    x: (M, D) targets. index: (M,) positions in the training set. noise: its random numbers.
    """

    x: Tensor
    index: Tensor  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    noise: Noise


class Update(NamedTuple):
    """One optimiser step.

    loss: scalar to descend on, a mean over the minibatch. parameter_groups: those it may move, of "theta" (generative)
    and "phi" (recognition). samples: training samples by which the clock moves (on several devices: this rank's, of as many on
    each). stats: named detached scalars in nats per datapoint; "bound" is the lower bound of the minibatch, whatever the
    loss is.
    """

    loss: Tensor
    parameter_groups: tuple[str, ...]
    samples: int
    stats: Mapping[str, Tensor]


class Objective(nn.Module, ABC):
    """Base of all objectives.

    weight_prior: precision of p(w) = N(0, 1/precision) on the weights (not the biases), whose
    gradient w * precision / N is added to that of the mean loss: the paper's MAP term. 0 switches it off.
    weight_prior_of: the parameter groups that it is on.
    mean_over_data: the loss is a mean of terms that each see one datapoint, so the mean over ranks of their shares is the
    loss of the minibatch. An objective of which this is not true says so, and is refused on several devices.
    over_theta: it trains a posterior q(theta), which the model then has to have; any other is refused on such a model.
    reparameterised: it needs draws of q(z|x) with a derivative, which binary latents do not have.
    capturable: a round is one minibatch and always the same operations on the device, none of which asks for a number or takes
    one from the host, and what the objective remembers are tensors changed in place (aevb.training.cuda_graph). Not inherited.
    """

    mean_over_data: bool = True
    over_theta: bool = False
    reparameterised: bool = False
    capturable: bool = False
    weight_prior_of: tuple[str, ...] = ("theta", "phi")

    def __init__(self, weight_prior: float = 1.0) -> None:
        super().__init__()
        self.weight_prior = weight_prior

    @abstractmethod
    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yields the updates of one round, pulling as many minibatches as it needs."""

    def round_samples(self, batch_size: int) -> int:
        """Samples by which the clock moves in a round."""
        return batch_size

    def metrics(self) -> dict[str, float]:
        """What a mark writes down of the objective's own state, in columns train_*."""
        return {}
