"""An accelerator or a logger that this machine cannot have is refused without torch."""

import sys
from typing import Any

import pytest

from aevb.config import machine
from aevb.errors import UserError

CUDA = "__version__ = '2.9.0+cu130'\ncuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n"
ROCM = "__version__ = '2.9.0+rocm6'\ncuda: Optional[str] = None\nhip: Optional[str] = '6.4'\n"
CSV = {"_target_": "aevb.loggers.csv_logger.CSV"}
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
    monkeypatch.setattr(machine, "_torch_constants", lambda: constants)
    monkeypatch.setattr(machine, "DEVICE_FILES", files)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    settings: dict[str, Any] = {"trainer": {"accelerator": asked}, "logger": CSV}
    if not refused:
        machine.check_machine(settings)
        return
    with pytest.raises(UserError, match=rf"^trainer\.accelerator={asked}: torch 2\.9\.0\+\w+ has no (GPU|MPS device)"):
        machine.check_machine(settings)


def test_the_constants_of_the_torch_that_is_installed() -> None:
    import torch

    assert machine._torch_version() == torch.__version__
    assert f"git_version = '{torch.version.git_version}'" in machine._torch_constants()


LOGGERS = {
    name: {"_target_": f"aevb.loggers.{name}_logger.{kind}"}
    for name, kind in (("wandb", "WandB"), ("mlflow", "MLflow"))
}


@pytest.mark.parametrize("name", LOGGERS)
@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize("many", [True, False])
def test_a_logger_whose_package_is_missing(
    name: str, installed: bool, many: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_spec(package: str) -> object:
        return object() if installed and package == name else None

    monkeypatch.setattr(machine, "find_spec", find_spec)
    node = {"_target_": "aevb.loggers.many.Many", "loggers": {"a": CSV, "b": LOGGERS[name]}} if many else LOGGERS[name]
    settings: dict[str, Any] = {"trainer": {"accelerator": "cpu"}, "logger": node}
    if installed:
        machine.check_machine(settings)
        return
    with pytest.raises(UserError, match=rf"^logger={name}: needs {name}, .*; try: pip install 'aevb\[{name}\]'$"):
        machine.check_machine(settings)


def test_every_option_of_logger_states_its_package() -> None:
    from aevb.config.class_attributes import attribute

    for name, node in LOGGERS.items():
        assert attribute(node["_target_"], "package") == name
