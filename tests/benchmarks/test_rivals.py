"""Every method runs its own loop, and takes turns as it should."""

import importlib.util
import io
import json
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

from aevb.errors import UserError
from aevb.nn import matmul
from benchmarks import rivals
from benchmarks.benchmark_model import SMALL, BenchmarkModel
from benchmarks.children import Method
from benchmarks.gate import Gate, Over
from benchmarks.groups import evaluators, importance, training
from benchmarks.matmul import available
from helpers.commands import REPOSITORY, process
from helpers.gates import run

NAMES = sorted(path.stem for path in Path(rivals.__file__).parent.glob("[!_]*.py"))
OPTIONAL = {"jax_scan": "jax", "pythae_trainer": "pythae"}
BRIEF = BenchmarkModel(**{**vars(SMALL), "unit": 5, "samples": 100})


@pytest.mark.parametrize("name", NAMES)
def test_every_method_runs(name: str) -> None:
    if (package := OPTIONAL.get(name)) and not importlib.util.find_spec(package):
        pytest.skip(f"{package} is not installed")
    if package == "jax":  # has threads, and other tests fork their process
        program = "import sys; sys.path.insert(0, 'tests'); from benchmarks.rivals.jax_scan import loop; "
        program += "from helpers.gates import run; from benchmarks.benchmark_model import SMALL, BenchmarkModel; "
        program += f"print(run(loop, {BRIEF!r}, {BRIEF.unit}).taken)"
        done = process([sys.executable, "-c", program], REPOSITORY)
        assert (done.returncode, done.stdout) == (0, f"{BRIEF.unit}\n"), done.stderr
        return
    before = torch.get_float32_matmul_precision()
    try:
        gate = run(import_module(f"benchmarks.rivals.{name}").loop, BRIEF, BRIEF.unit)
    finally:
        torch.set_float32_matmul_precision(before)
    assert gate.taken == BRIEF.unit


@pytest.mark.parametrize("name", [f"{name}_gemm" for name in evaluators.METHODS])
def test_products_of_stacked_rows_are_by_the_named_library(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dimensions = set()

    def product(by: str, left: torch.Tensor, right: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        dimensions.add(left.dim())
        return torch.matmul(left, right, out=out)

    if not available():
        pytest.skip("torch has no oneDNN here")
    monkeypatch.setattr(matmul, "_onednn", True)
    monkeypatch.setattr(matmul, "SMALL", 0)  # products of this size would stay with torch, which flattens stacks
    monkeypatch.setattr("benchmarks.evaluator_turns.product", product)
    run(import_module(f"benchmarks.rivals.{name}").loop, BRIEF, BRIEF.unit)
    assert 3 in dimensions if name == "ais_gemm" else dimensions == {2}, dimensions


def test_every_method_is_asked_for() -> None:
    methods = {name.partition(",")[0] for name in (*training.RIVALS, *importance.METHODS)}
    methods |= {f"{name}{suffix}" for name in evaluators.METHODS for suffix in ("", "_gemm")}
    assert set(NAMES) == methods | {"one_parameter_plain"}


def test_a_turn_is_so_many_steps_long() -> None:
    answers = io.StringIO()
    gate = Gate(3, io.StringIO("\n\n"), answers)
    settled = []
    gate.settle = lambda: settled.append(True)
    gate.facts = {"more": 1}
    gate.open()
    for _ in range(3):
        gate()
    with pytest.raises(Over):  # after the second turn nobody asks any more
        gate(3)
    first, *turns = map(json.loads, answers.getvalue().splitlines())
    assert first == {}
    assert [(turn["steps"], turn["more"]) for turn in turns] == [(3, 1), (3, 1)]
    assert all(turn["seconds"] >= 0 for turn in turns)
    assert settled == [True, True]


def test_a_method_as_a_process() -> None:
    method = Method("gemm", BRIEF, threads=1)
    try:
        assert method.take_turn() > 0
        assert method.facts["steps"] == BRIEF.unit
    finally:
        method.close()
    assert method._process.returncode == 0


def test_the_error_of_a_method_is_reported() -> None:
    method = Method("no_such_method", BRIEF)
    with pytest.raises(
        UserError, match=r"^no_such_method: its process ended by itself: ModuleNotFoundError: .*no_such_method'$"
    ):
        method.ready()
