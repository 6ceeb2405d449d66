"""Command-line flags that Hydra does not know (--check, --estimate, --prepare, --trust), and where Hydra's own may stand."""

import importlib.util
import os
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

from hydra._internal.hydra import Hydra
from hydra._internal.utils import get_args_parser

from aevb.cli.overrides import literal_path
from aevb.errors import UserError

__all__ = ["Flags", "check_trusted", "take_flags", "take_trusted"]


@dataclass(frozen=True)
class Flags:
    """What a command line asks for.

    Attributes:
        check: Only check the config (`--check`).
        prepare: Only make the run directory (`--prepare`).
        estimate: Only say how long it would take (`--estimate`).
        runs: Whether jobs are to be run or checked, and not a config or a help text shown.
        single: Whether a single run is asked for explicitly (`--run`).
        multirun: Whether a sweep is asked for (`-m`).
        config_name: Another primary config (`--config-name`), or None.
        config_dir: Another directory of configs (`--config-dir`), or None.
        overrides: `key=value` each.
    """

    check: bool
    prepare: bool
    estimate: bool
    runs: bool
    single: bool
    multirun: bool
    config_name: str | None
    config_dir: str | None
    overrides: list[str]


def take_flags(root: str) -> Flags:
    """Read the command line and take the flags of aevb from `sys.argv`.

    `-m` is put first, as Hydra expects. Flags may come between overrides.

    Args:
        root: Name of the primary config; only `train` has `--prepare` and `--estimate`.

    Returns:
        The flags.

    Raises:
        UserError: For an unknown flag, or flags that exclude each other.
    """
    own = ("--check", "--prepare", "--estimate") if root == "train" else ("--check",)
    multirun = [argument for argument in sys.argv[1:] if argument in ("-m", "--multirun")]
    own_flags = [flag for flag in own if flag in sys.argv[1:]]
    rest = [literal_path(argument) for argument in sys.argv[1:] if argument not in (*multirun, *own)]
    rest = _overrides_first(rest)
    sys.argv[1:] = multirun[:1] + rest
    if rerun := [argument for argument in rest if argument.startswith("--experimental")]:
        _refuse(f"unrecognized arguments: {rerun[0]}")  # it would read a pickle
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    arguments = parser.parse_args(sys.argv[1:])
    shown = {"--cfg": arguments.cfg, "-sc": arguments.shell_completion, "--info": arguments.info}
    shown |= {"--help": arguments.help, "--hydra-help": arguments.hydra_help}
    if arguments.help:
        # Hydra lists all groups there are, twice, for a template of ours that does not ask for them: half the time.
        Hydra.format_config_groups = lambda *_: ""  # type: ignore[method-assign]
    modes = {"--run": arguments.run, "-m": arguments.multirun} if not own_flags else {}
    exclusive = [flag for flag, value in {**modes, **shown}.items() if value] + own_flags
    if len(exclusive) > 1:
        _refuse(f"{' '.join(exclusive)}: not together; allowed: one of them")
    if (arguments.resolve or arguments.package) and not (arguments.cfg or arguments.help):
        _refuse(f"{'--resolve' if arguments.resolve else '--package'}: only with --cfg")
    return Flags(
        check="--check" in own_flags,
        prepare="--prepare" in own_flags,
        estimate="--estimate" in own_flags,
        runs=not any(shown.values()),
        single=bool(arguments.run),
        multirun=bool(arguments.multirun),
        config_name=arguments.config_name,
        config_dir=arguments.config_dir,
        overrides=list(arguments.overrides),
    )


def _overrides_first(words: list[str]) -> list[str]:
    # argparse calls overrides unknown that stand on both sides of a flag.
    takes_value = [flag for item in get_args_parser()._actions if item.nargs != 0 for flag in item.option_strings]
    flags, overrides, rest = [], [], iter(words)
    for word in rest:
        if not word.startswith("-"):
            overrides.append(word)
            continue
        flags.append(word)
        if any(flag == word or (word.startswith("--") and flag.startswith(word)) for flag in takes_value):
            flags += [value for value in [next(rest, None)] if value is not None]
    return overrides + flags


def _refuse(message: str) -> NoReturn:
    unknown = message.removeprefix("unrecognized arguments: ")
    wrong = f"{unknown}: no such flag" if unknown != message else message
    flag, _, value = unknown.split()[0].partition("=")
    known = [name for action in get_args_parser()._actions for name in action.option_strings]
    known = [name for name in known if not name.startswith("--experimental")]
    near = get_close_matches(flag, [*known, "--check", "--prepare", "--trust"], n=1, cutoff=0.75)
    remedy = "--help, or --hydra-help for Hydra's flags"
    if unknown != message and near:
        remedy = near[0]
    elif unknown != message and value:  # --latent_dim=3
        typed = literal_path(f"{flag.lstrip('-')}={value}")
        remedy = f"{shlex.quote(typed)}, or {remedy}"
    raise UserError(f"{wrong}; try: {remedy}")


def take_trusted() -> tuple[str, ...]:
    """Take `--trust MODULE` from `sys.argv`, before Hydra sees it: trust is given by a person, never by a config.

    Returns:
        The modules, which can be imported; the working directory is searched too, as `python -m` would.

    Raises:
        UserError: For what is not the name of an existing module.
    """
    # The line that a shell completes must not have the flags either that may stand anywhere (take_flags).
    os.environ["COMP_LINE"] = re.sub(
        r"\s(--trust[= ]\S+|-m|--multirun|--check|--prepare|--estimate)(?=\s)", "", os.environ.get("COMP_LINE", "")
    )
    trusted, rest, arguments = [], [], iter(sys.argv[1:])
    for argument in arguments:
        flag, equals, module = argument.partition("=")
        if flag != "--trust":
            rest.append(argument)
            continue
        trusted.append(module if equals else next(arguments, ""))
    sys.argv[1:] = rest
    check_trusted(trusted)
    return tuple(trusted)


def check_trusted(modules: Sequence[str], written: str = "--trust {}") -> None:
    """Check that users' modules exist; the working directory is searched from now on, as `python -m` would.

    Args:
        modules: Their dotted names.
        written: How the user writes that a module is trusted, with braces for its name.

    Raises:
        UserError: For what is not the name of an existing module.
    """
    for module in modules:
        if not all(part.isidentifier() for part in module.split(".")):
            raise UserError(
                f"{written.format(module)}: not the name of a module; allowed: a dotted name; "
                f"try: {written.format('mypkg')}"
            )
    if modules and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    for module in modules:
        if not _exists(module.split(".")[0]):
            raise UserError(
                f"{written.format(module)}: no such module; allowed: one in this folder or installed; "
                f"try: {written.format('mypkg')}"
            )


def _exists(module: str) -> bool:
    # A config names an object by module and name, and the module is read as a file: __main__ is another one in each process.
    try:
        return module != "__main__" and importlib.util.find_spec(module) is not None
    except ValueError:  # a module in memory only
        return False
