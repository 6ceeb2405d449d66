"""data.json: which data a run was trained on, and where their files lie.

config.yaml keeps the path as it was typed first, which is part of the run's fingerprint. data.json keeps where that
was, as an absolute path, and is brought up to date when a run is resumed with its data elsewhere. So a run can be
used from any folder, and with data that have moved: what identifies data is their content, whose hashes data.json has
too. They are compared whenever the data are read again.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from aevb.errors import UserError
from aevb.files.atomic import write_json
from aevb.files.regular import is_regular
from aevb.runs import layout
from aevb.runs.records import read_data_hashes, read_data_location

__all__ = ["LOCATION_KEYS", "absolute_location", "check_data_root", "check_same_data", "located", "record_data"]

LOCATION_KEYS = ("path", "root")
"""Arguments of data sets that name a file or a folder."""

FILES = (".npz", ".npy", ".csv", ".tsv", ".pt")
"""Endings of a user's own data that are a file; anything else may be a folder of images."""


def absolute_location(data: dict[str, Any]) -> dict[str, str]:
    """Return the absolute paths of a node `data`, by key; paths that are not given are left out.

    Args:
        data: The config's node `data`.
    """
    return {
        key: os.path.abspath(os.path.expanduser(data[key])) for key in LOCATION_KEYS if isinstance(data.get(key), str)
    }


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
            # A file that is not in the folder under its name is missing; the folder itself is no folder of images.
            in_folder = inside.exists() or inside.suffix.lower() in FILES
            node["path"] = str(inside if root.is_dir() and in_folder else root)
        return node
    recorded: dict[str, str] = {}
    with suppress(UserError, OSError):  # whoever reads the data says what is wrong with data.json
        recorded = read_data_location(directory)
    for key, path in absolute_location(data).items():
        candidates = [recorded.get(key, path), os.path.abspath(directory / os.path.expanduser(data[key])), path]
        node[key] = next((candidate for candidate in candidates if os.path.exists(candidate)), candidates[0])
    return node


def check_data_root(data_root: str | None, nodes: list[dict[str, Any]], typed: str = "data_root=") -> None:
    """Refuse a folder of data for runs that read no files.

    Args:
        data_root: The folder; None passes.
        nodes: The node `data` of each run's config.
        typed: How the command line names the folder.

    Raises:
        UserError: If none of the runs reads a file.
    """
    if data_root is not None and not any(set(LOCATION_KEYS) & node.keys() for node in nodes):
        raise UserError(f"{typed}{data_root}: {nodes[0]['_target_']} reads no file; allowed: none; try: without it")


def check_same_data(
    directory: Path, hashes: dict[str, str], data: dict[str, Any], remedy: str = "restore them, or another name="
) -> None:
    """Refuse data that are not those of the run.

    Args:
        directory: The run directory. A run without data.json is not checked.
        hashes: sha256 of each split's targets, as read now. Where the file lies does not matter, only its content.
        data: The config's node `data`, for the message.
        remedy: What the message suggests.

    Raises:
        UserError: If a split has changed.
    """
    if not is_regular(directory / layout.DATA):
        return
    before = read_data_hashes(directory)
    changed = [name for name in hashes if before.get(name) != hashes[name]]
    if changed:
        key = next((key for key in LOCATION_KEYS if data.get(key)), None)
        assignment = f"data.{key}={data[key]}" if key else f"data={data['_target_']}"
        raise UserError(
            f"{assignment}: not the data that {directory} began with (changed: {', '.join(changed)}); allowed: the same images; "
            f"try: {remedy}"
        )


def record_data(directory: Path, hashes: dict[str, str], data: dict[str, Any]) -> None:
    """Write data.json when a run begins; if the file exists, compare it with the data and note where these are now.

    Args:
        directory: The run directory.
        hashes: The sha256 of the targets of each split.
        data: The node `data` of the config.
    """
    path = directory / layout.DATA
    location = absolute_location(data)
    if path.exists():
        check_same_data(directory, hashes, data)
        if not location or read_data_location(directory) == location:
            return
    write_json(path, {**hashes, "location": location} if location else hashes)
