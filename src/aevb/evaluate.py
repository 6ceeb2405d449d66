"""Evaluates a finished run: its own config rebuilds model and data, the results go into its directory."""

import time
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from aevb.build import build
from aevb.data.dataset import Splits
from aevb.data.targets import meaning
from aevb.errors import UserError
from aevb.evaluators.evaluator import Evaluation, Evaluator, run_over
from aevb.evaluators.record import record
from aevb.progress import bar
from aevb.restore import float_type, restore, targets
from aevb.training.memory import peak_memory

__all__ = ["evaluate_run"]


def evaluate_run(
    run: Path,
    evaluators: dict[str, dict[str, Any]],
    splits: list[str],
    *,
    first: int | None = None,
    data_root: str | None = None,
    seed: int = 0,
    threads: int = 1,
    trusted: tuple[str, ...] = (),
) -> list[Path]:
    """Runs each evaluator over each split, writes run/evaluation/*.json and prints a table.

    run: directory of a finished run. evaluators: config nodes by name. splits: of train, valid, test. first: only so many images
    of each. data_root: where the data lie now. seed: of the noise and of dynamic targets. Returns the files; raises UserError.
    """
    torch.set_num_threads(threads)
    restored = restore(run, data_root, trusted)
    data: Splits = restored.dataset.load()
    built: dict[str, Evaluator] = build(evaluators, trusted=trusted)
    before = peak_memory()

    written, rows = [], []
    for split_name in splits:
        split = getattr(data, split_name)
        if len(split.x) == 0:
            raise UserError(f"split={split_name}: this data set has none; try: split=test")
        x = targets(split, restored.dataset.dynamic, seed, float_type(restored.settings))[:first]
        for evaluator in built.values():
            start = time.perf_counter()
            with bar(len(x), f"{evaluator.name}, {split_name}", "images") as progress:
                evaluation = run_over(evaluator, restored.model, x, seed, progress)
            facts = {
                "seconds": time.perf_counter() - start,
                "checkpoint": "model.pt",
                "targets": restored.dataset.convention,
                "meaning": meaning(restored.dataset.convention, restored.settings["model"]["decoder"]["_target_"]),
                "seed": seed,
                "threads": threads,
                "peak_memory_bytes": peak_memory(),
                "peak_memory_above_model_and_data_bytes": peak_memory() - before,
            }
            part = None if first is None or first >= len(split.x) else first
            written.append(record(run, evaluator, evaluation, split_name, part, **facts))
            rows.append((evaluator, split_name, evaluation, facts))
    _show(run, rows, written)
    return written


def _show(run: Path, rows: list[tuple[Evaluator, str, Evaluation, dict[str, Any]]], written: list[Path]) -> None:
    table = Table(title=f"{run.name}: per image, mean ± standard error, nats if not said otherwise")
    for heading in ("evaluator", "split", "n", "quantity", "value"):
        table.add_column(heading, justify="right" if heading in ("n", "value") else "left")
    for evaluator, split, evaluation, _ in rows:
        settings = ", ".join(f"{key}={value}" for key, value in evaluator.settings.items())
        for i, name in enumerate(evaluation.values):
            value = f"{evaluation.mean(name):.3f} ± {evaluation.standard_error(name):.3f}"
            lead = (f"{evaluator.name} ({settings})", split, f"{evaluation.n:,}") if i == 0 else ("", "", "")
            table.add_row(*lead, name, value)
    console = Console()
    console.print(table)
    console.print(f"targets {rows[0][3]['targets']}: {rows[0][3]['meaning']}", highlight=False, soft_wrap=True)
    for evaluator, split, evaluation, _ in rows:
        if "verdict" in evaluation.findings:
            console.print(f"{evaluator.name}, {split}: {evaluation.findings['verdict']}", highlight=False)
    for (_, _, _, facts), path in zip(rows, written, strict=True):
        peak, above = facts["peak_memory_bytes"], facts["peak_memory_above_model_and_data_bytes"]
        memory = f"peak memory {peak / 2**20:,.0f} MiB, {above / 2**20:,.0f} above model and data"
        console.print(f"{path}: {facts['seconds']:.1f} s, {memory}", highlight=False, soft_wrap=True)
