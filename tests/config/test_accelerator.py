"""An accelerator that this machine cannot have is refused without torch."""

import sys
from typing import Any

import pytest

from aevb.config import accelerator
from aevb.errors import UserError

CUDA = "__version__ = '2.9.0+cu130'\ncuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n"
ROCM = "__version__ = '2.9.0+rocm6'\ncuda: Optional[str] = None\nhip: Optional[str] = '6.4'\n"
CPU = "__version__ = '2.9.0+cpu'\ncuda: Optional[str] = None\nhip: Optional[str] = None\n"


@pytest.mark.parametrize(
    ("asked", "platform", "constants", "visible", "files", "refused"),
    [
        ("mps", "linux", CUDA, "0", ("*",), True),
        ("mps", "darwin", CPU, "0", (), False),
        ("gpu", "linux", CUDA, "0", ("*",), False),
        ("gpu", "linux", ROCM, "0", ("*",), False),
        ("gpu", "linux", CPU, "0", ("*",), True),
        ("gpu", "linux", CUDA, "", ("*",), True),
        ("gpu", "linux", CUDA, "0", ("no-such-device*",), True),
        ("gpu", "linux", "", "0", ("*",), False),  # a torch whose build is unknown
        ("gpu", "darwin", CPU, "0", (), False),
        ("cpu", "linux", CPU, "", (), False),
        ("auto", "linux", CPU, "", (), False),
    ],
)
def test_what_this_machine_cannot_have(
    asked: str,
    platform: str,
    constants: str,
    visible: str,
    files: tuple[str, ...],
    refused: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(accelerator, "_torch_constants", lambda: constants)
    monkeypatch.setattr(accelerator, "DEVICE_FILES", files)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    settings: dict[str, Any] = {"trainer": {"accelerator": asked}}
    if not refused:
        accelerator.check_accelerator(settings)
        return
    with pytest.raises(UserError, match=rf"^trainer\.accelerator={asked}: torch 2\.9\.0\+\w+ has no (GPU|MPS device)"):
        accelerator.check_accelerator(settings)


def test_the_constants_of_the_torch_that_is_installed() -> None:
    import torch

    assert accelerator._torch_version() == torch.__version__
    assert f"git_version = '{torch.version.git_version}'" in accelerator._torch_constants()
