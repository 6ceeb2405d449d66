"""The JSON records of a run directory, each read through its schema.

A run directory may come from anyone. A record is bounded in size before it is parsed, every field that is used has its type
checked, and whatever is wrong is said in one line that names the file and the field. Fields that no schema names are kept.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aevb.config.migration import RENAMED_FIELDS, upgrade_record
from aevb.data.target_convention import TargetConvention
from aevb.errors import UserError
from aevb.files.regular import MIB, read_bytes
from aevb.runs import layout

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
MAX_PIXELS = 1 << 24
OLD_FIELDS = tuple(f'"{name}"'.encode() for name in RENAMED_FIELDS)
REMEDY = "remove it, then the command that trained the run, which makes what is missing"

Field = Callable[[Any], Any]
"""Returns the value, or raises ValueError with what is allowed."""


def read_json(path: Path, remedy: str = REMEDY) -> dict[str, Any]:
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
        if not isinstance(record, dict):
            raise ValueError(f"{type(record).__name__} instead of an object")
        return upgrade_record(record) if any(name in raw for name in OLD_FIELDS) else record
    except RecursionError as error:
        raise UserError(f"{path}: damaged (nested too deeply); try: {remedy}") from error
    except ValueError as error:
        raise UserError(f"{path}: damaged ({' '.join(str(error).split())[:200]}); try: {remedy}") from error


def _read(path: Path, schema: Mapping[str, Field], remedy: str = REMEDY) -> dict[str, Any]:
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


def count(value: Any) -> int:
    """Accept an integer from 0 to 2^62.

    Args:
        value: A value from a JSON file.
    """
    if type(value) is not int or not 0 <= value < 1 << 62:
        raise ValueError("an integer >= 0")
    return value


def number(value: Any) -> float:
    """Accept a number that is not infinite; null, which stands for nan, becomes nan.

    Args:
        value: A value from a JSON file.
    """
    if value is None:
        return math.nan
    if type(value) not in (int, float) or math.isinf(float(value)):
        raise ValueError("a finite number or null")
    return value


def text(value: Any) -> str:
    """Accept text.

    Args:
        value: A value from a JSON file.
    """
    if not isinstance(value, str):
        raise ValueError("text")
    return value


def optional_text(value: Any) -> str | None:
    """Accept text or null.

    Args:
        value: A value from a JSON file.
    """
    return None if value is None else text(value)


def mapping(value: Any) -> dict[str, Any]:
    """Accept an object.

    Args:
        value: A value from a JSON file.
    """
    if not isinstance(value, dict):
        raise ValueError("an object")
    return value


def texts(value: Any) -> dict[str, str]:
    """Accept an object whose values are text.

    Args:
        value: A value from a JSON file.
    """
    return {name: text(item) for name, item in mapping(value).items()}


def estimates(value: Any) -> dict[str, dict[str, float]]:
    """Accept an object of {mean, standard_error}.

    Args:
        value: A value from a JSON file.
    """
    for item in mapping(value).values():
        if not isinstance(item, dict) or not {"mean", "standard_error"} <= item.keys():
            raise ValueError("an object of {mean, standard_error}")
        item |= {name: number(item[name]) for name in ("mean", "standard_error")}
    return value


def shape(value: Any) -> list[int]:
    """Accept [rows, columns] of an image of at most 2^24 pixels.

    Args:
        value: A value from a JSON file.
    """
    good = isinstance(value, list) and len(value) == 2 and all(type(side) is int and side >= 1 for side in value)
    if not good or value[0] * value[1] > MAX_PIXELS:
        raise ValueError(f"[rows, columns], at most {MAX_PIXELS:,} pixels")
    return value


def rows(value: Any) -> list[dict[str, Any]]:
    """Accept a list of objects.

    Args:
        value: A value from a JSON file.
    """
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError("a list of objects")
    return value


def optional_number(value: Any) -> float | None:
    """Accept a number that is not infinite, or null.

    Args:
        value: A value from a JSON file.
    """
    return None if value is None or math.isnan(number(value)) else value


def target_convention(value: Any) -> dict[str, Any]:
    """Accept the fields of a `TargetConvention`.

    Args:
        value: A value from a JSON file.
    """
    fields = mapping(value)
    try:
        return TargetConvention(**fields).record()
    except TypeError as error:
        raise ValueError("an object of kind, scale, description and remark") from error


def _trials(value: Any) -> list[dict[str, Any]]:
    for item in rows(value):
        if not {"learning_rate", "train_bound"} <= item.keys():
            raise ValueError("a list of {learning_rate, train_bound, samples_seen}")
        number(item["learning_rate"])
        number(item["train_bound"])
    return value


def _selected(value: Any) -> float | None:
    return None if value is None else number(value)


DONE = {
    "samples_seen": count,
    "shape?": shape,
    "targets?": text,
    "target_convention?": target_convention,
    "fingerprint?": text,
    "commit?": optional_text,
    "training_seconds?": number,
    "evaluation_seconds?": number,
    "learning_rate?": number,
    "test?": estimates,
    "model_sha256?": text,
    "config?": mapping,
}
EVALUATION = {
    "name": text,
    "split": text,
    "n": count,
    "mean?": number,
    "standard_error?": number,
    "settings?": mapping,
    "values?": estimates,
    "quantity?": text,
    "direction?": optional_text,
    "targets?": text,
    "identity?": text,
}
DATA = {"train?": text, "valid?": text, "test?": text, "location?": texts}
MANIFEST = {"fingerprint?": text, "versions?": mapping, "data?": mapping, "starts?": rows}
PROGRESS = {
    "samples_seen": count,
    "saved_samples": count,
    "train_bound?": optional_number,
    "samples_per_second?": optional_number,
}
LEARNING_RATES = {"samples": count, "trials": _trials, "selected": _selected}


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
    return _read(run / layout.DONE, DONE)


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
    return _read(run / layout.MANIFEST, MANIFEST, "remove it")


def read_data_hashes(run: Path) -> dict[str, str]:
    """Read data.json of a run.

    Args:
        run: The run directory.

    Returns:
        The sha256 of the targets by split.
    """
    record = _read(run / layout.DATA, DATA, "restore it, or remove it")
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
