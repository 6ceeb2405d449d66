"""Lists of options in the --help of the commands, wrapped, with the default marked (conf/hydra/help)."""

import textwrap

from aevb.config import CONF, options
from aevb.config.tree import read_yaml

__all__ = ["KINDS", "WIDTH", "experiment_kind", "list_experiments", "list_options"]

WIDTH = 100
INDENT = 17  # column of the lists in aevb-train --help
KINDS = ("Paper", "Study", "Course", "Check")
"""Kinds of experiments: the word before the colon in the header of a file in conf/experiment."""


def experiment_kind(name: str) -> str:
    """Return the kind of an experiment, one of KINDS, as the header of its file states it.

    Args:
        name: Option of the group `experiment`.
    """
    with (CONF / "experiment" / f"{name}.yaml").open(encoding="utf-8") as file:
        header = [next(file, "") for _ in range(2)]
    return header[1].removeprefix("# ").partition(":")[0]


def list_experiments(kind: str) -> str:
    """Return the experiments of a kind, for `${experiments:KIND}`.

    Args:
        kind: One of KINDS.
    """
    return _wrapped([name for name in options("experiment") if experiment_kind(name) == kind], INDENT)


def list_options(root: str, group: str, indent: int = INDENT) -> str:
    """Return the options of a group, for `${options:ROOT,GROUP[,INDENT]}`.

    Args:
        root: Primary config whose default is marked.
        group: Configuration group.
        indent: Column of the list; later lines begin there.
    """
    default = _default(root, group)
    return _wrapped([f"{name}*" if name in default else name for name in options(group)], int(indent))


def _default(root: str, group: str) -> list[str]:
    folder, _, part = group.partition("/")
    chosen = _defaults(f"{root}.yaml").get(folder)
    if part:
        chosen = _defaults(f"{folder}/{chosen}.yaml").get(part)
    return chosen if isinstance(chosen, list) else [str(chosen)]


def _defaults(path: str) -> dict[str, object]:
    entries = read_yaml(CONF / path)["defaults"]
    return {key: value for entry in entries if isinstance(entry, dict) for key, value in entry.items()}


def _wrapped(names: list[str], indent: int) -> str:
    lines = textwrap.wrap(", ".join(names), WIDTH - indent, break_long_words=False, break_on_hyphens=False)
    return ("\n" + " " * indent).join(lines)
