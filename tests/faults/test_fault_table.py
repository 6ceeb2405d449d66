"""docs/faults.md names a test for every fault: each is there, and none is skipped whatever happens."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from helpers.commands import REPOSITORY

TABLE = REPOSITORY / "docs" / "faults.md"
ROW = re.compile(
    r"^\| (?P<fault>[^|]+) \| (?P<happens>[^|]+) \| `(?P<test>tests/[\w/]+\.py::test_\w+)(\[[^`]+\])?` \|$"
)


def rows() -> list[re.Match[str]]:
    table = TABLE.read_text().partition("\n## ")[0]  # the sections after it have tables of their own
    lines = [line for line in table.splitlines() if line.startswith("|")]
    matches = [ROW.match(line) for line in lines[2:]]
    assert all(matches), lines[2:][matches.index(None)]
    return [row for row in matches if row is not None]


@cache
def decorators_in(path: Path) -> dict[str, list[str]]:
    """Names of a file's tests, with the text of their decorators and of the file's pytestmark."""
    tree = ast.parse(path.read_text())
    decorators = [
        ast.unparse(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    ]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {node.name: [*decorators, *map(ast.unparse, node.decorator_list)] for node in functions}


def test_the_table_has_thirty_faults_and_each_once() -> None:
    faults = [row["fault"] for row in rows()]
    assert len(faults) == len(set(faults)) >= 30


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["fault"])
def test_the_test_of_a_fault_is_there_and_runs(row: re.Match[str]) -> None:
    file, _, name = row["test"].partition("::")
    decorators = decorators_in(REPOSITORY / file)
    assert name in decorators
    always = [decorator for decorator in decorators[name] if re.search(r"\b(skip|xfail)\b", decorator)]
    assert not always, f"{row['test']}: {always}"
    body = ast.unparse(next(n for n in ast.walk(ast.parse((REPOSITORY / file).read_text())) if _named(n, name)))
    assert not re.search(r"^    pytest\.(skip|xfail)\(", body, re.MULTILINE), row["test"]


def _named(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == name
