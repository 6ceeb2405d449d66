"""Imports run one way, and what must be quick imports no torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import aevb

PACKAGE = Path(aevb.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

FLOORS = [
    {"errors", "ranges"},
    {"noise", "config", "progress", "lock", "arguments"},
    {"device_noise", "distributions", "products", "samplers", "data", "runs", "optimizers", "ties", "scratch"},
    {"forkserver"},
    {"child"},
    {"models", "build", "integrity"},
    {"estimators"},
    {"objectives", "evaluators"},
    {"training", "pitfalls"},
    {"restore", "manifest"},
    {"worker", "gathering", "evaluate", "figures", "refusals", "guard", "status", "compare", "grids"},
    {"ranks", "sweep", "verify", "ensemble"},
    {"cli"},
    {"experiment", "trained"},
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
LIGHTNING = {"training", "worker", "evaluate", "restore"}
HYDRA = {"cli", "refusals", "experiment", "guard", "sweep", "grids"}
NO_TORCH = {"errors", "ranges", "config", "progress", "lock", "scratch", "data", "runs", "child", "integrity", "build"}
NO_TORCH |= {"cli", "refusals", "experiment", "guard", "arguments", "status", "compare", "sweep", "gathering", "grids"}
NO_TORCH |= {"ties", "forkserver"}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Dotted names a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    here = room(path)
    names = imported(path)
    if here == "__init__":
        return
    for name in names:
        top, _, rest = name.partition(".")
        there = rest.split(".")[0]
        if top == "aevb" and there != here and there in FLOOR:
            assert FLOOR[there] < FLOOR[here], f"{here} may not import {name}"
    tops = {name.split(".")[0] for name in names}
    assert "lightning" not in tops or here in LIGHTNING
    assert not {"hydra", "hydra_plugins"} & tops or here in HYDRA
    assert not {"torch", "torchvision", "lightning"} & tops or here not in NO_TORCH


def test_every_room_has_its_floor() -> None:
    assert {room(path) for path in FILES} - {"__init__"} <= FLOOR.keys()


@pytest.mark.parametrize("module", ["aevb", "aevb.experiment", "aevb.runs", "aevb.config", "aevb.build"])
def test_quick_modules_load_no_torch(module: str) -> None:
    heavy = "{'torch', 'lightning', 'numpy', 'matplotlib'} & set(sys.modules)"
    probe = f"import sys, {module}; assert not {heavy}, {heavy}"
    subprocess.run([sys.executable, "-c", probe], check=True)
