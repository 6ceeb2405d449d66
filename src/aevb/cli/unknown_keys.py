"""What is said of a key that there is not, or not in this command; and what is wrong with the value of a key."""

import re
import shlex
from collections.abc import Sequence
from itertools import islice, product
from typing import Any

import hydra
from hydra.conf import HydraConf
from hydra.errors import HydraException
from omegaconf import OmegaConf

from aevb.cli.composition import HYDRA_BASE
from aevb.cli.synonyms import setting_meant
from aevb.cli.unknown_options import unknown_option
from aevb.cli.user_errors import is_user_error
from aevb.config import CONF, ConfigError, flatten, options, suggestion, validate
from aevb.config.messages import LITERAL
from aevb.config.migration import present_argument
from aevb.config.tree import read_yaml, root_defaults
from aevb.config.value_types import SYNONYMS
from aevb.errors import UserError

__all__ = ["GROUPS", "check_groups", "faults_of", "unknown_key"]

DATA_KEYS = ("data.path", "data.root")  # of aevb-train
GROUPS = {
    "train": ("data", "objective", "model", "experiment", "pitfall", "optimizer"),
    "evaluate": ("evaluator",),
    "figure": ("figure",),
}
"""Command -> groups whose options are typed without the name of the group."""

MOST_OPTIONS = 20  # combinations of the groups of a sweep that are composed for a message
OPTIONAL = ("experiment", "pitfall", "selection")  # groups of which no option need be chosen


def unknown_key(key: str, root: str, arguments: list[str]) -> str:
    """Return the message for a key that is not in the config of a command.

    Args:
        key: The dotted key, or the group, that was typed.
        root: The command: "train", "evaluate" or "figure".
        arguments: The overrides of the command line.
    """
    typed = [text.partition("=")[2] for text in arguments if text.lstrip("+~").startswith(f"{key}=")]
    value = typed[-1] if typed else ""
    if (present := present_argument(key, root)) != key:
        return f"{key}={value}: renamed; try: {shlex.quote(f'{present}={value}')}"
    known = options(key)
    if known and not _is_group_of(key, root):
        return _group_of_another_command(key, value, root)
    if value in known and "/" in key:  # model/prior=mixture, of a model whose parts are fixed
        return _fixed_part(key, value)
    if known:
        remedy = f"'~{key}'" if key in OPTIONAL and value == "null" else f"{key}={known[0]}"
        return f"{key}={value}: a group takes the name of an option; allowed: {', '.join(known)}; try: {remedy}"
    if "/" in key and options(group := key.partition("/")[0]):  # experiment/pitfalls=kl_sign
        return unknown_option(group, f"{key.partition('/')[2]}/{value}", root)
    if root == "evaluate" and key in DATA_KEYS:
        return f"{key}={value}: data of the run that have moved are named by data_root; try: {shlex.quote(f'data_root={value}')}"
    if root == "train" and key == "data.path":
        return f"{key}={value}: only your own data have a path; try: data=array {shlex.quote(f'{key}={value}')}"
    if root == "train" and key == "data_root":  # as aevb-evaluate has it
        return f"{key}={value}: the folder or file of the data is named by data.root; try: {shlex.quote(f'data.root={value}')}"
    if key.startswith(("hydra.launcher.", "hydra.sweeper.")):
        node = ".".join(key.split(".")[:2])
        return f"{key}={value}: no such key; allowed: those of {node}; try: aevb-{root} --cfg hydra --package {node}"
    if key.endswith("._target_") and value and f"+{key}={value}" not in arguments:
        return f"{key}={value}: nothing is built there; allowed: with +, a further object; try: {shlex.quote(f'+{key}={value}')}"
    if meant := setting_meant(key, root):
        return f"{key}={value}: no such key; the length of a run is max_samples, in training samples; try: {meant}"
    everywhere = _keys(root, arguments, key)
    if key in everywhere:
        return f"+{key}={value}: the key exists; try: {shlex.quote(f'{key}={value}')}"
    parent = f"{key.rpartition('.')[0]}." if "." in key else ""
    siblings = list(dict.fromkeys(k[len(parent) :].split(".")[0] for k in everywhere if k.startswith(parent)))
    siblings = [name for name in siblings if name != "_target_"]
    dotted = key.replace("__", ".")  # optimizer__lr, as scikit-learn has it
    # logger.mode is not hydra.mode
    own = [k for k in everywhere if key.startswith("hydra") or not k.startswith("hydra.")]
    meant = dotted if dotted in everywhere else suggestion(key, siblings, own)
    wrong = f"no such key; did you mean {meant}?" if meant else "no such key"
    remedy = shlex.quote(f"{meant}={value}") if meant else f"aevb-{root} --help"
    if meant and (known := options(meant)) and re.fullmatch(r"[\w.+-]+", value) and value not in known:
        remedy = unknown_option(meant, value, root).rpartition("; try: ")[2]  # optimiser=0.1
    elif meant and value and (refused := faults_of([f"{meant}={value}"], root, arguments)):
        word = SYNONYMS.get(value, value)
        chosen = None if LITERAL.fullmatch(word) else _choices_with(word, parent, siblings, root, arguments)
        if chosen:
            wrong, remedy = f"no such key; did you mean {chosen}?", shlex.quote(f"{chosen}={word}")
        else:
            remedy = refused[0].partition("; try: ")[2] or f"aevb-{root} --help"
    allowed = ", ".join(f"{parent}{name}" for name in siblings) or "none"
    return f"{key}={value}: {wrong}; allowed: {allowed}; try: {remedy}"


def check_groups(overrides: Sequence[str], root: str) -> None:
    """Refuse an option that is appended from a group of another command, whose keys would refer to keys that are missing.

    Args:
        overrides: The overrides of the command line.
        root: The command: "train", "evaluate" or "figure".

    Raises:
        UserError: For `+model=gaussian` of aevb-evaluate.
    """
    for text in overrides:
        key, _, value = text.lstrip("+").partition("=")
        if text.startswith("+") and options(key) and not _is_group_of(key, root):
            raise UserError(_group_of_another_command(key, value, root))


def _fixed_part(key: str, value: str) -> str:
    group, part = key.split("/")
    open_to_it = [
        option
        for option in options(group)
        if any(
            part in node for node in read_yaml(CONF / group / f"{option}.yaml").get("defaults", []) if node != "_self_"
        )
    ]
    own = f"an {part}" if part == "encoder" else f"a {part}"
    return (
        f"{key}={value}: the {group} that is chosen has {own} of its own; allowed: {', '.join(open_to_it)}; "
        f"try: {group}={open_to_it[0]} {key}={value}"
    )


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


def faults_of(overrides: list[str], root: str, arguments: list[str]) -> list[str]:
    """Return what is wrong with the values of some overrides, beside the groups that were chosen, a line each.

    Args:
        overrides: `key=value` each.
        root: The command.
        arguments: The overrides of the command line.
    """
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
            for fault in faults_of([f"{key}={word}" for key in keys], root, arguments)
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
