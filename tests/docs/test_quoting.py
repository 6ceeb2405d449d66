"""The commands of the pages quote what a shell would read itself: zsh ends with "no matches found" at a bare bracket."""

import re
from pathlib import Path

import pytest

from helpers.commands import REPOSITORY

PAGES = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
COMMAND = re.compile(r"\baevb-[a-z]+ [^`|]*")
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\$\{[^}]*\}")


def bare(line: str) -> list[str]:
    """The words `key=value` of the commands in a line that have a bracket, a star or a parenthesis outside quotes."""
    commands = (QUOTED.sub("", command).partition(" #")[0] for command in COMMAND.findall(line))
    return [word for command in commands for word in re.findall(r"\S*=\S*[\[(*]\S*", command)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("aevb-train hidden_dim=[5,5] latent_dim=2", ["hidden_dim=[5,5]"]),
        ("| x | `aevb-train 'hidden_dim=[5,5]'` | f(a=[1]) |", []),
        ("aevb-evaluate run=outputs/runs/*    # a=[b]", ["run=outputs/runs/*"]),
        ("srun aevb-train latent_dim=${J[$ID]}", []),
        ("aevb-explore outputs/runs/mnist-*-s0", []),  # the shell is to list these
    ],
)
def test_missing_quotes_show(line: str, words: list[str]) -> None:
    assert bare(line) == words


def test_every_page_quotes_brackets_and_stars() -> None:
    lines = (
        (path, line) for path in PAGES if ".venv" not in path.parts for line in path.read_text("utf-8").splitlines()
    )
    assert [(Path(path).name, bare(line)) for path, line in lines if bare(line)] == []
