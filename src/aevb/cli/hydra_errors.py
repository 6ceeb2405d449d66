"""One-line messages for Hydra's exceptions: the key, the given value, what is allowed, what to try."""

import os
import re
import shlex
import traceback
from difflib import get_close_matches
from itertools import islice, product
from pathlib import Path
from typing import Any

import hydra
from hydra.conf import HydraConf
from hydra.errors import HydraException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from aevb.cli.composition import HYDRA_BASE
from aevb.cli.experiment_sweep import refuse_several
from aevb.cli.overrides import KEY, literal_path, override
from aevb.cli.synonyms import option_meant, option_to_try, own_data, setting_meant
from aevb.config import CONF, ConfigError, flatten, options, suggestion, validate
from aevb.config.messages import LITERAL
from aevb.config.migration import present_argument, renamed_option
from aevb.config.tree import root_defaults, split_option
from aevb.config.value_types import SYNONYMS
from aevb.errors import UserError

__all__ = ["explain", "is_user_error"]

EXTRAS = {"joblib": "parallel", "submitit": "cluster", "slurm": "cluster"}  # launcher -> extra that installs it
LAUNCHERS = ["basic", "cores", "ensemble"]  # without the presets that others build on
RUN_KEY = {"evaluate": "run", "figure": "runs"}  # the key that names runs
DATA_KEYS = ("data.path", "data.root")  # of aevb-train
GROUPS = {  # whose options are typed without the name of the group
    "train": ("data", "objective", "model", "experiment", "pitfall", "optimizer"),
    "evaluate": ("evaluator",),
    "figure": ("figure",),
}
NO_PARAMS = "Unexpected type for root: NoneType"
ANSWERS = {
    r"Multiple values for (?P<group>[\w/@]+)\. To override .*: (?P<option>[^']+)'": (
        "+{group}={option}: the group has an option already; try: {group}={option}"
    ),
    r"Sweep parameters '(?P<key>[^=']+)=(?P<values>.*)' requires --multirun": (
        "{key}={values}: several values; allowed: one, or a sweep; try: -m"
    ),
    r"does not support sweep type : INTERVAL_SWEEP": (
        "interval(...): a continuous range, of which only a search takes points; try: range(...), or hydra/sweeper=optuna"
    ),
    r"Sweeping over Hydra's configuration is not supported : '(?P<key>[^=']+)=(?P<values>.*)'": (
        "{key}={values}: several values of a setting of Hydra's; allowed: one; try: KEY=a,b for a key of aevb-{root}"
    ),
    NO_PARAMS: ("hydra.sweeper.params: not on the command line; allowed: in a config file; try: -m KEY=a,b"),
    r"Could not delete 'evaluator(=.*)?'\. No match in the defaults list": (
        "~evaluator: a list of options, which is replaced and not deleted; allowed: evaluator=[a,b]; "
        "try: 'evaluator=[]'"
    ),
    r"range\(\) arg 3 must not be zero": "range(...): a step of 0; try: range(0,3)",
    r"Cannot find primary config '(?P<name>[^']*)'": (
        "--config-name={name}: no such config; allowed: {root}, or one in --config-dir; "
        "try: without it, and without --config-path"
    ),
    r"Additional config directory '(?P<path>.*)' not found": (
        "--config-dir={path}: no such folder; allowed: a folder of YAML files; try: another path"
    ),
    r"Overriding hydra.searchpath is only supported from the primary config": (
        "hydra.searchpath: set by a config that is not the primary one; try: --config-dir FOLDER"
    ),
}
"""Messages of Hydra -> what is said instead; the words in braces are groups of the pattern, and the name of the command."""

MOST_OPTIONS = 20  # combinations of the groups of a sweep that are composed for a message
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
        return _unreadable(str(error.override), root, arguments)
    if match := re.search(
        r"Could not (?:find|load) '([^'/]+)'", text
    ):  # a primary config of aevb's, hidden by --config-path
        return (
            f"defaults: {match[1]}: no such config in --config-path, which hides those of aevb; "
            "allowed: a folder beside them; try: --config-dir in its place"
        )
    if match := re.search(r"Could not find '([^']+)'", text):
        return _unknown_option(*split_option(match[1]), root)
    if match := re.search(r"Could not load 'hydra/launcher/([^']+)'", text):
        typed = [argument.partition("=")[2] for argument in arguments if argument.startswith("hydra/launcher=")]
        return _unknown_launcher((typed or [match[1]])[0])
    if match := re.search(r"Could not load '([^']+)'", text):  # model=[a]: several options of a group
        return _unknown_option(*split_option(match[1]), root)
    if match := re.search(r"Could not (?:override|append to config\. An item is already at) '([^']+)'", text):
        return _unknown_key(match[1].split("@")[0], root, arguments)
    if match := re.search(r"Ambiguous value for argument '(.+)'$", text, re.MULTILINE):
        key, _, values = match[1].partition("=")
        if key == "experiment":
            try:
                refuse_several(match[1])
            except UserError as refused:
                return str(refused)
        if options(key):
            return f"{match[1]}: several options; allowed: one, or -m for one run of each; try: {match[1].partition(',')[0]}"
        takes_a_list = not _faults([f"{key}=[{values}]"], root, arguments)
        or_a_list = f", or '{key}=[{values}]' for a list" if takes_a_list else ""
        return f"{match[1]}: several values; allowed: one; try: -m for one run of each{or_a_list}"
    if "hydra.sweeper.params" in {argument.lstrip("+").partition("=")[0] for argument in arguments}:
        text = NO_PARAMS  # Hydra's text for a mapping there is that of an attribute of None
    for pattern, answer in ANSWERS.items():
        if match := re.search(pattern, text):
            return answer.format(root=root, **match.groupdict())
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}; allowed: a folder that you may write to; try: another one"
    cause = error.__cause__ if isinstance(error, HydraException) and error.__cause__ is not None else None
    key = getattr(error, "full_key", None) or getattr(cause, "full_key", None)
    words = " ".join(f"{text.partition('full_key:')[0]} {cause or ''}".split())
    if not words or words.startswith("Config group override must be a string"):  # Hydra does not name the group
        if unreadable := [text for text in arguments if not KEY.fullmatch(text.partition("=")[0])]:
            return f"{unreadable[0]}: no key before the equals sign; allowed: key=value; try: aevb-{root} --help"
        pairs = [argument.lstrip("+").partition("=") for argument in arguments]
        wrong = [name for name, _, value in pairs if options(name) and value not in options(name)]
        return "\n".join(_unknown_key(name, root, arguments) for name in wrong) or (
            f"{' '.join(arguments)}: cannot be composed ({type(error).__name__}); try: aevb-{root} --help"
        )
    return f"{key}: {words}" if key and not words.startswith(str(key)) else words


def _unreadable(argument: str, root: str, arguments: list[str]) -> str:
    key, equals, value = argument.partition("=")
    is_path = os.sep in argument or os.path.lexists(os.path.expanduser(argument))
    if (run_key := RUN_KEY.get(root)) and not equals and is_path:
        typed = shlex.quote(literal_path(f"{run_key}={argument}"))
        return f"{argument}: not of the form key=value; allowed: key=value; try: {typed}"
    if not equals and (group := next((name for name in GROUPS.get(root, ()) if argument in options(name)), None)):
        return f"{argument}: not of the form key=value; allowed: key=value; try: {group}={argument}"
    if root == "train" and not equals and (own := own_data(argument)):
        return f"{argument}: not of the form key=value; allowed: key=value; try: {own}"
    if not equals or not KEY.fullmatch(key):
        return f"{argument}: not of the form key=value; allowed: key=value; try: 'key=[a,b]' for a list"
    text = value.strip("'\"")
    if options(key):
        return _unknown_option(key, text, root)
    if refused := _faults([override(key, text)], root, arguments):
        return "\n".join(refused)
    plain = not set(text) & set("'\"\\$")
    quoted = f"'{key}=\"{text}\"'" if plain else shlex.quote(override(key, text))
    return f"{argument}: not a value in Hydra's grammar; allowed: text within quotes, or '{key}=[a,b]' for a list; try: {quoted}"


def _unknown_option(group: str, option: str, root: str) -> str:
    if group == "hydra/launcher":
        return _unknown_launcher(option)
    if present := renamed_option(group, option, root):
        return f"{group}={option}: renamed; try: {present}"
    if group == "data" and (own := own_data(option)):
        return f"data={option}: a path; allowed: the name of a data set, array for data of your own; try: {own}"
    known = options(group)
    begin = [name for name in known if name.startswith(f"{option}_")]  # experiment=figure2
    meant = option_meant(group, option) or (begin[-1] if begin else None)
    typed = (option, option.lower(), option.rpartition("/")[2])
    close = [meant] if meant else next(filter(None, (get_close_matches(t, known, n=1, cutoff=0.5) for t in typed)), [])
    wrong = f"no such option; did you mean {close[0]}?" if close else "no such option"
    if not close and group == "experiment" and option in options("pitfall"):
        return f"{group}={option}: {wrong}; try: pitfall={option}"
    remedy = close[0] if close else option_to_try(group, known)
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
    typed = [text.partition("=")[2] for text in arguments if text.lstrip("+~").startswith(f"{key}=")]
    value = typed[-1] if typed else ""
    if (present := present_argument(key, root)) != key:
        return f"{key}={value}: renamed; try: {present}={value}"
    known = options(key)
    if known and not _is_group_of(key, root):
        return _group_of_another_command(key, value, root)
    if known:
        remedy = f"'~{key}'" if key in OPTIONAL and value == "null" else f"{key}={known[0]}"
        return f"{key}={value}: a group takes the name of an option; allowed: {', '.join(known)}; try: {remedy}"
    if "/" in key and options(group := key.partition("/")[0]):  # experiment/pitfalls=kl_sign
        return _unknown_option(group, f"{key.partition('/')[2]}/{value}", root)
    if root == "evaluate" and key in DATA_KEYS:
        return f"{key}={value}: data of the run that have moved are named by data_root; try: data_root={value}"
    if root == "train" and key == "data.path":
        return f"{key}={value}: only your own data have a path; try: data=array {key}={value}"
    if root == "train" and key == "data_root":  # as aevb-evaluate has it
        return f"{key}={value}: the folder or file of the data is named by data.root; try: data.root={value}"
    if key.startswith(("hydra.launcher.", "hydra.sweeper.")):
        node = ".".join(key.split(".")[:2])
        return f"{key}={value}: no such key; allowed: those of {node}; try: aevb-{root} --cfg hydra --package {node}"
    if meant := setting_meant(key, root):
        return f"{key}={value}: no such key; the length of a run is max_samples, in training samples; try: {meant}"
    everywhere = _keys(root, arguments, key)
    if key in everywhere:
        return f"+{key}={value}: the key exists; try: {key}={value}"
    parent = f"{key.rpartition('.')[0]}." if "." in key else ""
    siblings = list(dict.fromkeys(k[len(parent) :].split(".")[0] for k in everywhere if k.startswith(parent)))
    siblings = [name for name in siblings if name != "_target_"]
    meant = suggestion(key, siblings, everywhere)
    wrong = f"no such key; did you mean {meant}?" if meant else "no such key"
    remedy = f"{meant}={value}" if meant else f"aevb-{root} --help"
    if meant and value and (refused := _faults([remedy], root, arguments)):
        word = SYNONYMS.get(value, value)
        chosen = None if LITERAL.fullmatch(word) else _choices_with(word, parent, siblings, root, arguments)
        if chosen:
            wrong, remedy = f"no such key; did you mean {chosen}?", f"{chosen}={word}"
        else:
            remedy = refused[0].partition("; try: ")[2] or f"aevb-{root} --help"
    allowed = ", ".join(f"{parent}{name}" for name in siblings) or "none"
    return f"{key}={value}: {wrong}; allowed: {allowed}; try: {remedy}"


def _is_group_of(key: str, root: str) -> bool:
    folder = key.partition("/")[0]
    return folder == "hydra" or (folder != "figure" if root == "train" else folder in GROUPS[root])


def _group_of_another_command(key: str, value: str, root: str) -> str:
    if root == "train":
        remedy = f"aevb-figure {key}={value}" if value in options(key) else "aevb-figure --help"
        return f"{key}={value}: not a key of aevb-train; allowed: as a key of aevb-figure; try: {remedy}"
    names = ", ".join([*GROUPS[root], *root_defaults(root)])
    why = f"not a key of aevb-{root}: the config of a run has it"
    return f"{key}={value}: {why}; allowed: {names}; try: aevb-{root} --help"


def _faults(overrides: list[str], root: str, arguments: list[str]) -> list[str]:
    # What is wrong with the values of these overrides beside the groups that were chosen.
    chosen = [text for text in arguments if options(text.partition("=")[0]) and "," not in text]
    keys = [text.partition("=")[0] for text in overrides]
    try:
        with hydra.initialize_config_dir(str(CONF), **HYDRA_BASE):
            validate(hydra.compose(root, [*chosen, *overrides]), root=root)
    except ConfigError as error:
        return [fault for fault in error.faults if re.split("[=:]", fault, maxsplit=1)[0] in keys]
    except Exception as error:
        if not is_user_error(error):
            raise
    return []


def _choices_with(value: str, parent: str, siblings: list[str], root: str, arguments: list[str]) -> str | None:
    # The one key beside a mistyped one that has this value among its choices: trainer.accelerator for trainer.device=gpu.
    keys = [f"{parent}{name}" for name in siblings if not (CONF / f"{parent}{name}").is_dir()]
    refused, of_any = (
        {
            re.split("[=:]", fault, maxsplit=1)[0]
            for fault in _faults([f"{key}={word}" for key in keys], root, arguments)
        }
        for word in (value, "no_such_choice")
    )
    accepting = sorted(of_any - refused)
    return accepting[0] if len(accepting) == 1 else None


def _keys(root: str, arguments: list[str], key: str) -> list[str]:
    # The keys of the config with the groups chosen as asked; with the defaults if those cannot be composed. Of several
    # options in a sweep, those without the key are meant.
    pairs = [text.partition("=")[::2] for text in arguments if "=" in text]
    chosen = [[f"{group}={one}" for one in value.split(",")] for group, value in pairs if (CONF / group).is_dir()]
    keys: list[str] = []
    for overrides in (*islice(product(*chosen), MOST_OPTIONS), ()):
        try:
            with hydra.initialize_config_dir(str(CONF), **HYDRA_BASE):
                cfg = hydra.compose(root, list(overrides))
        except HydraException:
            continue
        if keys and not overrides:
            break
        hydras = OmegaConf.to_container(OmegaConf.structured(HydraConf), resolve=False)
        config: Any = OmegaConf.to_container(cfg, resolve=False)
        keys = [name for name, _ in flatten({**config, "hydra": hydras})]
        if key not in keys:
            break
    return keys


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
