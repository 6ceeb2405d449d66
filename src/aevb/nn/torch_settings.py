"""The settings that torch has one of in a process: they are a command's own, and borrowed in a user's session.

A command sets threads, the precision of matrix products and the handling of denormal numbers for itself. In a notebook or a
script the same settings belong to the user, who may also have changed what the commands leave as it is (the default dtype,
gradient mode). Within `default_torch_settings` they are those of a new process, so that a run has the bits of the command.

torch's global generator is one of them. aevb itself draws from aevb.noise only, but networks and objectives of a user's own may
draw from it: dropout, default initial weights. So a run begins with a state that its seed determines
(aevb.training.assembly), keeps the state in its checkpoints, and does not lose it to an evaluation.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor

from aevb.nn import matmul

__all__ = [
    "default_torch_settings",
    "describe_hardware",
    "generator_states",
    "keep_freed_memory",
    "on_the_cpu",
    "restore_generators",
    "set_up_process",
    "undisturbed_generators",
]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc


def set_up_process(threads: int, matmul_precision: str, matmul_backend: matmul.MatmulBackend) -> None:
    """Set what torch has one of in a process that trains: threads, precision and backend of matrix products, memory.

    Args:
        threads: The number of threads.
        matmul_precision: The precision of float32 matrix products, by torch's names.
        matmul_backend: Their library (see `aevb.nn.matmul.use_matmul_backend`).
    """
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision(matmul_precision)
    # On a GPU torch computes convolutions in TF32 unless told otherwise, and by kernels that add up in any order.
    torch.backends.cudnn.allow_tf32 = matmul_precision != "highest"
    torch.backends.cudnn.deterministic = True
    matmul.use_matmul_backend(matmul_backend)
    keep_freed_memory()
    # Under the MAP prior the weights of pixels that are never on shrink geometrically, and a product with a number below
    # 1e-38 takes ten times as long.
    torch.set_flush_denormal(True)
    # torch's Adam asks for a GPU at every step. Lightning makes torch ask NVML, whose library is then searched on the
    # disk again and again: 0.1 ms a step where there is none.
    if not torch.cuda.is_available():
        os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "0"


def on_the_cpu() -> AbstractContextManager[object]:
    """Return a context in which new tensors are on the CPU, whatever default device the user has set."""
    # A context of torch takes some microseconds at every operation.
    return torch.device("cpu") if torch.get_default_device().type != "cpu" else nullcontext()


@contextmanager
def default_torch_settings() -> Iterator[None]:
    """Give torch the settings of a new process, and the user's settings back at the end.

    The number of threads is left for the work to set. Whether denormal numbers are flushed to zero cannot be asked for; it
    is off afterwards, which is the default.
    """
    threads = torch.get_num_threads()
    onednn, dtype = matmul.matmul_backend() == "onednn", torch.get_default_dtype()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    generator = torch.get_rng_state()
    torch.set_default_dtype(torch.float32)
    torch.set_flush_denormal(False)
    torch.use_deterministic_algorithms(False)
    try:
        with (
            _default_precision(),
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.autocast("cpu", enabled=False),
            on_the_cpu(),
        ):
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)
        torch.set_default_dtype(dtype)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.set_rng_state(generator)
        matmul.use_matmul_backend("onednn" if onednn else "torch")


@contextmanager
def _default_precision() -> Iterator[None]:
    # torch has two interfaces, and the older one raises if the user has used the newer one (torch >= 2.9).
    backends: Any = torch.backends
    cudnn, newer = backends.cudnn, []
    deterministic = cudnn.deterministic
    try:
        older = torch.get_float32_matmul_precision(), cudnn.allow_tf32
    except RuntimeError:
        nodes = backends.cuda.matmul, cudnn.conv, cudnn.rnn, backends.mkldnn.matmul
        older, newer = ("highest", True), [(node, node.fp32_precision) for node in nodes]
    torch.set_float32_matmul_precision("highest")
    cudnn.allow_tf32, cudnn.deterministic = True, False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(older[0])
        cudnn.allow_tf32, cudnn.deterministic = older[1], deterministic
        for node, precision in newer:
            node.fp32_precision = precision


def keep_freed_memory() -> None:
    """Tell glibc to keep freed memory, because training and evaluation free and allocate the same megabytes again and again.

    Without it each step and each decoded block pays for page faults: a step of the paper's model takes 1.2 to 1.4 times as
    long, quadrature 1.2 times. Does nothing with another C library.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(M_MMAP_THRESHOLD, 2**30)


def describe_hardware(accelerator: str) -> dict[str, Any]:
    """Describe the hardware as it is set up now.

    Args:
        accelerator: The accelerator of the run's config, for example "cpu" or "gpu".

    Returns:
        The name of the device, the number of threads of a process, and the library of its matrix products.
    """
    gpu = accelerator in ("gpu", "cuda", "auto") and torch.cuda.is_available()
    device = torch.cuda.get_device_name() if gpu else "cpu"
    return {"device": device, "threads": torch.get_num_threads(), "matmul_backend": matmul.matmul_backend()}


def generator_states(device: torch.device) -> list[Tensor]:
    """Return the states of the generator of the host and, if there is one, of that of a GPU.

    Args:
        device: Where the run is trained.
    """
    on_gpu = [torch.cuda.get_rng_state(device)] if device.type == "cuda" and torch.cuda.is_initialized() else []
    return [torch.get_rng_state(), *on_gpu]


def restore_generators(states: list[Tensor], device: torch.device) -> None:
    """Restore what `generator_states` returned.

    Args:
        states: The states, of which a run that moved between a GPU and a CPU has one for the host only.
        device: Where the run is trained.
    """
    torch.set_rng_state(states[0].cpu())
    if device.type == "cuda" and len(states) > 1:
        torch.cuda.set_rng_state(states[1].cpu(), device)


@contextmanager
def undisturbed_generators(device: torch.device) -> Iterator[None]:
    """Give the generators the states back that they had before.

    Args:
        device: Where the run is trained.
    """
    states = generator_states(device)
    try:
        yield
    finally:
        restore_generators(states, device)
