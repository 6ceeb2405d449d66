"""Evaluate a finished run.

The config of the run rebuilds the model and the data, and the results are written to the run
directory. A recorded evaluation is not computed again. An interrupted evaluation resumes and gives
the same values as an uninterrupted one.
"""

import hashlib
import inspect
import json
import os
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from aevb.console.printable import printable, with_error
from aevb.console.progress import bar
from aevb.data.dataset import Splits
from aevb.data.labels import with_labels
from aevb.errors import UserError
from aevb.evaluation.loading import Weights, load_run
from aevb.evaluation.memory import peak_memory
from aevb.evaluators.blocks import run_over
from aevb.evaluators.checks import built
from aevb.evaluators.evaluator import Evaluation, Evaluator
from aevb.evaluators.partial import Partial
from aevb.evaluators.record import evaluation_path, record, recorded
from aevb.evaluators.targets import float_type, targets
from aevb.loggers.evaluation_summaries import write_evaluation_summaries
from aevb.models.vae import VAE
from aevb.nn.matmul import matmul_backend, use_matmul_backend
from aevb.nn.torch_settings import keep_freed_memory
from aevb.runs import layout
from aevb.runs.units import unit

__all__ = ["evaluate_run"]


def evaluate_run(
    run: Path,
    evaluators: dict[str, dict[str, Any]],
    splits: list[str],
    *,
    num_images: int | None = None,
    data_root: str | None = None,
    output_dir: Path | None = None,
    seed: int = 0,
    threads: int = 1,
    matmul_precision: str = "highest",
    trusted: tuple[str, ...] = (),
    print_table: bool = True,
    weights: Weights = "final",
    cores: int = 1,
) -> list[Path]:
    """Apply each evaluator to each split, write run/evaluation/*.json and print a table.

    Args:
        run: The directory of a finished run.
        evaluators: The config nodes of the evaluators by name.
        splits: The names of the splits: "train", "valid" or "test".
        num_images: Number of images of each split, from the beginning; None for all images.
        data_root: The directory of the data, if it is not the one that the run used.
        output_dir: A folder for the results, which are then in output_dir/<name of the run>/evaluation; None for
            the run directory.
        seed: The seed of the noise and of dynamic targets.
        threads: Number of CPU threads.
        matmul_precision: The argument of torch.set_float32_matmul_precision.
        trusted: Names of user modules that may contain the targets of the config.
        print_table: Whether to print the table.
        weights: "final" for model.pt, "best" for best.pt, whose evaluations lie in evaluation/best.
        cores: How many blocks of images are evaluated at the same time; the values do not depend on it.

    Returns:
        The JSON files, one for each split and evaluator.

    Raises:
        UserError: If the run is not finished or is damaged, if the data differ from those of the run, if
            a split is empty, or if an evaluator does not support the model.
    """
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision(matmul_precision)
    keep_freed_memory()
    loaded = load_run(run, data_root, trusted, weights)
    use_matmul_backend(loaded.settings["trainer"].get("matmul_backend", "auto"))
    data: Splits = with_labels(loaded.load_data(), loaded.classes)
    named = built(evaluators, trusted)
    for evaluator in named.values():
        evaluator.check(loaded.model)

    read_only = output_dir is None and not os.access(run, os.W_OK)
    results = run if output_dir is None else output_dir / run.resolve().name
    best = weights == "best"
    convention = loaded.dataset.convention.for_model(loaded.settings["model"])
    written, rows, images = [], [], {}
    for split_name in splits:  # before anything is written
        split = getattr(data, split_name)
        if len(split.x) == 0:
            raise UserError(f"split={split_name}: this data set has none; try: split=test")
        images[split_name] = targets(split, loaded.dataset.dynamic, seed, float_type(loaded.settings))[:num_images]
        for evaluator in named.values():
            evaluator.check_images(loaded.model, images[split_name])
    for split_name, x in images.items():
        part = None if num_images is None or num_images >= len(getattr(data, split_name).x) else num_images
        for evaluator in named.values():
            path = evaluation_path(results, evaluator, split_name, part, best)
            identity = _identity(evaluator, loaded.model, x, split_name, seed, threads)
            evaluation = recorded(path, evaluator, identity)
            if evaluation is None and read_only:
                raise UserError(
                    f"run={run}: cannot be written; allowed: a folder of yours; try: output_dir=DIR for the results"
                )
            if evaluation is None:
                facts = {
                    "checkpoint": layout.BEST if best else layout.MODEL,
                    "identity": identity,
                    "targets": str(convention),
                    "seed": seed,
                    "threads": threads,
                    "matmul_precision": matmul_precision,
                    "meaning": convention.meaning(evaluator.likelihood(loaded.model)),
                }
                evaluation = _evaluate(evaluator, loaded.model, x, path, facts, cores)
                record(results, evaluator, evaluation[0], split_name, part, best, **evaluation[1])
                _partial(path, identity).discard()
            written.append(path)
            rows.append((evaluator, split_name, *evaluation))
    if output_dir is None and not read_only:
        write_evaluation_summaries(run)
    if print_table:
        _show(run, rows, written)
    return written


def _evaluate(
    evaluator: Evaluator, model: VAE, x: Tensor, path: Path, facts: dict[str, Any], cores: int
) -> tuple[Evaluation, dict[str, Any]]:
    before = peak_memory()
    partial = _partial(path, facts["identity"])
    with bar(len(x), path.stem, "images") as progress:
        evaluation = run_over(evaluator, model, x, facts["seed"], progress, partial, cores=cores)
    memory = {
        "peak_memory_bytes": peak_memory(),
        "peak_memory_above_model_and_data_bytes": peak_memory() - before,
    }
    seconds, cpu_seconds = partial.seconds
    time = {"seconds": seconds, "cpu_seconds": cpu_seconds}
    return evaluation, {**time, **facts, **memory}


def _partial(path: Path, identity: str) -> Partial:
    return Partial(path.with_name(f".{path.stem}.partial.npz"), identity)


def _identity(evaluator: Evaluator, model: VAE, x: Tensor, split: str, seed: int, threads: int) -> str:
    """Return a digest of everything that the values depend on: settings, weights, images and code."""
    digest = hashlib.sha256()
    facts = [torch.__version__, type(evaluator).__qualname__, evaluator.settings, evaluator.images]
    arithmetic = [threads, matmul_backend(), torch.get_float32_matmul_precision()]
    digest.update(json.dumps([*facts, split, seed, *arithmetic]).encode())
    for name, value in [*model.state_dict().items(), ("x", x)]:
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.contiguous().numpy().tobytes())
    for path in [*_code(), Path(inspect.getfile(type(evaluator)))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _code() -> list[Path]:
    package = Path(__file__).parents[1]
    folders = ("distributions", "estimators", "evaluators", "models", "nn", "noise", "samplers")
    return sorted(path for folder in folders for path in (package / folder).glob("*.py"))


def _show(run: Path, rows: list[tuple[Evaluator, str, Evaluation, dict[str, Any]]], written: list[Path]) -> None:
    table = Table(title=f"{escape(printable(run.name))}: per image, mean ± standard error")
    for heading in ("evaluator", "split", "n", "quantity", "value", "unit"):
        table.add_column(heading, justify="right" if heading in ("n", "value") else "left")
    for evaluator, split, evaluation, _ in rows:
        settings = ", ".join(f"{key}={value}" for key, value in evaluator.settings.items())
        for i, name in enumerate(evaluation.values):
            value = with_error(evaluation.mean(name), evaluation.standard_error(name), 3)
            of = f" ({settings})" if settings else ""
            lead = (f"{evaluator.name}{of}", split, f"{evaluation.n:,}") if i == 0 else ("", "", "")
            table.add_row(*lead, name, value, unit(evaluator.name, name))
    console = Console()
    with console.capture() as output:  # printed at once, for other processes may print too
        _print(console, table, rows, written)
    print(output.get(), end="", flush=True)


def _print(
    console: Console, table: Table, rows: list[tuple[Evaluator, str, Evaluation, dict[str, Any]]], written: list[Path]
) -> None:
    console.print(table)
    console.print(f"targets {rows[0][3]['targets']}: {rows[0][3]['meaning']}", highlight=False, soft_wrap=True)
    for evaluator, split, evaluation, _ in rows:
        if "verdict" in evaluation.summary:
            console.print(
                f"{evaluator.name}, {split}: {evaluation.summary['verdict']}", highlight=False, soft_wrap=True
            )
    for (_, _, _, facts), path in zip(rows, written, strict=True):
        peak, above = facts["peak_memory_bytes"], facts["peak_memory_above_model_and_data_bytes"]
        memory = f"peak memory {peak / 2**20:,.0f} MiB, {above / 2**20:,.0f} above model and data"
        console.print(f"{escape(printable(path))}: {facts['seconds']:.1f} s, {memory}", highlight=False, soft_wrap=True)
