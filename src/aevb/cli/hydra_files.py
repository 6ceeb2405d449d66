"""Checks of the config files that Hydra loads, before their values are used.

The files in conf/ of aevb and the files of Hydra are trusted. Every other file is untrusted: under `hydra`
it may contain only the settings that `_SETTINGS` and `_may_set` list and those of the primary configs of
aevb, and none of its values may use a resolver. Hydra may search for files only in folders.
"""

import re
from collections.abc import Iterator
from functools import cache, wraps
from pathlib import Path
from posixpath import normpath
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from omegaconf import OmegaConf

from aevb.config import CONF, shown
from aevb.config.tree import read_yaml
from aevb.errors import UserError

__all__ = ["install", "leaves"]

REFERENCE = re.compile(r"\$\{\.*[\w.\[\]]+\}")
PARAMETER = re.compile(r"\+{0,2}(?!hydra|output_dir\b)[A-Za-z]\w*([./][\w-]+)*")
_NUMBERS = (
    "array_parallelism",
    "cores",
    "cpus_per_task",
    "gpus_per_node",
    "max_num_timeout",
    "mem_gb",
    "members",
    "n_jobs",
    "nodes",
    "signal_delay_s",
    "tasks_per_node",
    "timeout_min",
)
"""Settings of a launcher that take a number."""
CALLS = ("_target_", "()", "class")  # reported first
_SETTINGS = "mode, sweeper.params, sweeper.max_batch_size, sweeper.experiments, sweeper.max_samples, launcher's numbers"


def install() -> None:
    """Patch Hydra so that it checks every config file and searches for files only in folders.

    A second call has no effect.
    """
    load, sources = ConfigRepository.load_config, ConfigRepository.initialize_sources
    single: Any = ConfigLoaderImpl._load_single_config
    if hasattr(load, "__wrapped__"):
        return

    @wraps(sources)
    def initialize_sources(self: Any, config_search_path: Any) -> None:
        for element in config_search_path.get_path():
            path = str(element.path)
            if "://" in path and not path.startswith("file://") and path not in ("pkg://hydra.conf", "structured://"):
                raise UserError(
                    f"hydra.searchpath={path}: not a folder, and a package would be imported; allowed: file://FOLDER; "
                    "try: --config-dir FOLDER"
                )
        sources(self, config_search_path)

    @wraps(load)
    def load_config(self: Any, config_path: str) -> Any:
        result = load(self, config_path)
        if result is not None and not _known(result.path, config_path):
            for default in result.defaults_list or []:
                if not _plain(repr(default)):
                    raise _refusal(f"{config_path}.defaults", "${...:...}", "asks a resolver", "names of options")
        return result

    @wraps(single)
    def load_single(self: Any, default: Any, repo: Any) -> Any:
        loaded = single(self, default, repo)
        path = normpath(str(default.config_path))
        for_hydra = path.split("/")[0] == "hydra"
        known = _known(loaded.path, path)
        if str(default.package or "").split(".")[0] == "hydra" and known and not for_hydra:
            raise _refusal(str(default.package), path, "no config goes there", _SETTINGS)
        if not known:
            if for_hydra:
                raise _refusal(
                    path.replace("/", "."), loaded.path, "a file for Hydra itself, from elsewhere", "aevb's own"
                )
            check_file(OmegaConf.to_container(loaded.config, resolve=False))
        return loaded

    ConfigRepository.initialize_sources = initialize_sources  # type: ignore[method-assign]
    ConfigRepository.load_config = load_config  # type: ignore[method-assign]
    ConfigLoaderImpl._load_single_config = load_single  # type: ignore[method-assign]


def check_file(content: Any) -> None:
    """Check the content of an untrusted config file.

    Args:
        content: The content as plain containers, under the package of the file, with interpolations as text.

    Raises:
        UserError: If a value is not allowed. The message shows the key and the unresolved value, so that it
            contains no value of the environment.
    """
    if not isinstance(content, dict):
        return
    hydra = content.get("hydra", {})
    if not isinstance(hydra, dict):
        raise _refusal("hydra", hydra, "no config may ask that of Hydra", _SETTINGS)
    for path, value in sorted(leaves(hydra), key=lambda leaf: leaf[0][-1] not in CALLS):
        if (path, value) not in _own_values() and not _may_set(path, value):
            raise _refusal(".".join(("hydra", *path)), value, "no config file may ask that of Hydra", _SETTINGS)
    for path, value in leaves({key: node for key, node in content.items() if key != "hydra"}):
        if isinstance(value, str) and not _plain(value):
            raise _refusal(".".join(path), value, "a config file asks no resolver", "a value, or ${key}")


def _may_set(path: tuple[str, ...], value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    scalar = value is None or (isinstance(value, str | int | float) and "$" not in str(value))
    match path:
        case ("mode",):
            return value in ("RUN", "MULTIRUN")
        case ("sweeper", "max_batch_size" | "max_samples"):
            return number or value is None
        case ("sweeper", "params", key):
            return scalar and PARAMETER.fullmatch(key) is not None
        case ("sweeper", "params" | "experiments"):
            return value == {}
        case ("sweeper", "experiments", name):
            return value == {} and re.fullmatch(r"[\w-]+", name) is not None
        case ("sweeper", "experiments", name, key):
            return scalar and re.fullmatch(r"[\w-]+", name) is not None and PARAMETER.fullmatch(key) is not None
        case ("launcher", key):
            named = key in ("partition", "account", "qos") and re.fullmatch(r"[\w-]+", str(value)) is not None
            return named or (key in _NUMBERS and (number or value is None))
    return False


@cache
def _own_values() -> list[tuple[tuple[str, ...], Any]]:
    # A primary config of the user may contain the settings of the primary configs of aevb.
    files = (CONF / f"{name}.yaml" for name in ("train", "evaluate", "figure"))
    return [leaf for file in files for leaf in leaves(read_yaml(file)["hydra"])]


def leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the path and the value of every leaf of plain containers; an empty container is a leaf too.

    Args:
        node: The containers.
        path: Path of the node itself.
    """
    pairs = list(node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ())
    if not pairs and path:
        yield path, node
    for key, value in pairs:
        yield from leaves(value, (*path, str(key)))


def _plain(text: str) -> bool:
    # References to other keys, also nested ones, are allowed; any other use of a dollar sign is not.
    before = ""
    while before != text:
        before, text = text, REFERENCE.sub("x", text)
    return "$" not in text


def _known(source: str, config_path: str) -> bool:
    # The location of the file itself is checked: an option may contain ".." and leave the search folder.
    if not source.startswith("file://"):
        return source.startswith(("pkg://hydra.conf", "structured://"))
    file = (Path(source.removeprefix("file://")) / config_path).resolve()
    return file.is_relative_to(CONF.resolve())


def _refusal(key: str, value: Any, wrong: str, allowed: str) -> UserError:
    return UserError(f"{key}={shown(value)}: {wrong}; allowed: {allowed}; try: without it")
