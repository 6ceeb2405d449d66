"""aevb's importance sampling as aevb-evaluate calls it: an evaluator over images, K draws each."""

import torch

from aevb.evaluators.evaluator import run_over
from aevb.evaluators.importance import Importance
from benchmarks.gate import Gate
from benchmarks.recipe import BenchmarkModel
from benchmarks.trained import trained

__all__ = ["loop"]


def loop(recipe: BenchmarkModel, gate: Gate) -> None:
    """The same images over and over, `unit` of them a turn; each turn's mean log p(x) goes to standard error."""
    model = trained(recipe)
    x = torch.from_numpy(recipe.dataset().load().test.x[: recipe.unit].copy())
    evaluator = Importance(recipe.samples)
    gate.open()
    while True:
        evaluation = run_over(evaluator, model, x, recipe.seed)
        gate.facts = {"log_px": evaluation.values["log_px"].tolist()}
        gate(len(x))
