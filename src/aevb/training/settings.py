"""How a run is trained, apart from what is trained: device, threads, precision, blocks, minibatches."""

from dataclasses import dataclass
from typing import Literal

import torch

from aevb.errors import UserError
from aevb.types import NonNegativeInt, PositiveFloat, PositiveInt, Threads

__all__ = ["TrainerSettings"]


@dataclass(frozen=True)
class TrainerSettings:
    """Settings of the trainer.

    accelerator: as Lightning's. devices: processes that share every minibatch, each on its own device, over all machines.
    threads: per process. precision: bits of a float. engine: what computes the gradients; auto: the closed form where there
    is one, autograd elsewhere. matmul_backend: whose float32 matrix products a CPU takes; auto: oneDNN's where torch's own are known
    to be slow. matmul_precision: what these compute in: float32, TF32 or bfloat16, where the device has them. block: minibatches that one
    Lightning step takes at once. sampling: minibatches from an endless stream of seeded permutations, or drawn with replacement
    as in the authors' code. train_window: samples behind one value of train_bound. first: images behind log p(x) at a
    mark. final_first: test images that the end is evaluated on; null: all. mark_splits: whose they are; both: also those of the
    training set, in columns train_*. first_mark: marks before it are passed over, for evaluators that take long. mark_every:
    its multiples are marks too. checkpoint_minutes: a checkpoint is never older than this, beside those at the marks.
    clip_value, clip_norm: of the gradient before a step (aevb.training.clipping); null: as it is.
    graph_steps: how many of a block's minibatches a CUDA graph takes at once, where objective, model and optimiser allow it
    (aevb.training.cuda_graph); 0: none. On other devices it means nothing.
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
    sampling: Literal["permutation", "replacement"] = "permutation"
    train_window: PositiveInt = 230_000
    first: PositiveInt = 1000
    final_first: PositiveInt | None = None
    mark_splits: Literal["test", "both"] = "test"
    first_mark: PositiveInt = 1
    mark_every: PositiveInt | None = None
    checkpoint_minutes: PositiveFloat = 5
    clip_value: PositiveFloat | None = None
    clip_norm: PositiveFloat | None = None

    def __post_init__(self) -> None:
        if self.accelerator == "gpu" and not (torch.cuda.is_available() or torch.backends.mps.is_available()):
            raise UserError(
                f"trainer.accelerator=gpu: torch {torch.__version__} sees none here; allowed: cpu, auto; "
                "try: trainer.accelerator=cpu"
            )
