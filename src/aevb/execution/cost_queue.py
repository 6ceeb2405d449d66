"""The costs of planned runs, measured by trials in one child process; configs that differ only in their seed share one."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aevb.execution import pool
from aevb.execution.run_cost import RunCost
from aevb.execution.worker_command import WorkerCommand, trust_flags

__all__ = ["Measured", "kind", "measure_costs"]

NOT_OF_THE_KIND = ("seed", "name", "max_samples", "output_dir", "logger", "max_time", "choices")
"""Keys of a config that do not change how long a sample takes."""


class Measured(NamedTuple):
    """What is known of the cost of a run.

    Attributes:
        cost: The cost; None if the trial failed.
        reason: Why it failed; empty if it did not.
    """

    cost: RunCost | None
    reason: str


def kind(settings: dict[str, Any]) -> str:
    """Return what runs share that cost the same for each sample.

    Args:
        settings: The config of a run.
    """
    seed = settings["seed"]
    left = {key: value for key, value in settings.items() if key not in NOT_OF_THE_KIND}
    left["data"] = {key: value for key, value in settings["data"].items() if key != "n_train"}
    return json.dumps(_without_seed(left, seed), sort_keys=True)


def _without_seed(node: Any, seed: int) -> Any:
    # Nodes of the config repeat the seed of the run under the same key.
    if isinstance(node, dict):
        return {k: _without_seed(v, seed) for k, v in node.items() if not (k == "seed" and v == seed)}
    return [_without_seed(value, seed) for value in node] if isinstance(node, list) else node


def measure_costs(
    planned: Sequence[dict[str, Any]],
    trusted: tuple[str, ...],
    folder: Path,
    begins: Callable[[int], None] = lambda kinds: None,
) -> list[Measured]:
    """Measure what runs cost on this machine, with trials of each kind.

    Args:
        planned: The configs of the runs.
        trusted: Users' modules that a config may name.
        folder: A temporary folder.
        begins: Called with the number of kinds before the first trial.

    Returns:
        What is known of the cost of each run.
    """
    kinds = {kind(settings): settings for settings in planned}
    begins(len(kinds))
    results = _trials(list(kinds.values()), trusted, folder) if kinds else []
    by_kind = dict(zip(kinds, results, strict=True))
    return [by_kind[kind(settings)] for settings in planned]


def _trials(configs: list[dict[str, Any]], trusted: tuple[str, ...], folder: Path) -> list[Measured]:
    from aevb.console.progress import show_child_bars  # here, so that rich is loaded only when it is needed

    written, results, trials = folder / "configs.json", folder / "costs.jsonl", folder / "trials"
    written.write_text(json.dumps(configs), encoding="utf-8")
    trials.mkdir()
    threads = max(settings["trainer"]["threads"] for settings in configs)
    on_cpu = all(settings["trainer"]["accelerator"] == "cpu" for settings in configs)
    arguments = [str(written), str(results), str(trials), *trust_flags(trusted)]
    with show_child_bars():
        code = pool.run_worker(WorkerCommand("aevb.execution.cost_worker", arguments, threads, threads, on_cpu))
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    ended = [json.loads(line) for line in lines]
    known = [
        Measured(RunCost.of(item["cost"]) if "cost" in item else None, str(item.get("reason", ""))) for item in ended
    ]
    missing = Measured(None, f"the process of the trials ended with exit code {code}")
    return [*known, *[missing] * (len(configs) - len(known))]
