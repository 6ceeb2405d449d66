"""What an evaluation leaves behind: evaluation/<evaluator>-<split><suffix>.json in the run's directory."""

from pathlib import Path
from typing import Any

from aevb.evaluators.evaluator import Evaluation, Evaluator
from aevb.runs import write_json

__all__ = ["record"]


def record(
    directory: Path, evaluator: Evaluator, evaluation: Evaluation, split: str, first: int | None, **more: Any
) -> Path:
    """Writes one evaluation and returns the file.

    name, split, n, mean, standard_error (nats per datapoint), settings, and under `values` the mean and standard error of
    everything the evaluator measures; its findings; `more` (seconds, checkpoint, convention of the targets ...) is written as
    given. first: images of the split that were taken, if not all; part of the file's name.
    """
    part = "" if first is None else f"-first{first}"
    path = directory / "evaluation" / f"{evaluator.name}-{split}{evaluator.suffix}{part}.json"
    values = {
        name: {"mean": evaluation.mean(name), "standard_error": evaluation.standard_error(name)}
        for name in evaluation.values
    }
    headline = {"mean": evaluation.mean(), "standard_error": evaluation.standard_error()}
    facts = {"name": evaluator.name, "split": split, "n": evaluation.n, **headline, "quantity": evaluation.headline}
    write_json(path, {**facts, "settings": evaluator.settings, **more, "values": values, **evaluation.findings})
    return path
