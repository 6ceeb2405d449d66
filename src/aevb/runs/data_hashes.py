"""data.json: hashes of the data that a run was trained on, compared whenever the run goes on."""

from pathlib import Path
from typing import Any

from aevb.errors import UserError
from aevb.runs.files import read_json, write_json

__all__ = ["check_same_data"]


def check_same_data(directory: Path, hashes: dict[str, str], data: dict[str, Any]) -> None:
    """Notes in data.json what a run is trained on, and refuses anything else when it goes on.

    hashes: sha256 of each split's targets. data: the config's node, for the words. Raises UserError.
    """
    path = directory / "data.json"
    if not path.is_file():
        write_json(path, hashes)
        return
    before = read_json(path)
    changed = [name for name in hashes if before.get(name) != hashes[name]]
    if changed:
        key = next((key for key in ("path", "root") if data.get(key)), None)
        given = f"data.{key}={data[key]}" if key else f"data={data['_target_']}"
        raise UserError(
            f"{given}: not the data that {directory} began with (changed: {', '.join(changed)}); allowed: the same images; "
            "try: restore them, or another name="
        )
