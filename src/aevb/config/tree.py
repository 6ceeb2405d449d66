"""The configuration tree of the package: its path, its options, and the objects that a config may build.

The targets named in the tree are the allow-list. A config from elsewhere (a run directory, a file on the search path) is
data: it may name these objects, and those of a module that the command line trusts.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from aevb.config.yaml_file import parse_yaml

__all__ = [
    "CONF",
    "GROUPS_WITHIN",
    "allowed",
    "options",
    "read_yaml",
    "root_defaults",
    "split_option",
    "targets",
    "targets_in",
]


def _conf() -> Path:
    # A wheel contains the tree; an editable install and a checkout have it beside src/.
    package = Path(__file__).resolve().parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parents[1] / "conf"


CONF = _conf()
TARGET = re.compile(r"\b_target_:\s*([\w.]+)")


def read_yaml(path: Path) -> Any:
    """Return the plain containers of a YAML file of aevb; interpolations stay text.

    Args:
        path: The path of the file.
    """
    return parse_yaml(path.read_text(encoding="utf-8"))


def targets_in(node: Any) -> Iterator[str]:
    """Yield every `_target_` in nested containers.

    Args:
        node: Nested dictionaries and lists.
    """
    if isinstance(node, dict):
        if isinstance(node.get("_target_"), str):
            yield node["_target_"]
        for value in node.values():
            yield from targets_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from targets_in(value)


@cache
def targets() -> frozenset[str]:
    """Return the allow-list of exact names, without those of conf/hydra, which aevb.cli.hydra_policy checks."""
    # Searched and not parsed, because every command needs the list.
    own_files = (path for path in CONF.rglob("*.yaml") if CONF / "hydra" not in path.parents)
    lines = (line.partition("#")[0] for path in own_files for line in path.read_text(encoding="utf-8").splitlines())
    return frozenset(name for line in lines for name in TARGET.findall(line))


def allowed(target: str, trusted: tuple[str, ...] = ()) -> bool:
    """Return whether a config may name an object.

    Args:
        target: Dotted name of a class or function.
        trusted: Users' modules, of which everything is allowed.
    """
    return target in targets() or any(target.startswith(f"{module}.") for module in trusted)


GROUPS_WITHIN = ("model/encoder", "model/prior")  # sub-folders that are groups of their own


def options(group: str) -> list[str]:
    """Return the names that may be chosen in a configuration group.

    Args:
        group: Folder below conf/, as "data" or "model/encoder".

    Returns:
        Sorted names; one of a sub-folder is "folder/name". Empty if there is no such group.
    """
    folder = CONF / group
    own = (path for path in folder.rglob("*.yaml") if _group_of(path) == group)
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in own)


def _group_of(path: Path) -> str:
    folder = path.parent.relative_to(CONF).as_posix()
    within = next((name for name in GROUPS_WITHIN if f"{folder}/".startswith(f"{name}/")), None)
    if within is not None or folder.startswith("hydra/"):
        return within or folder
    return folder.partition("/")[0]


def split_option(path: str) -> tuple[str, str]:
    """Split "experiment/paper/figure2" into group and option: the group is the first folder that has options.

    Args:
        path: Group and option as Hydra's messages write them.
    """
    parts = path.split("/")
    for cut in range(len(parts) - 1, 0, -1):
        group = "/".join(parts[:cut])
        if options(group):
            return group, "/".join(parts[cut:])
    return path.rpartition("/")[0], parts[-1]


@cache
def root_defaults(name: str) -> dict[str, Any]:
    """Return the values of conf/<name>.yaml itself, without its groups.

    Args:
        name: The name of the primary config.
    """
    return {key: value for key, value in read_yaml(CONF / f"{name}.yaml").items() if key not in ("defaults", "hydra")}
