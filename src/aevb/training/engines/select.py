"""The choice of the engine that computes the gradients of a run."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from torch import nn

from aevb.errors import UserError
from aevb.models.closed_form_gradients import has_closed_form
from aevb.models.vae import VAE
from aevb.objectives.beta_vae import BetaVAE
from aevb.objectives.dreg import DReG
from aevb.objectives.iwae import IWAE
from aevb.objectives.objective import Objective
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B
from aevb.objectives.wake_sleep import WakeSleep
from aevb.training.engines.accumulated import Accumulated
from aevb.training.engines.autograd import Autograd
from aevb.training.engines.closed_form import ClosedForm
from aevb.training.engines.closed_form_beta import ClosedFormBeta
from aevb.training.engines.closed_form_iwae import ClosedFormIWAE
from aevb.training.engines.closed_form_wake_sleep import ClosedFormWakeSleep
from aevb.training.engines.ensemble import Member, Slot

__all__ = ["Engine", "EngineName", "choose_engine"]

Engine = Accumulated | Autograd | ClosedForm | ClosedFormBeta | ClosedFormIWAE | ClosedFormWakeSleep | Member
EngineName = Literal["auto", "closed_form", "autograd"]

CLOSED_FORMS: dict[type[Objective], Callable[[Any], Engine]] = {
    SGVB_A: ClosedForm,
    SGVB_B: ClosedForm,
    BetaVAE: ClosedFormBeta,
    IWAE: ClosedFormIWAE,
    DReG: ClosedFormIWAE,
    WakeSleep: ClosedFormWakeSleep,
}
"""The engine in closed form of each objective. A subclass of one has none, since it may compute something else."""


def choose_engine(
    name: EngineName | Slot,
    objective: Objective,
    model: VAE,
    groups: Mapping[str, list[nn.Parameter]],
    microbatches: int = 1,
) -> Engine:
    """Return the engine of a run.

    Args:
        name: Name of the engine; "auto": the closed form if there is one, else autograd. A slot stands
            for the closed form, computed together with the other runs of an ensemble.
        objective: The objective.
        model: The model.
        groups: Parameters by the name of their group, "theta" and "phi".
        microbatches: Number of shares in which a minibatch is computed.

    Raises:
        UserError: The objective has no closed form with this model, and one was asked for; or a member of an
            ensemble is to compute its minibatches in shares.
    """
    if microbatches == 1:
        return _whole(name, objective, model, groups)
    if isinstance(name, Slot):
        raise UserError(
            f"trainer.microbatches={microbatches}: an ensemble computes whole minibatches; allowed: 1; "
            "try: hydra/launcher=cores"
        )
    return Accumulated(_whole(name, objective, model, groups), microbatches, groups)


def _whole(
    name: EngineName | Slot, objective: Objective, model: VAE, groups: Mapping[str, list[nn.Parameter]]
) -> Engine:
    known = CLOSED_FORMS.get(type(objective)) if has_closed_form(model) else None
    if isinstance(name, Slot):
        if known is not ClosedForm:
            raise UserError(
                f"hydra/launcher=ensemble: {type(objective).__name__} with this model cannot be trained in an ensemble; "
                "allowed: SGVB A and B, Gaussian encoder, Bernoulli or Gaussian decoder, tanh; try: hydra/launcher=cores"
            )
        return name.engine(objective)
    if known is not None and name != "autograd":
        return known(objective)
    if name == "closed_form":
        raise UserError(
            f"trainer.engine=closed_form: there is none for {type(objective).__name__} with this model; allowed: SGVB A and B, "
            "beta-VAE, IWAE, DReG and wake-sleep, Gaussian encoder, Bernoulli or Gaussian decoder, tanh; try: trainer.engine=auto"
        )
    return Autograd(objective, groups)
