"""The repository that the site documents: its folders, and what is committed in it."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

__all__ = ["DOCS", "REPOSITORY", "commands", "committed", "title", "version"]

DOCS = Path(__file__).resolve().parents[1]
REPOSITORY = DOCS.parent


def version() -> str:
    """Return the version of aevb, read from its source."""
    text = (REPOSITORY / "src" / "aevb" / "__init__.py").read_text(encoding="utf-8")
    return re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)[0]


def commands() -> dict[str, str]:
    """Return the console commands: name -> "module:function"."""
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]


@cache
def committed() -> frozenset[str]:
    """Return the files that git tracks or would track, relative to the repository."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    lines = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.splitlines()
    return frozenset(line for line in lines if (REPOSITORY / line).is_file())


def title(text: str) -> str | None:
    """Return the first heading of a Markdown page, or None."""
    return next(iter(re.findall(r"^# +(.+?) *$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)), None)
