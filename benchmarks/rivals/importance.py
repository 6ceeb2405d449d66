"""aevb's importance sampling as aevb-evaluate calls it: an evaluator over images, K draws each."""

import torch

from aevb.evaluators.blocks import run_over
from aevb.evaluators.importance import Importance
from aevb.nn.torch_settings import keep_freed_memory
from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate
from benchmarks.trained_model import load_trained

__all__ = ["loop"]


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """The same images over and over, `unit` of them a turn; each turn's mean log p(x) goes to standard error."""
    keep_freed_memory()  # as aevb-evaluate does
    model = load_trained(spec)
    x = torch.from_numpy(spec.dataset().load().test.x[: spec.unit].copy())
    evaluator = Importance(spec.samples)
    gate.open()
    while True:
        evaluation = run_over(evaluator, model, x, spec.seed)
        gate.facts = {"log_px": evaluation.values["log_px"].tolist()}
        gate(len(x))
