"""Which runs a command line names: a run directory, a list of them, or a pattern as a shell has it."""

import glob
import os
from pathlib import Path

from aevb.errors import UserError
from aevb.files.natural_order import natural_path_key
from aevb.runs import layout
from aevb.runs.run_reference import split_reference

__all__ = ["chosen_runs", "is_single"]


def is_single(run: str | list[str]) -> bool:
    """Return whether `run` is one directory, and neither a list nor a pattern.

    Args:
        run: The value of the key `run`.
    """
    return isinstance(run, str) and not _is_pattern(run)


def chosen_runs(run: str | list[str]) -> list[Path]:
    """Return the run directories that are named, each once.

    Args:
        run: A run directory, a pattern (`outputs/runs/digits-*`), or a list of both.

    Returns:
        The directories, those of a pattern in natural order; one that is named without a pattern need not exist.

    Raises:
        UserError: If the list is empty or no run matches a pattern.
    """
    names = [run] if isinstance(run, str) else run
    if not names:
        raise UserError("run=[]: no run; allowed: run directories; try: 'run=outputs/runs/*'")
    directories = [directory for name in names for directory in (_matches(name) if _is_pattern(name) else [Path(name)])]
    return list({os.path.realpath(directory): directory for directory in reversed(directories)}.values())[::-1]


def _is_pattern(name: str) -> bool:
    return glob.has_magic(name) and not os.path.lexists(split_reference(name)[0])


def _matches(pattern: str) -> list[Path]:
    paths = sorted(map(Path, glob.glob(_with_literal_folders(pattern), recursive=True)), key=natural_path_key)
    directories = [path for path in paths if os.path.lexists(path / layout.CONFIG)]
    if not directories:
        raise UserError(
            f"run={pattern}: no run matches; allowed: run directories; try: 'run=outputs/runs/*', in quotes"
        )
    return directories


def _with_literal_folders(pattern: str) -> str:
    # `a[1]/runs/*`, where there is a folder of the name `a[1]`, which as a pattern would be `a1`.
    folder = next((parent for parent in Path(pattern).parents if parent != Path() and parent.is_dir()), None)
    return pattern if folder is None else os.path.join(glob.escape(str(folder)), Path(pattern).relative_to(folder))
