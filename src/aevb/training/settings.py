"""How a run is trained, apart from what is trained: the hardware and the precision of the arithmetic."""

from dataclasses import dataclass
from typing import Literal

import torch

from aevb.errors import UserError
from aevb.types import NonNegativeInt, PositiveFloat, PositiveInt, Threads

__all__ = ["TrainerSettings"]


@dataclass(frozen=True)
class TrainerSettings:
    """Settings of the hardware (conf/trainer).

    Args:
        accelerator: The device, by Lightning's names.
        devices: Number of processes that share every minibatch, each on its own device, over all machines.
        threads: Threads of each process.
        precision: Bits of a floating-point number.
        engine: What computes the gradients; auto: the closed form where there is one, autograd elsewhere.
        matmul_backend: Library of the float32 matrix products on a CPU; auto: oneDNN where torch's own is
            known to be slow.
        matmul_precision: Precision of these products: float32, TF32 or bfloat16, where the device has them.
        block: Minibatches that one Lightning step takes at once.
        graph_steps: Minibatches of a block that one CUDA graph takes at once, where objective, model and
            optimizer allow it (aevb.training.cuda_graph); 0: none. Without effect on other devices.
        checkpoint_minutes: Longest time between two checkpoints; one is also written at every evaluation point.

    Raises:
        UserError: If accelerator=gpu and torch has no GPU.
    """

    accelerator: Literal["cpu", "gpu", "auto"] = "cpu"
    devices: PositiveInt = 1
    threads: Threads = 1
    precision: Literal[32, 64] = 32
    engine: Literal["auto", "closed_form", "autograd"] = "auto"
    matmul_backend: Literal["auto", "torch", "onednn"] = "auto"
    matmul_precision: Literal["highest", "high", "medium"] = "highest"
    block: PositiveInt = 50
    graph_steps: NonNegativeInt = 50
    checkpoint_minutes: PositiveFloat = 5

    def __post_init__(self) -> None:
        if self.accelerator == "gpu" and not (torch.cuda.is_available() or torch.backends.mps.is_available()):
            raise UserError(
                f"trainer.accelerator=gpu: torch {torch.__version__} has no GPU here; allowed: cpu, auto; "
                "try: trainer.accelerator=cpu"
            )
