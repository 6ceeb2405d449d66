"""torch's own optimizers under their usual names, in their fused form where torch has one."""

from typing import Any

import torch
from torch import nn

from aevb.optimizers.adam import Adam
from aevb.types import Decay, NonNegativeFloat, PositiveFloat

__all__ = ["adagrad", "adam", "sgd"]


def adagrad(params: Any, lr: PositiveFloat = 0.01) -> torch.optim.Optimizer:
    """Make torch.optim.Adagrad: accumulator from 0, eps = 1e-10 outside the root, no warm-up.

    Args:
        params: Parameters, or groups of them.
        lr: Learning rate.

    Returns:
        The optimizer.
    """
    params = list(params)
    # Not every torch has the kernel elsewhere.
    return _of_its_device(torch.optim.Adagrad(params, lr=lr, fused=_on("cpu", params)), "fused")


def adam(
    params: Any,
    lr: PositiveFloat = 0.001,
    betas: tuple[Decay, Decay] = (0.9, 0.999),
    eps: PositiveFloat = 1e-8,
) -> torch.optim.Optimizer:
    """Make torch.optim.Adam without the code around its kernel (aevb.optimizers.adam; Kingma & Ba 2015).

    Args:
        params: Parameters, or groups of them.
        lr: Learning rate.
        betas: Decay rates of the running means of the gradient and of its square.
        eps: Added to the root.

    Returns:
        The optimizer.
    """
    params = list(params)
    capturable = _on("cuda", params)  # its step, by a CUDA graph
    optimizer = Adam(params, lr=lr, betas=(betas[0], betas[1]), eps=eps, capturable=capturable)
    return _of_its_device(optimizer, "capturable")


def sgd(params: Any, lr: PositiveFloat = 0.001, momentum: NonNegativeFloat = 0.0) -> torch.optim.Optimizer:
    """Make torch.optim.SGD: w <- w - lr * v, v <- momentum * v + g.

    Args:
        params: Parameters, or groups of them.
        lr: Learning rate.
        momentum: Decay rate of v.

    Returns:
        The optimizer.
    """
    return torch.optim.SGD(params, lr=lr, momentum=momentum, fused=True)


def _of_its_device(optimizer: torch.optim.Optimizer, option: str) -> torch.optim.Optimizer:
    # A state_dict brings the options of the device where it was saved, which may be another one.
    own = {option: optimizer.defaults[option]}

    def with_own(_: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
        return {**state, "param_groups": [{**group, **own} for group in state["param_groups"]]}

    optimizer.register_load_state_dict_pre_hook(with_own)
    return optimizer


def _on(device: str, params: Any) -> bool:
    groups = [group["params"] if isinstance(group, dict) else [group] for group in params]
    parameters: list[nn.Parameter] = [parameter for group in groups for parameter in group]
    return all(parameter.device.type == device for parameter in parameters)
