"""The engine for everything: torch differentiates the loss that the objective yields."""

from collections.abc import Iterator, Mapping

from torch import nn

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update

__all__ = ["Autograd"]


class Autograd:
    """Updates of `objective` whose gradients stand in `.grad` of the parameters they may move, and nowhere else.

    groups: the parameters behind the names in `Update.parameter_groups`.
    """

    def __init__(self, objective: Objective, groups: Mapping[str, list[nn.Parameter]]) -> None:
        self.objective, self.groups = objective, groups

    def __call__(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """The updates of one round."""
        for update in self.objective(model, stream):
            moved = [parameter for name in update.parameter_groups for parameter in self.groups[name]]
            for parameter in moved:
                parameter.grad = None
            update.loss.backward(inputs=moved)
            yield update._replace(loss=update.loss.detach())
