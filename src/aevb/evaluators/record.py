"""The files of an evaluation in a run directory.

evaluation/<evaluator>-<split><suffix>.json contains the means, the standard errors and the settings.
The .npz file beside it contains the values of every image, so that two evaluations of the same
images can be compared image by image.
"""

from pathlib import Path
from typing import Any

import torch

from aevb.evaluators.evaluator import Evaluation, Evaluator
from aevb.evaluators.partial import read_values, write_values
from aevb.files.atomic import write_json
from aevb.files.regular import is_regular
from aevb.runs import layout
from aevb.runs.evaluation_record import read_evaluation

__all__ = ["evaluation_path", "record", "recorded"]


def evaluation_path(directory: Path, evaluator: Evaluator, split: str, first: int | None, best: bool = False) -> Path:
    """Return the path of the JSON file of an evaluation.

    Args:
        directory: The run directory.
        evaluator: The evaluator.
        split: The name of the split.
        first: The number of images, which becomes part of the file name; None for the whole split.
        best: Whether best.pt was evaluated, not model.pt.

    Returns:
        The path of the JSON file.
    """
    part = "" if first is None else f"-first{first}"
    folder = layout.BEST_EVALUATIONS if best else layout.EVALUATIONS
    return directory / folder / f"{evaluator.name}-{split}{evaluator.suffix}{part}.json"


def record(
    directory: Path,
    evaluator: Evaluator,
    evaluation: Evaluation,
    split: str,
    first: int | None,
    best: bool = False,
    **more: Any,
) -> Path:
    """Write the JSON file and the .npz file of an evaluation.

    The JSON file contains the name, the split, n, the mean and the standard error of the primary value,
    its name (`quantity`), the direction and the settings. `values` contains the mean and the standard
    error of every value. The entries of the summary follow, and `summary` lists their names.

    Args:
        directory: The run directory.
        evaluator: The evaluator.
        evaluation: The result of the evaluator.
        split: The name of the split.
        first: The number of images; None for the whole split.
        best: Whether best.pt was evaluated, not model.pt.
        **more: Further entries of the JSON file, for example seconds, checkpoint and targets.

    Returns:
        The path of the JSON file.
    """
    path = evaluation_path(directory, evaluator, split, first, best)
    values = {
        name: {"mean": evaluation.mean(name), "standard_error": evaluation.standard_error(name)}
        for name in evaluation.values
    }
    facts = {
        "name": evaluator.name,
        "split": split,
        "n": evaluation.n,
        "mean": evaluation.mean(),
        "standard_error": evaluation.standard_error(),
        "quantity": evaluation.primary_value,
        "direction": evaluator.direction,
    }
    summary = {**evaluation.summary, "summary": list(evaluation.summary)}
    write_values(path.with_suffix(".npz"), evaluation.values)
    write_json(path, {**facts, "settings": evaluator.settings, **more, "values": values, **summary})
    return path


def recorded(path: Path, evaluator: Evaluator, identity: str) -> tuple[Evaluation, dict[str, Any]] | None:
    """Read a recorded evaluation.

    Args:
        path: The JSON file.
        evaluator: The evaluator.
        identity: A digest of everything that the values depend on.

    Returns:
        The evaluation and the entries of the JSON file; None if a file is missing or damaged, or if the
        identity differs.
    """
    values = read_values(path.with_suffix(".npz")) if is_regular(path) else None
    if values is None:
        return None
    facts = read_evaluation(path)
    if facts.get("identity") != identity:
        return None
    tensors = {name: torch.from_numpy(value) for name, value in values.items()}
    summary = {name: facts[name] for name in facts.get("summary", []) if name in facts}
    return Evaluation(tensors, evaluator.primary_value, summary), facts
