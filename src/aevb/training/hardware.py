"""What a process uses of the machine: threads, matmul backend, memory; and the device, for the manifest of a run."""

from typing import Any

import torch

from aevb.nn.freed_memory import keep_freed_memory
from aevb.nn.matmul import matmul_backend, use_matmul_backend
from aevb.training.settings import TrainerSettings

__all__ = ["describe_hardware", "set_up_process"]


def set_up_process(settings: TrainerSettings) -> None:
    """Set what torch has one of in a process: the threads, the precision and backend of matrix products, the memory.

    Args:
        settings: The node `trainer` of the config of the run.
    """
    torch.set_num_threads(settings.threads)
    torch.set_float32_matmul_precision(settings.matmul_precision)
    use_matmul_backend(settings.matmul_backend)
    keep_freed_memory()
    # Under the MAP prior the weights of pixels that are never on shrink geometrically, and a product with a number below
    # 1e-38 takes ten times as long.
    torch.set_flush_denormal(True)


def describe_hardware(accelerator: str) -> dict[str, Any]:
    """Describe the hardware as it is set up now.

    Args:
        accelerator: The accelerator of the run's config, for example "cpu" or "gpu".

    Returns:
        The name of the device, the number of threads of a process, and the library of its matrix products.
    """
    gpu = accelerator in ("gpu", "cuda", "auto") and torch.cuda.is_available()
    device = torch.cuda.get_device_name() if gpu else "cpu"
    return {"device": device, "threads": torch.get_num_threads(), "matmul_backend": matmul_backend()}
