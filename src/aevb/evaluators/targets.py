"""The images that evaluators see, and the floating-point type of a run."""

from typing import Any

import torch

from aevb.data.dataset import Split
from aevb.noise import RowNoise

__all__ = ["float_type", "targets"]


def float_type(settings: dict[str, Any]) -> torch.dtype:
    """The type of the run's numbers."""
    return {32: torch.float32, 64: torch.float64}[settings["trainer"]["precision"]]


def targets(split: Split, dynamic: bool, seed: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """The targets a split is evaluated on, (n, D).

    Of a dynamic data set they are drawn once, each image from its own stream, so that every evaluation with this seed sees the
    same ones.
    """
    x = torch.from_numpy(split.x).to(dtype)
    return (RowNoise(seed, "targets", range(len(x))).uniform(tuple(x.shape), dtype) < x).to(dtype) if dynamic else x
