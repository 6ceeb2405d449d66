"""config.yaml of a run directory, read through one reader: as plain containers, never as code.

Parsing YAML takes milliseconds, so DONE holds a copy of the settings as JSON, with the sha256 of the config.yaml that it is a
copy of. The copy is used only while that file is unchanged, and is checked in the same way.
"""

import json
import math
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from yaml import YAMLError

from aevb.config import flatten
from aevb.config.migration import upgrade
from aevb.config.value_types import INTEGER_END
from aevb.config.yaml_file import parse_yaml
from aevb.console.typed import as_typed, typed_path
from aevb.errors import UserError
from aevb.files.regular import MIB, check_folder, read_bytes
from aevb.runs import layout
from aevb.runs.data_record import LOCATION_KEYS
from aevb.runs.records import read_done, sha256_of

__all__ = ["NO_LOGGER", "OPTION", "check_folders", "json_copy", "read_settings"]

LIMIT = MIB
PARTS = ("data", "model", "objective", "optimizer", "trainer", "seed", "max_samples")  # without which a config is none
TRY = "try: restore the file, or train again under another name="
REMEDY = f"allowed: what aevb-train wrote; {TRY}"

MAPPINGS = ("data", "model", "objective", "optimizer", "trainer", "logger", "evaluator", "evaluation", "choices")
OPTION = re.compile(r"(?!.*\.\.)[\w .,:/+@=()-]*")
"""What the file of an option may be called, within its group."""

NO_LOGGER = {"_target_": "aevb.loggers.base.RunLogger"}
"""The node `logger` of a run that is executed only for its numbers or its time."""

INTEGERS = {"seed": 0, "max_samples": 1, "latent_dim": 1, "batch_size": 1}
"""Keys of integers, with their smallest values."""


def check_folders(run: Path) -> None:
    """Check that every folder of a run directory is a folder.

    Args:
        run: The run directory.

    Raises:
        UserError: One of them is something else: a symbolic link, a file, a named pipe.
    """
    root = os.fspath(run)
    for name in layout.FOLDERS:
        try:
            is_folder = stat.S_ISDIR(os.lstat(f"{root}/{name}").st_mode)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if not is_folder:
            check_folder(run / name)


def read_settings(directory: Path, done: dict[str, Any] | None = None) -> dict[str, Any]:
    """Read the config of a run directory.

    Args:
        directory: The run directory.
        done: What its DONE says, if that has been read already.

    Returns:
        The settings with the key names of the present version, as plain containers. Interpolations stay text.

    Raises:
        UserError: If there is no run, or its config is damaged.
    """
    path = f"{directory}/{layout.CONFIG}"
    try:
        check_folders(directory)
        raw = read_bytes(path, LIMIT)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(_missing(directory)) from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {REMEDY}") from error
    settings = _copy(directory, raw, done)
    if settings is None:
        settings = _parse(path, raw)
    _check(path, settings)
    return upgrade(settings)


def _check(path: str, settings: dict[str, Any]) -> None:
    lost = [key for key in PARTS if key not in settings]
    if lost:
        raise UserError(f"{path}: not a whole config (no {', '.join(lost)}); {REMEDY}")
    for key, is_good, allowed in SCHEMA:
        if key in settings and not is_good(settings[key]):
            shown = " ".join(repr(settings[key]).split())
            raise UserError(f"{path}: {key}={shown[:60]}: damaged; allowed: {allowed}; {TRY}")
    for group, option in settings.get("choices", {}).items():
        if isinstance(option, str) and not OPTION.fullmatch(option):
            raise UserError(
                f"{path}: choices.{group}={repr(option)[:60]}: damaged; allowed: the name of an option; {TRY}"
            )
    for name in LOCATION_KEYS:
        location = settings["data"].get(name)
        if not (location is None or (isinstance(location, str) and "\0" not in location)):
            raise UserError(f"{path}: data.{name}={repr(location)[:60]}: damaged; allowed: text; {TRY}")
    for key, value in () if _is_finite(settings) else flatten(settings):
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"{path}: {key}={value}: not a finite number; {REMEDY}")


def _is_finite(node: dict[str, Any]) -> bool:
    for value in node.values():  # a loop, as a generator takes twice the time
        if isinstance(value, dict):
            if not _is_finite(value):
                return False
        elif isinstance(value, float) and not math.isfinite(value):
            return False
    return True


def _missing(directory: Path) -> str:
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    if run := next((name for name in names if os.path.isfile(directory / name / layout.CONFIG)), None):
        return f"run={directory}: a folder of runs; allowed: one of them; try: {as_typed('run', directory / run)}"
    reason = f"it has no {layout.CONFIG}" if names else "it is empty"
    if not os.path.isdir(directory):
        reason = "there is no such folder"
    where = directory if names else directory.parent if os.path.isdir(directory.parent) else "outputs/runs"
    named = Path("outputs/runs") / directory.name  # the name of a run alone
    is_there = not names and os.path.isfile(named / layout.CONFIG)
    remedy = as_typed("run", named) if is_there else f"ls {typed_path(where)}"
    return f"run={directory}: not a run: {reason}; allowed: a folder that aevb-train made; try: {remedy}"


def _schema() -> list[tuple[str, Callable[[Any], bool], str]]:
    checks: list[tuple[str, Callable[[Any], bool], str]] = [
        (key, lambda value: isinstance(value, dict), "a mapping") for key in MAPPINGS
    ]
    checks += [
        (key, lambda value, least=least: type(value) is int and least <= value < INTEGER_END, f"an integer >= {least}")  # type: ignore[misc]
        for key, least in INTEGERS.items()
    ]
    return checks


SCHEMA = _schema()


def _parse(path: Path | str, raw: bytes) -> dict[str, Any]:
    try:
        settings = parse_yaml(raw.decode("utf-8"))
        if b"\\" in raw:  # an escape may be half a surrogate pair, which is no text that can be written
            json.dumps(settings, ensure_ascii=False, default=str).encode("utf-8")
    except (YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a config ({' '.join(str(error).split())[:300]}); {REMEDY}") from error
    if not isinstance(settings, dict):
        raise UserError(f"{path}: not a whole config (no {', '.join(PARTS)}); {REMEDY}")
    return {str(key): value for key, value in settings.items()}


def _copy(directory: Path, raw: bytes, done: dict[str, Any] | None) -> dict[str, Any] | None:
    # The settings in DONE, if they are those of this config.yaml.
    try:
        copy = (read_done(directory) if done is None else done).get("config", {})
    except (UserError, OSError):
        return None  # who needs DONE says what is wrong with it
    settings = copy.get("settings")
    return settings if isinstance(settings, dict) and copy.get("sha256") == sha256_of(raw) else None


def json_copy(directory: Path) -> dict[str, Any] | None:
    """Return what DONE holds of config.yaml: its sha256 and its settings.

    Args:
        directory: The run directory.

    Returns:
        The entries; None if JSON cannot hold them.
    """
    path = directory / layout.CONFIG
    raw = read_bytes(path, LIMIT)
    settings = _parse(path, raw)
    try:
        same = json.loads(json.dumps(settings, allow_nan=False)) == settings
    except (ValueError, TypeError):
        same = False
    return {"sha256": sha256_of(raw), "settings": settings} if same else None
