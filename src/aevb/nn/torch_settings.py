"""The settings that torch has one of in a process: they are a command's own, and borrowed in a user's session.

A command sets threads, the precision of matrix products and the handling of denormal numbers for itself. In a notebook or a
script the same settings belong to the user, who may also have changed what the commands leave as it is (the default dtype,
gradient mode). Within `default_torch_settings` they are those of a new process, so that a run has the bits of the command.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from aevb.nn import matmul

__all__ = ["default_torch_settings"]


@contextmanager
def default_torch_settings() -> Iterator[None]:
    """Give torch the settings of a new process, and the user's settings back at the end.

    The number of threads is left for the work to set. Whether denormal numbers are flushed to zero cannot be asked for; it
    is off afterwards, which is the default.
    """
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    onednn, dtype = matmul.matmul_backend() == "onednn", torch.get_default_dtype()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    generator = torch.get_rng_state()
    torch.set_default_dtype(torch.float32)
    torch.set_float32_matmul_precision("highest")
    torch.set_flush_denormal(False)
    torch.use_deterministic_algorithms(False)
    try:
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast("cpu", enabled=False):
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)
        torch.set_flush_denormal(False)
        torch.set_default_dtype(dtype)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.set_rng_state(generator)
        matmul.use_matmul_backend("onednn" if onednn else "torch")
