"""The files that the jobs of one aevb-evaluate write: two jobs must not write the same one.

The names of the files are known before torch is imported: which settings of an evaluator are in them is read from the source of
its `suffix`.
"""

import os
from collections.abc import Iterator
from typing import Any

from aevb.cli.run_choice import chosen_runs
from aevb.config.class_attributes import attribute, settings_in
from aevb.config.identity import flatten
from aevb.console.typed import as_typed
from aevb.errors import UserError

__all__ = ["EvaluationFiles"]

Settings = dict[str, Any]

IN_SEVERAL_JOBS = ("run", "split")
"""Keys whose lists may overlap. All other keys that differ have one value in each job."""


class EvaluationFiles:
    """The files of the jobs that were added, each with the settings of the job that writes it."""

    def __init__(self) -> None:
        self.writers: dict[tuple[Any, ...], Settings] = {}

    def add(self, settings: Settings, trusted: tuple[str, ...] = ()) -> None:
        """Add the files of a job.

        Args:
            settings: The validated config of aevb-evaluate.
            trusted: Users' modules whose sources may be read.

        Raises:
            UserError: If another job writes one of these files, so that one result would replace the other.
        """
        for file in _files(settings, trusted):
            other = self.writers.setdefault(file, settings)
            if other is not settings:
                raise _replaced(settings, other)


def _files(settings: Settings, trusted: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    where = [settings[key] for key in ("output_dir", "weights", "num_images")]
    splits = [settings["split"]] if isinstance(settings["split"], str) else settings["split"]
    evaluators = [_name(node, trusted) for node in settings["evaluator"].values()]
    for run in chosen_runs(settings["run"]):
        for split in splits:
            for name in evaluators:
                yield (*where, os.path.realpath(run), split, name)


def _name(node: dict[str, Any], trusted: tuple[str, ...]) -> tuple[Any, ...]:
    target = node["_target_"]
    named = settings_in(target, "suffix", trusted)
    values = sorted((key, repr(node[key])) for key in named & node.keys())
    return (attribute(target, "name", trusted) or target, *values)


def _replaced(settings: Settings, other: Settings) -> UserError:
    here, there = dict(flatten(settings)), dict(flatten(other))
    differs = [key for key in here if here[key] != there.get(key)] or ["seed"]
    key = next((key for key in differs if key not in IN_SEVERAL_JOBS), differs[0])
    old, new = there.get(key), here[key]
    if key in IN_SEVERAL_JOBS:
        lists = [value if isinstance(value, list) else [value] for value in (old, new)]
        union = dict.fromkeys(map(str, [*lists[0], *lists[1]]))
        return UserError(
            f"{key}={_shown(new)}: would replace files of {key}={_shown(old)}; allowed: one job for each file; "
            f"try: {as_typed(key, *union)}, without -m"
        )
    return UserError(
        f"{key}={new}: would replace the files of {key}={old}, whose names do not have it; allowed: one job "
        f"for each file; try: 'output_dir=outputs/{key.rpartition('.')[2]}${{{key}}}'"
    )


def _shown(value: Any) -> str:
    return f"[{','.join(map(str, value))}]" if isinstance(value, list) else str(value)
