"""Process entry of the trials behind `aevb-train --estimate`: `python -m aevb.execution.cost_worker CONFIGS RESULTS FOLDER`.

A trial is a real run of the config with few samples and few images, in a folder that is thrown away. Two of them, with
different numbers of images, tell what an evaluator costs for each image and what it costs once.
"""

import argparse
import copy
import json
import time
import traceback
from pathlib import Path
from typing import Any, NamedTuple

from aevb import runs
from aevb.config.instantiate import instantiate
from aevb.config.resolved import Settings
from aevb.console.process_exit import exit_immediately
from aevb.data.dataset import LoadedData
from aevb.errors import UserError
from aevb.evaluators.evaluator import Evaluator
from aevb.execution.lifetime import exit_with_parent
from aevb.execution.run_cost import ONE_PASS, EvaluatorCost, RunCost, Timing
from aevb.runs import layout
from aevb.runs.run_data import read_data
from aevb.runs.settings import NO_LOGGER
from aevb.training import train_run

__all__ = ["main", "measure", "trial_settings"]

FEW, MANY = 3, 12
"""Images of the two trials."""

FIRST_SAMPLES = 1_000
SECONDS = 1.0
"""Time that the second trial trains."""

N_TRAIN = 5_000
"""Training images of a trial at most: a round of Monte Carlo EM visits all of them."""


def trial_settings(settings: dict[str, Any], samples: int, images: int) -> dict[str, Any]:
    """Return the config of a trial: that of the run, but for what decides how long it takes.

    Args:
        settings: The config of the run.
        samples: Training samples.
        images: Images of every evaluator but `bound`.
    """
    trial = copy.deepcopy(settings)
    selection = trial.pop("selection", None)
    if selection:
        trial["optimizer"]["lr"] = min(selection["learning_rates"])
    trial.pop("early_stopping", None)
    trial["max_time"] = None
    trial["max_samples"] = samples
    trial["evaluation"] |= {"start": samples, "every": None, "num_images": images, "final_images": images}
    trial["evaluation"]["splits"] = "test"
    if "n_train" in trial["data"]:
        trial["data"]["n_train"] = min(trial["data"]["n_train"] or N_TRAIN, N_TRAIN)
    trial["logger"] = NO_LOGGER
    return trial


def measure(
    settings: dict[str, Any], folder: Path, name_of_trial: str, trusted: tuple[str, ...], data: LoadedData
) -> RunCost:
    """Measure what a run costs.

    Args:
        settings: The config of the run.
        folder: An empty folder for the trials.
        name_of_trial: For the progress bar.
        trusted: Users' modules that the config may name.
        data: The data of the run.

    Raises:
        UserError: If the run is refused, or diverges at once.
    """
    evaluators: dict[str, Evaluator] = instantiate(settings["evaluator"], trusted=trusted)
    known = {name: evaluator for name, evaluator in evaluators.items() if not evaluator.time_depends_on_model}
    unknown = [name for name in evaluators if name not in known]
    tried = {**settings, "evaluator": {name: settings["evaluator"][name] for name in known}}
    few = _trial(tried, folder / "few" / name_of_trial, trusted, data, FIRST_SAMPLES, FEW)
    samples = max(FIRST_SAMPLES, min(10**6, int(SECONDS / few.per_sample) // 1000 * 1000))
    many = _trial(tried, folder / "many" / name_of_trial, trusted, data, samples, MANY)
    costs = {}
    for name, evaluator in known.items():
        before, after = few.evaluators[evaluator.name], many.evaluators[evaluator.name]
        costs[name] = EvaluatorCost(after.seconds) if name == ONE_PASS else EvaluatorCost.of(before, after)
    return RunCost(many.per_sample, costs, unknown, many.rest, len(data.splits.test.x))


class _Trial(NamedTuple):
    # What a trial took: seconds for a training sample, seconds and images of each evaluator, seconds of the rest.
    per_sample: float
    evaluators: dict[str, Timing]
    rest: float


def _trial(
    settings: dict[str, Any], directory: Path, trusted: tuple[str, ...], data: LoadedData, samples: int, images: int
) -> _Trial:
    runs.prepare(directory, trial_settings(settings, samples, images))
    begin = time.perf_counter()
    train_run.run(directory, trusted, data=data)
    wall = time.perf_counter() - begin
    done = runs.Run(directory).done
    evaluations = [runs.read_json(path) for path in (directory / layout.EVALUATIONS).glob("*.json")]
    evaluators = {str(facts["name"]): Timing(facts["seconds"], facts["n"]) for facts in evaluations}
    training, evaluation = done["training_seconds"], done["evaluation_seconds"]
    return _Trial(training / done["samples_seen"], evaluators, max(0.0, wall - training - evaluation))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line of the process.

    Args:
        arguments: The command line; None for that of the process.

    Returns:
        The exit code: 0 if every config was measured, 1 if some were not.
    """
    parser = argparse.ArgumentParser(prog="python -m aevb.execution.cost_worker", description=__doc__)
    parser.add_argument("configs", type=Path, help="file with configs of runs, a list in JSON")
    parser.add_argument(
        "results", type=Path, help="file that gets a line for each: what it costs, or why it is not known"
    )
    parser.add_argument("folder", type=Path, help="empty folder for the trials")
    parser.add_argument("--trust", action="append", default=[], help="module of yours that a config may name")
    options = parser.parse_args(arguments)
    exit_with_parent()
    trusted, failed = tuple(options.trust), False
    read: tuple[str, LoadedData] | None = None
    configs = json.loads(options.configs.read_text(encoding="utf-8"))
    for index, settings in enumerate(configs):
        result: dict[str, Any] = {}
        try:
            smaller = trial_settings(settings, FIRST_SAMPLES, FEW)
            node = json.dumps([smaller["data"], Settings(smaller, trusted).conditional])
            if read is None or read[0] != node:  # only one data set is kept in memory
                read = (node, read_data(smaller, trusted))
            name = f"trial {index + 1} of {len(configs)}"
            result["cost"] = measure(settings, options.folder / str(index), name, trusted, read[1]).record()
        except UserError as error:
            result["reason"] = str(error)
        except Exception as error:
            traceback.print_exc()
            result["reason"] = f"{type(error).__name__}: {error}"
        failed |= "reason" in result
        with options.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
    return int(failed)


if __name__ == "__main__":
    exit_immediately(main())
