"""What an evaluation leaves behind in a run's directory.

evaluation/<evaluator>-<split><suffix>.json holds means, errors and settings; the .npz beside it every image's values, so that two
evaluations of the same images can be compared pair by pair.
"""

from pathlib import Path
from typing import Any

import torch

from aevb.evaluators.evaluator import Evaluation, Evaluator
from aevb.evaluators.partial import read_values, write_values
from aevb.files.atomic import write_json
from aevb.files.regular import is_regular
from aevb.runs import layout
from aevb.runs.records import read_evaluation

__all__ = ["place", "record", "recorded"]


def place(directory: Path, evaluator: Evaluator, split: str, first: int | None) -> Path:
    """The JSON file of an evaluation. first: images of the split that are taken, if not all; part of the name."""
    part = "" if first is None else f"-first{first}"
    return directory / layout.EVALUATIONS / f"{evaluator.name}-{split}{evaluator.suffix}{part}.json"


def record(
    directory: Path, evaluator: Evaluator, evaluation: Evaluation, split: str, first: int | None, **more: Any
) -> Path:
    """Writes one evaluation and returns the JSON file.

    name, split, n, mean, standard_error (nats per datapoint), direction, settings, and under `values` the mean and standard error
    of everything the evaluator measures; its summary, whose names are under `summary`; `more` (seconds, checkpoint, convention
    of the targets ...) is written as given.
    """
    path = place(directory, evaluator, split, first)
    values = {
        name: {"mean": evaluation.mean(name), "standard_error": evaluation.standard_error(name)}
        for name in evaluation.values
    }
    primary_value = {"mean": evaluation.mean(), "standard_error": evaluation.standard_error()}
    facts = {
        "name": evaluator.name,
        "split": split,
        "n": evaluation.n,
        **primary_value,
        "quantity": evaluation.primary_value,
    }
    facts["direction"] = evaluator.direction
    summary = {**evaluation.summary, "summary": list(evaluation.summary)}
    write_values(path.with_suffix(".npz"), evaluation.values)
    write_json(path, {**facts, "settings": evaluator.settings, **more, "values": values, **summary})
    return path


def recorded(path: Path, evaluator: Evaluator, identity: str) -> tuple[Evaluation, dict[str, Any]] | None:
    """The evaluation in `path` and what else is written there, if it is the one that `identity` says and undamaged."""
    values = read_values(path.with_suffix(".npz")) if is_regular(path) else None
    if values is None:
        return None
    facts = read_evaluation(path)
    if facts.get("identity") != identity:
        return None
    tensors = {name: torch.from_numpy(value) for name, value in values.items()}
    summary = {name: facts[name] for name in facts.get("summary", []) if name in facts}
    return Evaluation(tensors, evaluator.primary_value, summary), facts
