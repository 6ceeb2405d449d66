"""Command lines that Hydra does not read: argparse, with one line for a fault and an exit code that can be trusted."""

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from aevb.errors import UserError

__all__ = ["Arguments", "run_command"]


class Arguments(argparse.ArgumentParser):
    """Raises UserError instead of printing a usage and leaving."""

    def error(self, message: str) -> NoReturn:
        """One line."""
        raise UserError(f"{message}; try: {self.prog} --help")


def run_command(program: str, main: Callable[[], int]) -> NoReturn:
    """Runs `main` and leaves with what it returns; with 2 after one line where it refuses."""
    try:
        code = main()
    except UserError as error:
        for line in str(error).splitlines():
            print(f"{program}: {line}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        code = 130
    sys.exit(code)
