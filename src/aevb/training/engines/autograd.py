"""The engine for every objective: torch differentiates the loss that the objective yields."""

from collections.abc import Iterator, Mapping

from torch import nn

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update
from aevb.training.engines.first_round import checked

__all__ = ["Autograd"]


class Autograd:
    """Writes `.grad` of exactly those parameters that an update names.

    Args:
        objective: Yields the updates.
        groups: Parameters by the names in `Update.parameter_groups`.
    """

    def __init__(self, objective: Objective, groups: Mapping[str, list[nn.Parameter]]) -> None:
        self.objective, self.groups = objective, groups
        self._is_first = True

    def __call__(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield the updates of one round, with their gradients in `.grad`.

        Args:
            model: The model.
            stream: Minibatches.

        Yields:
            The updates of the objective, with detached losses.

        Raises:
            UserError: The first round of the objective yields something else than updates.
        """
        updates = self.objective(model, stream)
        if self._is_first:
            updates, self._is_first = checked(updates, self.objective, self.groups), False
        for update in updates:
            parameters = [parameter for name in update.parameter_groups for parameter in self.groups[name]]
            for parameter in parameters:
                parameter.grad = None
            update.loss.backward(inputs=parameters)
            yield update._replace(loss=update.loss.detach())
