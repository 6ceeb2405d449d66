"""The JSON records of a run directory, each read through its schema.

A run directory may come from anyone. A record is bounded in size before it is parsed, every field that is used has its type
checked, and whatever is wrong is said in one line that names the file and the field. Fields that no schema names are kept.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aevb.config.migration import RENAMED_FIELDS, upgrade_record
from aevb.errors import UserError
from aevb.files.regular import MIB, open_regular, read_bytes
from aevb.runs import fields, layout
from aevb.runs.fields import Field

__all__ = [
    "check_fields",
    "read_data_hashes",
    "read_data_location",
    "read_done",
    "read_json",
    "read_learning_rates",
    "read_manifest",
    "read_progress",
    "sha256_of",
    "sha256_of_file",
]

LIMIT = 16 * MIB
OLD_FIELDS = tuple(f'"{name}"'.encode() for name in RENAMED_FIELDS)
REMEDY = "remove it, then the command that trained the run, which makes what is missing"


def read_json(path: Path | str, remedy: str = REMEDY) -> dict[str, Any]:
    """Read a JSON object, with the field names of the present version.

    Args:
        path: A regular file of at most 16 MiB.
        remedy: What a user should try if the file is damaged.

    Returns:
        The object.

    Raises:
        UserError: If the file is damaged, not an object, or no regular file.
        FileNotFoundError: If there is no such file.
    """
    try:
        raw = read_bytes(path, LIMIT)
        record = json.loads(raw.decode("utf-8"))
        if b"\\u" in raw:  # half a surrogate pair is no text that can be written
            json.dumps(record, ensure_ascii=False).encode("utf-8")
        if not isinstance(record, dict):
            raise ValueError(f"{type(record).__name__} instead of an object")
        return upgrade_record(record) if any(name in raw for name in OLD_FIELDS) else record
    except RecursionError as error:
        raise UserError(f"{path}: damaged (nested too deeply); try: {remedy}") from error
    except ValueError as error:
        raise UserError(f"{path}: damaged ({' '.join(str(error).split())[:200]}); try: {remedy}") from error


def check_fields(record: dict[str, Any], schema: Mapping[str, Field], path: Path | str, remedy: str) -> None:
    """Check the fields of a JSON object, and put in their place what the schema makes of them.

    Args:
        record: The object, which is changed in place.
        schema: The type of each field by its name; one whose name ends in "?" may be missing.
        path: The file, for the message.
        remedy: What a user should try if the file is damaged.

    Raises:
        UserError: A field is missing or of another type.
    """
    for key, field in schema.items():
        name = key.rstrip("?")
        if name not in record:
            if key == name:
                raise UserError(f"{path}: damaged ({name} is missing); try: {remedy}")
            continue
        try:
            record[name] = field(record[name])
        except ValueError as error:
            shown = json.dumps(record[name])
            shown = shown if len(shown) <= 40 else f"{shown[:37]}..."
            raise UserError(f"{path}: damaged ({name}={shown}); allowed: {error}; try: {remedy}") from error


def _read(path: Path | str, schema: Mapping[str, Field], remedy: str = REMEDY) -> dict[str, Any]:
    record = read_json(path, remedy)
    check_fields(record, schema, path, remedy)
    return record


DONE = {
    "samples_seen": fields.count,
    "shape?": fields.shape,
    "num_classes?": fields.count,
    "targets?": fields.text,
    "target_convention?": fields.target_convention,
    "warning?": fields.text,
    "fingerprint?": fields.text,
    "commit?": fields.optional_text,
    "training_seconds?": fields.number,
    "evaluation_seconds?": fields.number,
    "learning_rate?": fields.number,
    "test?": fields.estimates,
    "model_sha256?": fields.text,
    "config?": fields.mapping,
    "stopped_early?": fields.boolean,
    "best?": fields.best_weights,
    "init_from?": fields.mapping,
}
DATA = {"train?": fields.text, "valid?": fields.text, "test?": fields.text, "location?": fields.texts}
MANIFEST = {"fingerprint?": fields.text, "versions?": fields.mapping, "data?": fields.mapping, "starts?": fields.rows}
PROGRESS = {
    "samples_seen": fields.count,
    "saved_samples": fields.count,
    "train_bound?": fields.optional_number,
    "samples_per_second?": fields.optional_number,
}
LEARNING_RATES = {"samples": fields.count, "trials": fields.trials, "selected": fields.optional_number}


def read_done(run: Path) -> dict[str, Any]:
    """Read DONE of a run.

    Args:
        run: The run directory.

    Returns:
        The checked entries.

    Raises:
        UserError: The file is damaged.
        FileNotFoundError: It is missing.
    """
    return _read(f"{run}/{layout.DONE}", DONE)


def read_manifest(run: Path) -> dict[str, Any]:
    """Read manifest.json of a run.

    Args:
        run: The run directory.

    Returns:
        The checked entries.

    Raises:
        UserError: The file is damaged.
        FileNotFoundError: It is missing.
    """
    return _read(f"{run}/{layout.MANIFEST}", MANIFEST, "remove it")


def read_data_hashes(run: Path) -> dict[str, str]:
    """Read data.json of a run.

    Args:
        run: The run directory.

    Returns:
        The sha256 of the targets by split.
    """
    record = _read(f"{run}/{layout.DATA}", DATA, "restore it, or remove it")
    return {name: record[name] for name in ("train", "valid", "test") if name in record}


def read_data_location(run: Path) -> dict[str, str]:
    """Read from data.json of a run where its data were.

    Args:
        run: The run directory.

    Returns:
        Absolute paths by the key of the node `data`; empty for data that are in no file, and in older runs.

    Raises:
        UserError: The file is damaged.
        FileNotFoundError: It is missing.
    """
    return _read(run / layout.DATA, DATA, "restore it, or remove it").get("location", {})


def read_progress(run: Path) -> dict[str, Any]:
    """Read progress.json of a run.

    Args:
        run: The run directory.

    Returns:
        The checked entries.

    Raises:
        UserError: The file is damaged.
        FileNotFoundError: It is missing.
    """
    return _read(run / layout.PROGRESS, PROGRESS, "remove it")


def read_learning_rates(path: Path) -> dict[str, Any]:
    """Read the record of a selection of the learning rate.

    Args:
        path: The path of the file.

    Returns:
        The checked entries.
    """
    return _read(path, LEARNING_RATES)


def sha256_of(raw: bytes) -> str:
    """Return the sha256 of bytes, in hexadecimal.

    Args:
        raw: The bytes.
    """
    return hashlib.sha256(raw).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return the sha256 of the bytes of a regular file, in hexadecimal.

    Args:
        path: The file.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
