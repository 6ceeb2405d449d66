"""Hydra's refusals in one line each: key, what was given, what is allowed, what to try."""

import re
import traceback
from difflib import get_close_matches
from pathlib import Path

import hydra
from hydra.errors import HydraException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from aevb.cli.composition import HYDRA_BASE
from aevb.config import CONF, flatten, options, suggestion
from aevb.errors import UserError

__all__ = ["explain", "is_user_error"]

LAUNCHERS = {"joblib": "parallel", "submitit": "cluster", "slurm": "cluster"}  # and the extra that brings them


def explain(error: Exception, root: str, arguments: list[str]) -> str:
    """One line for a refusal to compose conf/<root>.yaml with `arguments`."""
    text = str(error)
    if isinstance(error, OverrideParseException):
        reason = text.splitlines()[0] if text else "unreadable"
        return f"{error.override}: not of the form key=value ({reason}); try: quotes around it, 'key=[a,b]' for a list"
    if found := re.search(r"Could not find '([^']+)'", text):
        return _option(found[1], re.findall(r"^\t(\S+)$", text, re.MULTILINE))
    if found := re.search(r"Could not load 'hydra/launcher/([^']+)'", text):
        typed = [text.partition("=")[2] for text in arguments if text.startswith("hydra/launcher=")]
        return _option(
            f"hydra/launcher/{(typed or [found[1]])[0]}", ["basic", "cores", "ensemble"]
        )  # not the one that a preset builds on
    if found := re.search(r"Could not (?:override|append to config\. An item is already at) '([^']+)'", text):
        return _key(found[1].split("@")[0], root, arguments)
    if found := re.search(r"Ambiguous value for argument '([^']+)'", text):
        key, _, values = found[1].partition("=")
        return f"{found[1]}: several values; try: -m for one run of each, or '{key}=[{values}]' for a list"
    if text.startswith("Config group override must be a string"):  # and Hydra does not say which
        given = [argument.lstrip("+") for argument in arguments if argument.endswith("=null")]
        return "\n".join(
            _key(name[: -len("=null")], root, arguments) for name in given if options(name[: -len("=null")])
        )
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}; allowed: a folder of yours; try: without hydra.run.dir or hydra.sweep.dir"
    cause = error.__cause__ if isinstance(error, HydraException) and error.__cause__ is not None else None
    key = getattr(error, "full_key", None) or getattr(cause, "full_key", None)
    words = " ".join(f"{text.partition('full_key:')[0]} {cause or ''}".split())
    return f"{key}: {words}" if key and not words.startswith(str(key)) else words


def _option(path: str, known: list[str]) -> str:
    group, _, option = path.rpartition("/")
    close = get_close_matches(option, known, n=1, cutoff=0.5)
    wrong = f"no such option; did you mean {close[0]}?" if close else "no such option"
    allowed = ", ".join(known) or "none"
    if group == "hydra/launcher" and (extra := LAUNCHERS.get(option.partition("_")[0])):
        return f"{path.replace('launcher/', 'launcher=')}: not installed; allowed: {allowed}; try: pip install 'aevb[{extra}]'"
    return f"{group}={option}: {wrong}; allowed: {allowed}; try: {group}={close[0] if close else (known or ['...'])[0]}"


def _key(key: str, root: str, arguments: list[str]) -> str:
    value = next((text.partition("=")[2] for text in arguments if text.lstrip("+~").startswith(f"{key}=")), "")
    if known := options(key):
        remedy = f"'~{key}'" if (key, value) == ("selection", "null") else f"{key}={known[0]}"
        return f"{key}={value}: a group takes the name of an option; allowed: {', '.join(known)}; try: {remedy}"
    everywhere = _keys(root, arguments)
    if key in everywhere:
        return f"+{key}={value}: the key exists; try: {key}={value}"
    parent = f"{key.rpartition('.')[0]}." if "." in key else ""
    siblings = list(dict.fromkeys(k[len(parent) :].split(".")[0] for k in everywhere if k.startswith(parent)))
    siblings = [name for name in siblings if name != "_target_"]
    meant = suggestion(key, siblings, everywhere)
    wrong = f"no such key; did you mean {meant}?" if meant else "no such key"
    remedy = f"{meant}={value}" if meant else f"aevb-{root} --help"
    return (
        f"{key}={value}: {wrong}; allowed: {', '.join(f'{parent}{name}' for name in siblings) or 'none'}; try: {remedy}"
    )


def _keys(root: str, arguments: list[str]) -> list[str]:
    # The keys there are, with the groups chosen as asked; with the defaults if that cannot be composed.
    groups = [text for text in arguments if "=" in text and (CONF / text.partition("=")[0]).is_dir()]
    for overrides in (groups, []):
        try:
            with hydra.initialize_config_dir(str(CONF), **HYDRA_BASE):
                cfg = hydra.compose(root, overrides)
        except HydraException:
            continue
        return [key for key, _ in flatten(OmegaConf.to_container(cfg, resolve=False))]
    return []


def is_user_error(error: Exception) -> bool:
    """Whether an exception says that a command line cannot be composed, and not that something broke."""
    if isinstance(error, HydraException | OmegaConfBaseException | YAMLError | UserError):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, OSError) and error.filename and not any(frame.name == "task" for frame in frames):
        return True  # of no job: a place that was given for Hydra's own files
    # Hydra raises bare ValueErrors and assertions at some command lines (model=1): those that come from its own files.
    return bool({"hydra", "omegaconf", "antlr4"} & set(Path(frames[-1].filename).parts))
