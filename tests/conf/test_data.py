"""conf/data says the same as the constructors: every key is an argument, every value its default."""

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from aevb.data.dataset import Dataset

FOLDER = Path(__file__).parents[2] / "conf" / "data"
OPTIONS = sorted(path.stem for path in FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_lists_every_argument_with_its_default(option: str) -> None:
    path = FOLDER / f"{option}.yaml"
    conf = OmegaConf.to_container(OmegaConf.load(path))
    assert isinstance(conf, dict)
    keys = dict(conf["data"] if "@package _global_" in path.read_text() else conf)
    module, _, name = keys.pop("_target_").rpartition(".")
    kind = getattr(importlib.import_module(module), name)
    assert issubclass(kind, Dataset)
    defaults = {key: parameter.default for key, parameter in inspect.signature(kind).parameters.items()}
    # Not listed, so that a YAML with another _target_ need not remove it: Hydra cannot remove a key that is null.
    unlisted = {"dequantise": None} if "dequantise" in defaults else {}
    assert {**unlisted, **keys} == defaults


def test_every_file_of_the_room_has_an_option() -> None:
    targets = " ".join((FOLDER / f"{option}.yaml").read_text() for option in OPTIONS)
    for module in (
        "mnist",
        "frey_face",
        "digits",
        "synthetic",
        "array",
        "emnist",
        "svhn",
        "cifar10",
        "omniglot",
        "silhouettes",
    ):
        assert f"aevb.data.{module}." in targets


def test_the_data_room_is_light() -> None:
    """scikit-learn takes a second to import, so the digits are read from its file."""
    modules = [f"aevb.data.{path.stem}" for path in Path(importlib.import_module("aevb.data").__path__[0]).glob("*.py")]
    heavy = ("torch", "scipy", "sklearn", "requests", "hydra", "lightning")
    loaded = "aevb.data.digits.Digits().load(); aevb.data.shapes.Shapes().load()"
    code = (
        f"import sys, {', '.join(sorted(modules))}; {loaded}; print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
