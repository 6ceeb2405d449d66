"""One-line messages for Hydra's exceptions: the key, the given value, what is allowed, what to try."""

import os
import re
import shlex

import hydra
from hydra.errors import HydraException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import GrammarParseError

from aevb.cli.composition import HYDRA_BASE
from aevb.cli.experiment_sweep import refuse_several
from aevb.cli.overrides import KEY, PATHS, literal_path, override
from aevb.cli.synonyms import own_data
from aevb.cli.unknown_keys import GROUPS, faults_of, unknown_key
from aevb.cli.unknown_options import missing_option, unknown_launcher, unknown_option
from aevb.config import CONF, options
from aevb.config.tree import split_option
from aevb.console.typed import as_typed
from aevb.errors import UserError

__all__ = ["explain"]

RUN_KEY = {"evaluate": "run", "figure": "runs"}  # the key that names runs
UNKNOWN = object()
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
    r"Could not delete from config\. '(?P<key>[^']+)' does not exist": (
        "~{key}: no such key, so there is nothing to remove; allowed: a key of the config; try: without it"
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
    if match := re.search(r"Could not (?:find|load) '([^'/]+)'", text):  # a primary config, hidden by --config-path
        return (
            f"defaults: {match[1]}: no such config in --config-path, which hides those of aevb; "
            "allowed: a folder beside them; try: --config-dir in its place"
        )
    if match := re.search(r"Could not find '([^']+)'", text):
        return missing_option(*split_option(match[1]), root, text)
    if match := re.search(r"Could not load 'hydra/launcher/([^']+)'", text):
        typed = [argument.partition("=")[2] for argument in arguments if argument.startswith("hydra/launcher=")]
        return unknown_launcher((typed or [match[1]])[0])
    if match := re.search(r"Could not load '([^']+)'", text):  # model=[a]: several options of a group
        return unknown_option(*split_option(match[1]), root)
    if match := re.search(r"Could not (?:override|append to config\. An item is already at) '([^']+)'", text):
        return unknown_key(match[1].split("@")[0], root, arguments)
    if match := re.search(r"Ambiguous value for argument '(.+)'$", text, re.MULTILINE):
        return _several_values(match[1], root, arguments)
    if unnamed := [argument for argument in arguments if argument.startswith("=")]:
        return f"{unnamed[0]}: no key before the equals sign; allowed: key=value; try: aevb-{root} --help"
    cause = error.__cause__ if isinstance(error, HydraException) else None
    if isinstance(cause, GrammarParseError) and (match := re.search(r"Error merging override (.+)", text)):
        key = match[1].lstrip("+").partition("=")[0]
        return f"{match[1]}: not an interpolation that can be read; allowed: ${{KEY}}; try: '{key}=${{seed}}'"
    if "hydra.sweeper.params" in {argument.lstrip("+").partition("=")[0] for argument in arguments}:
        text = NO_PARAMS  # Hydra's text for a mapping there is that of an attribute of None
    for pattern, answer in ANSWERS.items():
        if match := re.search(pattern, text):
            return answer.format(root=root, **match.groupdict())
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}; allowed: a folder that you may write to; try: another one"
    key = getattr(error, "full_key", None) or getattr(cause, "full_key", None)
    words = " ".join(f"{text.partition('full_key:')[0]} {cause or ''}".split())
    if not words or words.startswith("Config group override must be a string"):  # Hydra does not name the group
        return _unnamed(error, root, arguments)
    return f"{key}: {words}" if key and not words.startswith(str(key)) else words


def _several_values(argument: str, root: str, arguments: list[str]) -> str:
    key, _, values = argument.partition("=")
    if key == "experiment":
        try:
            refuse_several(argument)
        except UserError as refused:
            return str(refused)
    if options(key):
        return (
            f"{argument}: several options; allowed: one, or -m for one run of each; try: {argument.partition(',')[0]}"
        )
    takes_a_list = not faults_of([f"{key}=[{values}]"], root, arguments)
    or_a_list = f", or {shlex.quote(f'{key}=[{values}]')} for a list" if takes_a_list else ""
    or_one = f", or {as_typed(key, values)} for one path with a comma" if key in PATHS else ""
    return f"{argument}: several values; allowed: one; try: -m for one run of each{or_a_list}{or_one}"


def _unnamed(error: Exception, root: str, arguments: list[str]) -> str:
    if unreadable := [text for text in arguments if not KEY.fullmatch(text.partition("=")[0])]:
        return f"{unreadable[0]}: no key before the equals sign; allowed: key=value; try: aevb-{root} --help"
    pairs = [argument.lstrip("+").partition("=") for argument in arguments]
    wrong = [name for name, _, value in pairs if options(name) and value not in options(name)]
    return "\n".join(unknown_key(name, root, arguments) for name in wrong) or (
        f"{' '.join(arguments)}: cannot be composed ({type(error).__name__}); try: aevb-{root} --help"
    )


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
    if not equals:
        return (
            f"{argument}: not of the form key=value; allowed: key=value; try: {_with_equals(argument, root, arguments)}"
        )
    if not KEY.fullmatch(key):
        return f"{argument}: not of the form key=value; allowed: key=value; try: 'key=[a,b]' for a list"
    text = value.strip("'\"")
    if options(key):
        return unknown_option(key, text, root)
    if refused := faults_of([override(key, text)], root, arguments):
        return "\n".join(refused)
    plain = not set(text) & set("'\"\\$")
    quoted = f"'{key}=\"{text}\"'" if plain else shlex.quote(override(key, text))
    return f"{argument}: not a value in Hydra's grammar; allowed: text within quotes, or '{key}=[a,b]' for a list; try: {quoted}"


def _with_equals(word: str, root: str, arguments: list[str]) -> str:
    """What to try for a word without an equals sign: the key with the word after it (`latent_dim 5`), or with its value."""
    if set(word) & set("[],"):
        return "'key=[a,b]' for a list"
    with hydra.initialize_config_dir(str(CONF), **HYDRA_BASE):
        value = OmegaConf.select(hydra.compose(root), word, default=UNKNOWN) if KEY.fullmatch(word) else UNKNOWN
    after = [text for text in arguments[arguments.index(word) + 1 :][:1] if "=" not in text]
    if group := options(word):
        fitting = [text for text in after if text in group]
    elif value is UNKNOWN:
        fitting = []
    else:
        tried = [*after, *([] if value is None else [str(value)])]
        fitting = [text for text in tried if not faults_of([f"{word}={text}"], root, arguments)]
    return shlex.quote(literal_path(f"{word}={fitting[0]}")) if fitting else f"aevb-{root} --help"
