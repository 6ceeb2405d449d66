"""How a run is trained, apart from what is trained: the hardware and the precision of the arithmetic."""

from dataclasses import dataclass
from typing import Literal

import torch

from aevb.config.machine import no_gpu, no_mps
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
        microbatches: Shares in which the minibatch of a device is computed, one after another, so that a large
            one fits into a small memory (aevb.training.engines.accumulated).
        checkpoint_minutes: Longest time between two checkpoints; one is also written at every evaluation point.

    Raises:
        UserError: If accelerator=gpu and torch has no GPU, or accelerator=mps and torch has no MPS device or the
            precision is 64, which MPS does not have.
    """

    accelerator: Literal["cpu", "gpu", "mps", "auto"] = "cpu"
    devices: PositiveInt = 1
    threads: Threads = 1
    precision: Literal[32, 64] = 32
    engine: Literal["auto", "closed_form", "autograd"] = "auto"
    matmul_backend: Literal["auto", "torch", "onednn"] = "auto"
    matmul_precision: Literal["highest", "high", "medium"] = "highest"
    block: PositiveInt = 50
    graph_steps: NonNegativeInt = 50
    microbatches: PositiveInt = 1
    checkpoint_minutes: PositiveFloat = 5

    def __post_init__(self) -> None:
        if self.accelerator == "mps" and not torch.backends.mps.is_available():
            raise no_mps(torch.__version__)
        if self.accelerator == "mps" and self.precision == 64:
            raise UserError(
                "trainer.precision=64: MPS computes in 32 bits only; allowed: 32; try: trainer.precision=32, or "
                "trainer.accelerator=cpu"
            )
        if self.accelerator == "gpu" and not (torch.cuda.is_available() or torch.backends.mps.is_available()):
            raise no_gpu(torch.__version__)
