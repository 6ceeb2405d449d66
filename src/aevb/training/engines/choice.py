"""Which engine computes the gradients of a run."""

from collections.abc import Mapping
from typing import Literal

from torch import nn

from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.objectives.objective import Objective
from aevb.training.engines.autograd import Autograd
from aevb.training.engines.closed_form import ClosedForm
from aevb.training.engines.stack import Member, Seat

__all__ = ["Engine", "EngineName", "choose_engine"]

Engine = Autograd | ClosedForm | Member
EngineName = Literal["auto", "closed_form", "autograd"]


def choose_engine(
    name: EngineName | Seat, objective: Objective, model: VAE, groups: Mapping[str, list[nn.Parameter]]
) -> Engine:
    """The engine of that name; auto: the closed form where there is one. Raises UserError where it is asked for and is not.

    A seat in a stack stands for the closed form together with others.
    """
    fits = ClosedForm.fits(objective, model)
    if isinstance(name, Seat) and fits:
        return name.engine(objective)
    if (name == "closed_form" or isinstance(name, Seat)) and not fits:
        raise UserError(
            f"trainer.engine=closed_form: there is none for {type(objective).__name__} with this model; allowed: SGVB A and B, "
            "Gaussian encoder, Bernoulli or Gaussian decoder, tanh; try: trainer.engine=auto"
        )
    if fits and name != "autograd":
        return ClosedForm(objective)  # type: ignore[arg-type]  # what `fits` has looked at
    return Autograd(objective, groups)
