"""data.json: hashes of the data that a run was trained on, compared whenever its data are read again."""

from pathlib import Path
from typing import Any

from aevb.errors import UserError
from aevb.files.atomic import write_json
from aevb.files.regular import is_regular
from aevb.runs import layout
from aevb.runs.data_location import absolute_location
from aevb.runs.records import read_data_hashes, read_data_location

__all__ = ["check_same_data", "record_data"]


def check_same_data(directory: Path, hashes: dict[str, str], data: dict[str, Any]) -> None:
    """Refuse data that are not those of the run.

    Args:
        directory: The run directory. A run without data.json is not checked.
        hashes: sha256 of each split's targets, as read now. Where the file lies does not matter, only its content.
        data: The config's node `data`, for the message.

    Raises:
        UserError: If a split has changed.
    """
    if not is_regular(directory / layout.DATA):
        return
    before = read_data_hashes(directory)
    changed = [name for name in hashes if before.get(name) != hashes[name]]
    if changed:
        key = next((key for key in ("path", "root") if data.get(key)), None)
        assignment = f"data.{key}={data[key]}" if key else f"data={data['_target_']}"
        raise UserError(
            f"{assignment}: not the data that {directory} began with (changed: {', '.join(changed)}); allowed: the same images; "
            "try: restore them, or another name="
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
