"""The lists of the packages are the layers that lint-imports checks."""

import re
import tomllib

from helpers.commands import REPOSITORY


def layers() -> list[set[str]]:
    """The packages of each layer, from the top."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [one for one in project["tool"]["importlinter"]["contracts"] if one["type"] == "layers"]
    return [set(re.findall(r"\w+", layer)) for layer in contract["layers"]]


def test_contributing_lists_the_layers():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = re.search(r"^    cli .*?\n\n", text, re.DOTALL | re.MULTILINE)
    assert block is not None
    words = [re.split(r" {3,}", line.strip())[0].split() for line in block[0].strip().splitlines()]
    assert [set(line) for line in words] == layers()


def test_architecture_lists_the_layers():
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d+ \| ([^|]+) \|", text, re.MULTILINE)
    assert [set(re.findall(r"`(\w+)`", row)) for row in rows] == layers()
