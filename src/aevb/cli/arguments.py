"""Command lines that Hydra does not read: argparse, with one line for an error and a reliable exit code."""

import argparse
import os
import re
import sys
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from aevb.console.printable import printable
from aevb.console.streams import standard_streams
from aevb.errors import UserError, resource_error

__all__ = ["Arguments", "add_config_dir", "is_override", "overrides_of", "run_command", "run_path", "user_path"]

RUN_KEYS = ("run", "runs")
"""The keys of aevb-evaluate and aevb-figure that name runs."""


def user_path(text: str) -> Path:
    """Return the path of an argument, with `~` expanded, which a shell leaves alone in `--output=~/x`.

    Args:
        text: The argument.

    Raises:
        UserError: If it is empty, as of a variable of the shell that is not set. pathlib would take it for the working directory.
    """
    if not text:
        raise UserError("an argument is empty; allowed: a file or a folder; try: . for the working directory")
    return Path(text).expanduser()


def run_path(text: str) -> Path:
    """Return the path of a run, or of a folder of runs, which may be typed as aevb-evaluate has it: `run=DIR`.

    Args:
        text: The argument.
    """
    key, equals, value = text.partition("=")
    named = equals and value and key in RUN_KEYS and not os.path.lexists(user_path(text))
    return user_path(value if named else text)


def is_override(text: str) -> bool:
    """Return whether an argument is an override of a config, and neither a folder nor `run=DIR`.

    Args:
        text: The argument of a command that takes folders or overrides.
    """
    return "=" in text and text.partition("=")[0] not in RUN_KEYS and not os.path.isdir(user_path(text))


def add_config_dir(parser: argparse.ArgumentParser) -> None:
    """Add the flag `--config-dir` of aevb-train to a command that takes folders or the overrides of a sweep.

    Args:
        parser: The command's.
    """
    parser.add_argument(
        "--config-dir", "-cd", metavar="FOLDER", help="configs of your own that the sweep uses, as for aevb-train"
    )


def overrides_of(arguments: list[str], config_dir: str | None = None) -> list[str]:
    """Return the arguments of a command that takes folders or overrides if they are overrides, else an empty list.

    Args:
        arguments: What was typed.
        config_dir: What was given as `--config-dir`.

    Raises:
        UserError: If they are both, or there is a directory of configs for no overrides.
    """
    overrides = [argument for argument in arguments if is_override(argument)]
    if overrides and len(overrides) < len(arguments):
        raise UserError("both a folder and overrides; allowed: one of them; try: output_dir=DIR for runs elsewhere")
    if config_dir is not None and not overrides:
        raise UserError(
            f"--config-dir={config_dir}: without overrides; allowed: with the overrides of a sweep; try: experiment=NAME"
        )
    return overrides


class Arguments(argparse.ArgumentParser):
    """An ArgumentParser that raises UserError instead of printing a usage and exiting.

    Args:
        prog: Name of the command.
        options: As for argparse.ArgumentParser.
    """

    def __init__(self, prog: str | None = None, **options: Any) -> None:  # subcommands come by `prog=`
        super().__init__(prog, **options)
        self.add_argument("--version", action="store_true", help="print the version of aevb and exit")  # cli.entry does

    def error(self, message: str) -> NoReturn:
        """Raise UserError with one line.

        Args:
            message: The message of argparse.

        Raises:
            UserError: Always.
        """
        unknown = re.match(r"unrecognized arguments: (--[\w-]+)", message)
        close = get_close_matches(unknown[1], self._flags(), n=1) if unknown else []
        meant = f"; did you mean {close[0]}?" if close else ""
        raise UserError(f"{message}{meant}; try: {self.prog} --help")

    def _flags(self) -> list[str]:
        # Its own flags and those of its subcommands.
        below = [action.choices or {} for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        parsers = [self, *(parser for choices in below for parser in choices.values())]
        return [flag for parser in parsers for flag in parser._option_string_actions]


def run_command(program: str, main: Callable[[], int]) -> NoReturn:
    """Run a command and exit.

    Args:
        program: Name of the command, which begins each line of an error.
        main: The command; returns its exit code.

    Raises:
        SystemExit: With what `main` returns; 2 after a UserError, 130 after an interruption, 141 after a broken pipe.
    """
    with standard_streams(program):
        try:
            code = main()
        except UserError as error:
            for line in str(error).splitlines():
                print(f"{program}: {printable(line)}", file=sys.stderr)
            code = 2
        except OSError as error:
            if error.filename is None:  # of a stream, not of a file that somebody named
                raise
            print(f"{program}: {printable(error.filename)}: {error.strerror}; try: another path", file=sys.stderr)
            code = 2
        except (MemoryError, RuntimeError, ImportError, UnicodeEncodeError) as error:
            if (too_little := resource_error(error)) is None:
                raise
            print(f"{program}: {printable(too_little)}", file=sys.stderr)
            code = 2
        except KeyboardInterrupt:
            print(f"{program}: interrupted", file=sys.stderr)
            code = 130
        sys.exit(code)
    raise AssertionError("a command ends with SystemExit")
