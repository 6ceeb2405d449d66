"""The hardware of a run, for its manifest: the device, the number of threads and the matmul backend."""

from typing import Any

import torch

from aevb.nn.matmul import matmul_backend

__all__ = ["describe_hardware"]


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
