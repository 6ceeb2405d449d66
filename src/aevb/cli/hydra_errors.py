"""One-line messages for Hydra's exceptions: the key, the given value, what is allowed, what to try."""

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
from aevb.config.migration import present_argument, renamed_option
from aevb.config.tree import split_option
from aevb.errors import UserError

__all__ = ["explain", "is_user_error"]

EXTRAS = {"joblib": "parallel", "submitit": "cluster", "slurm": "cluster"}  # launcher -> extra that installs it
LAUNCHERS = ["basic", "cores", "ensemble"]  # without the presets that others build on
DATA_KEYS = ("data.path", "data.root")  # of aevb-train
OPTIONAL = ("experiment", "pitfall", "selection")  # groups of which no option need be chosen


def explain(error: Exception, root: str, arguments: list[str]) -> str:
    """Explain in one line why a command line cannot be composed.

    Args:
        error: The exception that Hydra, OmegaConf or the file system raised.
        root: Name of the primary config: "train", "evaluate" or "figure".
        arguments: The overrides of the command line.

    Returns:
        One line for each fault, `key=value: what is wrong; allowed: ...; try: ...`.
    """
    text = str(error)
    if isinstance(error, OverrideParseException):
        reason = text.splitlines()[0] if text else "unreadable"
        return f"{error.override}: not of the form key=value ({reason}); try: quotes around it, 'key=[a,b]' for a list"
    if match := re.search(r"Could not find '([^']+)'", text):
        return _unknown_option(*split_option(match[1]), root)
    if match := re.search(r"Could not load 'hydra/launcher/([^']+)'", text):
        typed = [argument.partition("=")[2] for argument in arguments if argument.startswith("hydra/launcher=")]
        return _unknown_launcher((typed or [match[1]])[0])
    if match := re.search(r"Could not load '([^']+)'", text):  # model=[a]: several options of a group
        return _unknown_option(*split_option(match[1]), root)
    if match := re.search(r"Could not (?:override|append to config\. An item is already at) '([^']+)'", text):
        return _unknown_key(match[1].split("@")[0], root, arguments)
    if match := re.search(r"Ambiguous value for argument '([^']+)'", text):
        key, _, values = match[1].partition("=")
        return f"{match[1]}: several values; try: -m for one run of each, or '{key}=[{values}]' for a list"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}; allowed: a folder that you may write to; try: another one"
    cause = error.__cause__ if isinstance(error, HydraException) and error.__cause__ is not None else None
    key = getattr(error, "full_key", None) or getattr(cause, "full_key", None)
    words = " ".join(f"{text.partition('full_key:')[0]} {cause or ''}".split())
    if not words or words.startswith("Config group override must be a string"):  # Hydra does not name the group
        pairs = [argument.lstrip("+").partition("=") for argument in arguments]
        wrong = [name for name, _, value in pairs if options(name) and value not in options(name)]
        return "\n".join(_unknown_key(name, root, arguments) for name in wrong) or (
            f"{' '.join(arguments)}: cannot be composed ({type(error).__name__}); try: aevb-{root} --help"
        )
    return f"{key}: {words}" if key and not words.startswith(str(key)) else words


def _unknown_option(group: str, option: str, root: str) -> str:
    if group == "hydra/launcher":
        return _unknown_launcher(option)
    if present := renamed_option(group, option, root):
        return f"{group}={option}: renamed; try: {present}"
    known = options(group)
    close = get_close_matches(option, known, n=1, cutoff=0.5) or get_close_matches(
        option.rpartition("/")[2], known, n=1, cutoff=0.5
    )
    wrong = f"no such option; did you mean {close[0]}?" if close else "no such option"
    if not close and group == "experiment" and option in options("pitfall"):
        return f"{group}={option}: {wrong}; try: pitfall={option}"
    remedy = close[0] if close else (known or ["..."])[0]
    return f"{group}={option}: {wrong}; allowed: {', '.join(known) or 'none'}; try: {group}={remedy}"


def _unknown_launcher(option: str) -> str:
    if extra := EXTRAS.get(option.partition("_")[0]):
        allowed = ", ".join(LAUNCHERS)
        return f"hydra/launcher={option}: not installed; allowed: {allowed}; try: pip install 'aevb[{extra}]'"
    close = get_close_matches(option, LAUNCHERS, n=1, cutoff=0.5)
    wrong = f"no such option; did you mean {close[0]}?" if close else "no such option"
    remedy = (close or LAUNCHERS)[0]
    return f"hydra/launcher={option}: {wrong}; allowed: {', '.join(LAUNCHERS)}; try: hydra/launcher={remedy}"


def _unknown_key(key: str, root: str, arguments: list[str]) -> str:
    value = next((text.partition("=")[2] for text in arguments if text.lstrip("+~").startswith(f"{key}=")), "")
    if (present := present_argument(key, root)) != key:
        return f"{key}={value}: renamed; try: {present}={value}"
    if known := options(key):
        remedy = f"'~{key}'" if key in OPTIONAL and value == "null" else f"{key}={known[0]}"
        return f"{key}={value}: a group takes the name of an option; allowed: {', '.join(known)}; try: {remedy}"
    if "/" in key and options(group := key.partition("/")[0]):  # experiment/pitfalls=kl_sign
        return _unknown_option(group, f"{key.partition('/')[2]}/{value}", root)
    if root == "evaluate" and key in DATA_KEYS:
        return f"{key}={value}: data of the run that have moved are named by data_root; try: data_root={value}"
    everywhere = _keys(root, arguments)
    if key in everywhere:
        return f"+{key}={value}: the key exists; try: {key}={value}"
    parent = f"{key.rpartition('.')[0]}." if "." in key else ""
    siblings = list(dict.fromkeys(k[len(parent) :].split(".")[0] for k in everywhere if k.startswith(parent)))
    siblings = [name for name in siblings if name != "_target_"]
    meant = suggestion(key, siblings, everywhere)
    wrong = f"no such key; did you mean {meant}?" if meant else "no such key"
    remedy = f"{meant}={value}" if meant else f"aevb-{root} --help"
    allowed = ", ".join(f"{parent}{name}" for name in siblings) or "none"
    return f"{key}={value}: {wrong}; allowed: {allowed}; try: {remedy}"


def _keys(root: str, arguments: list[str]) -> list[str]:
    # The keys of the config with the groups chosen as asked; with the defaults if those cannot be composed.
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
    """Return whether an exception means that a command line cannot be composed.

    Any other exception is a fault of the program.

    Args:
        error: The exception.
    """
    if isinstance(error, HydraException | OmegaConfBaseException | YAMLError | UserError):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    in_job = any(frame.name == "__call__" and Path(frame.filename).name == "hydra_app.py" for frame in frames)
    if isinstance(error, OSError) and error.filename and not in_job:
        return True  # not from a job: a path given for Hydra's own files
    # Hydra raises bare ValueErrors and assertions at some command lines (model=1): those that come from its own files.
    return bool({"hydra", "omegaconf", "antlr4"} & set(Path(frames[-1].filename).parts))
