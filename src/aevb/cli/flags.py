"""Command-line flags of aevb that Hydra does not know: --check, --prepare, --trust."""

import importlib.util
import os
import re
import sys
from typing import NoReturn

from hydra._internal.hydra import Hydra
from hydra._internal.utils import get_args_parser

from aevb.errors import UserError

__all__ = ["split_flags", "take_trusted"]


def split_flags(root: str) -> str:
    # Hydra wants -m before or after all overrides; people write it where it comes to mind. Returns --check or --prepare if it is
    # there, which are ours, and "" otherwise.
    ours = ("--check", "--prepare") if root == "train" else ("--check",)
    flags = [argument for argument in sys.argv[1:] if argument in ("-m", "--multirun")]
    asked_for = [flag for flag in ours if flag in sys.argv[1:]]
    sys.argv[1:] = flags[:1] + [argument for argument in sys.argv[1:] if argument not in (*flags, *ours)]
    parser = get_args_parser()
    parser.error = _misused  # type: ignore[method-assign,assignment]
    given = parser.parse_args(sys.argv[1:])
    modes = {"--run": given.run, "-m": given.multirun, "--cfg": given.cfg, "-sc": given.shell_completion}
    modes |= {"--info": given.info, "--help": given.help, "--hydra-help": given.hydra_help}
    if given.help:
        # Hydra lists all groups there are, twice, for a template of ours that does not ask for them: half the time.
        Hydra.format_config_groups = lambda *_: ""  # type: ignore[method-assign,assignment]
    asked = [flag for flag, value in modes.items() if value and not (asked_for and flag in ("--run", "-m"))] + asked_for
    if len(asked) > 1:
        _misused(f"{' '.join(asked)}: not together; allowed: one of them")
    if (given.resolve or given.package) and not (given.cfg or given.help):
        _misused(f"{'--resolve' if given.resolve else '--package'}: only with --cfg")
    return asked_for[0] if asked_for else ""


def _misused(message: str) -> NoReturn:
    unknown = message.removeprefix("unrecognized arguments: ")
    wrong = f"{unknown}: no such flag" if unknown != message else message
    raise UserError(f"{wrong}; try: --help, or --hydra-help for Hydra's flags")


def take_trusted() -> tuple[str, ...]:
    # Taken off before Hydra sees the arguments: trust is given by the person at the keyboard, and never by a config.
    # Off the line being completed, too, with the flag that may stand anywhere (see _flags).
    os.environ["COMP_LINE"] = re.sub(
        r"\s(--trust[= ]\S+|-m|--multirun|--check|--prepare)(?=\s)", "", os.environ.get("COMP_LINE", "")
    )
    trusted, rest, arguments = [], [], iter(sys.argv[1:])
    for argument in arguments:
        flag, equals, module = argument.partition("=")
        if flag != "--trust":
            rest.append(argument)
            continue
        module = module if equals else next(arguments, "")
        if not all(part.isidentifier() for part in module.split(".")):
            raise UserError(f"--trust {module}: not the name of a module; allowed: a dotted name; try: --trust mypkg")
        trusted.append(module)
    sys.argv[1:] = rest
    if trusted and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # a module beside one's data, as `python -m` would find it
    for module in trusted:
        if importlib.util.find_spec(module.split(".")[0]) is None:
            raise UserError(
                f"--trust {module}: no such module; allowed: one in this folder or installed; try: --trust mypkg"
            )
    return tuple(trusted)
