"""Which engine computes the gradients of a run."""

from collections.abc import Mapping
from typing import Literal

from torch import nn

from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.objectives.objective import Objective
from aevb.training.engines.autograd import Autograd
from aevb.training.engines.closed_form import ClosedForm
from aevb.training.engines.closed_form_wake_sleep import ClosedFormWakeSleep
from aevb.training.engines.ensemble import Member, Slot

__all__ = ["Engine", "EngineName", "choose_engine"]

Engine = Autograd | ClosedForm | ClosedFormWakeSleep | Member
EngineName = Literal["auto", "closed_form", "autograd"]


def choose_engine(
    name: EngineName | Slot, objective: Objective, model: VAE, groups: Mapping[str, list[nn.Parameter]]
) -> Engine:
    """The engine of that name; auto: the closed form where there is one. Raises UserError where it is asked for and is not.

    A slot in a stack stands for the closed form together with others.
    """
    sgvb = ClosedForm.fits(objective, model)
    if isinstance(name, Slot):
        if not sgvb:
            raise UserError(
                f"hydra/launcher=ensemble: {type(objective).__name__} with this model cannot be stacked; allowed: SGVB A and B, "
                "Gaussian encoder, Bernoulli or Gaussian decoder, tanh; try: hydra/launcher=cores"
            )
        return name.engine(objective)
    if name == "autograd":
        return Autograd(objective, groups)
    if sgvb:
        return ClosedForm(objective)  # type: ignore[arg-type]  # what `fits` has looked at
    if ClosedFormWakeSleep.fits(objective, model):
        return ClosedFormWakeSleep(objective)  # type: ignore[arg-type]
    if name == "closed_form":
        raise UserError(
            f"trainer.engine=closed_form: there is none for {type(objective).__name__} with this model; allowed: SGVB A and B "
            "and wake-sleep, Gaussian encoder, Bernoulli or Gaussian decoder, tanh; try: trainer.engine=auto"
        )
    return Autograd(objective, groups)
