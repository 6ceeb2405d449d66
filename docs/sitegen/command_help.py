"""The reference of the command line: what each command prints for --help."""

import os
import subprocess
import sys
from collections.abc import Iterator

from sitegen.markdown import fenced
from sitegen.repository import commands

__all__ = ["help_of", "pages"]


def pages() -> Iterator[tuple[str, str]]:
    """Yield name and Markdown of the page of all commands."""
    parts = [
        "# Commands and their help",
        "What each command prints for `--help`. [Command line and run directory](../commands.md) explains them.",
    ]
    for name, target in commands().items():
        parts += [f"## `{name}`", fenced(help_of(name, target))]
    yield "reference/command-line.md", "\n\n".join(parts)


def help_of(name: str, target: str) -> str:
    """Return what a command prints for --help.

    Args:
        name: Its name.
        target: "module:function" of its entry point.
    """
    module, _, function = target.partition(":")
    source = f"import sys; sys.argv = [{name!r}, '--help']; from {module} import {function}; {function}()"
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"{name} --help: exit code {done.returncode}\n{done.stderr}")
    return "\n".join(line.rstrip() for line in done.stdout.splitlines())
