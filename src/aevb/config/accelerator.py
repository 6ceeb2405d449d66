"""Whether this machine can have the accelerator of a config, as far as that is known without importing torch."""

import re
import sys
from importlib.util import find_spec
from os import environ
from pathlib import Path
from typing import Any

from aevb.errors import UserError

__all__ = ["check_accelerator", "no_gpu", "no_mps"]

DEVICE_FILES = ("nvidia*", "nvhost*", "nvgpu*", "nvmap", "kfd", "dxg")
"""What Linux has below /dev for a GPU: Nvidia's, its boards', AMD's, and that of Windows' subsystem."""


def check_accelerator(settings: dict[str, Any]) -> None:
    """Refuse an accelerator that this machine cannot have.

    What passes may still be refused by torch when the run begins, for example because the driver is too old.

    Args:
        settings: The validated config.

    Raises:
        UserError: If accelerator=mps and this is not a Mac, or accelerator=gpu on Linux where torch is built without
            CUDA and ROCm, or /dev has no GPU, or CUDA_VISIBLE_DEVICES hides them all.
    """
    accelerator = settings["trainer"]["accelerator"]
    if accelerator == "mps" and sys.platform != "darwin":
        raise no_mps(_torch_version())
    if accelerator == "gpu" and sys.platform == "linux" and not _may_have_gpu():
        raise no_gpu(_torch_version())


def no_gpu(version: str) -> UserError:
    """Return the error of accelerator=gpu without a GPU.

    Args:
        version: The version of torch.
    """
    return UserError(
        f"trainer.accelerator=gpu: torch {version} has no GPU here; allowed: cpu, auto; try: trainer.accelerator=cpu"
    )


def no_mps(version: str) -> UserError:
    """Return the error of accelerator=mps without an MPS device.

    Args:
        version: The version of torch.
    """
    return UserError(
        f"trainer.accelerator=mps: torch {version} has no MPS device here (it needs a Mac with Apple silicon); "
        "allowed: cpu, auto; try: trainer.accelerator=cpu"
    )


def _may_have_gpu() -> bool:
    text = _torch_constants()
    if text and not re.search(r"^(cuda|hip)\b[^=\n]*= *['\"]", text, re.MULTILINE):
        return False
    if environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1"):
        return False
    return any(next(Path("/dev").glob(pattern), None) for pattern in DEVICE_FILES)


def _torch_version() -> str:
    version = re.search(r"^__version__ *= *['\"]([^'\"]+)", _torch_constants(), re.MULTILINE)
    return version[1] if version else ""


def _torch_constants() -> str:
    # The module of constants that torch's build writes, as text; importing it would import torch.
    spec = find_spec("torch")
    path = Path(spec.origin).with_name("version.py") if spec and spec.origin else None
    return path.read_text(encoding="utf-8") if path and path.is_file() else ""
