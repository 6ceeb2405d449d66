"""Where the files of a run's data lie.

config.yaml keeps the path as it was typed first, which is part of the run's fingerprint. data.json keeps where that
was, as an absolute path, and is brought up to date when a run is resumed with its data elsewhere. So a run can be
used from any folder, and with data that have moved: what identifies data is their content (aevb.runs.data_hashes).
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from aevb.errors import UserError
from aevb.runs.records import read_data_location

__all__ = ["KEYS", "absolute_location", "located"]

KEYS = ("path", "root")
"""Arguments of data sets that name a file or a folder."""


def absolute_location(data: dict[str, Any]) -> dict[str, str]:
    """Return the absolute paths of a node `data`, by key; paths that are not given are left out.

    Args:
        data: The config's node `data`.
    """
    return {key: os.path.abspath(os.path.expanduser(data[key])) for key in KEYS if isinstance(data.get(key), str)}


def located(directory: Path, data: dict[str, Any], data_root: str | None = None) -> dict[str, Any]:
    """Return the node `data` of a run with the paths at which its files are now.

    Args:
        directory: The run directory.
        data: The node `data` of its config.
        data_root: Where the files are now: the folder of a published data set, or a file of a user's own or the folder
            with it; None: where they were, relative to the run directory, or relative to the working directory.

    Returns:
        The node, with absolute paths.
    """
    node = dict(data)
    if data_root is not None:
        root = Path(os.path.abspath(os.path.expanduser(data_root)))
        if "root" in data:
            node["root"] = str(root)
        elif "path" in data:
            inside = root / Path(str(data["path"])).name
            node["path"] = str(inside if root.is_dir() and inside.exists() else root)
        return node
    recorded: dict[str, str] = {}
    with suppress(UserError, OSError):  # whoever reads the data says what is wrong with data.json
        recorded = read_data_location(directory)
    for key, path in absolute_location(data).items():
        candidates = [recorded.get(key, path), os.path.abspath(directory / os.path.expanduser(data[key])), path]
        node[key] = next((candidate for candidate in candidates if os.path.exists(candidate)), candidates[0])
    return node
