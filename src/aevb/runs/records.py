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
from aevb.files.regular import MIB, read_bytes
from aevb.runs import fields, layout
from aevb.runs.fields import Field

__all__ = [
    "read_data_hashes",
    "read_data_location",
    "read_done",
    "read_evaluation",
    "read_json",
    "read_learning_rates",
    "read_manifest",
    "read_progress",
    "sha256_of",
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
        if b"\\u" in raw:
            json.dumps(record, ensure_ascii=False).encode(
                "utf-8"
            )  # half a surrogate pair is no text that can be written
        if not isinstance(record, dict):
            raise ValueError(f"{type(record).__name__} instead of an object")
        return upgrade_record(record) if any(name in raw for name in OLD_FIELDS) else record
    except RecursionError as error:
        raise UserError(f"{path}: damaged (nested too deeply); try: {remedy}") from error
    except ValueError as error:
        raise UserError(f"{path}: damaged ({' '.join(str(error).split())[:200]}); try: {remedy}") from error


def _read(path: Path | str, schema: Mapping[str, Field], remedy: str = REMEDY) -> dict[str, Any]:
    # A name that ends in "?" may be absent.
    record = read_json(path, remedy)
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
EVALUATION = {
    "name": fields.text,
    "split": fields.text,
    "n": fields.count,
    "mean?": fields.number,
    "standard_error?": fields.number,
    "settings?": fields.mapping,
    "values?": fields.estimates,
    "quantity?": fields.text,
    "direction?": fields.optional_text,
    "targets?": fields.text,
    "identity?": fields.text,
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


def read_evaluation(path: Path) -> dict[str, Any]:
    """Read one file of evaluation/.

    Args:
        path: The path of the file.

    Returns:
        The checked entries.

    Raises:
        UserError: The file is damaged.
    """
    return _read(path, EVALUATION, "remove it, then aevb-evaluate, which makes it again")


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
