"""Whether this machine has what a config needs: the accelerator and packages of loggers, as far as torch need not be imported."""

import re
import sys
from importlib.util import find_spec
from os import environ
from pathlib import Path
from typing import Any

from aevb.config.class_attributes import attribute
from aevb.errors import UserError

__all__ = ["check_machine", "check_package", "no_gpu", "no_mps"]

DEVICE_FILES = ("nvidia*", "nvhost*", "nvgpu*", "nvmap", "kfd", "dxg")
"""What Linux has below /dev for a GPU: Nvidia's, its boards', AMD's, and that of Windows' subsystem."""


def check_machine(settings: dict[str, Any]) -> None:
    """Refuse an accelerator or a logger that this machine cannot have.

    What passes may still be refused when the run begins, for example by torch because the driver is too old.

    Args:
        settings: The validated config.

    Raises:
        UserError: If accelerator=mps and this is not a Mac, or accelerator=gpu on Linux where torch is built without
            CUDA and ROCm, or /dev has no GPU, or CUDA_VISIBLE_DEVICES hides them all; or if the package of a logger
            of aevb's is not installed.
    """
    accelerator = settings["trainer"]["accelerator"]
    if accelerator == "mps" and sys.platform != "darwin":
        raise no_mps(_torch_version())
    if accelerator == "gpu" and sys.platform == "linux" and not _may_have_gpu():
        raise no_gpu(_torch_version())
    logger = settings["logger"]
    for node in (logger, *(logger.get("loggers") or {}).values()):
        if (target := str(node["_target_"])).startswith("aevb.") and (package := attribute(target, "package")):
            check_package(package)


def check_package(package: str) -> None:
    """Refuse a logger whose package is not installed.

    Args:
        package: The package; the option of the group logger and the extra have its name too.

    Raises:
        UserError: If the package is missing.
    """
    if find_spec(package) is None:
        raise UserError(
            f"logger={package}: needs {package}, which is not installed; allowed without it: tensorboard, csv, none; "
            f"try: pip install 'aevb[{package}]'"
        )


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
