"""The table of docs/faults.md is that of the `fault` markers, and every marked test runs."""

import ast
import re
from functools import cache

from fault_table import PAGE, all_faults, page

from helpers.commands import REPOSITORY

ALWAYS_SKIPPED = re.compile(r"\b(skip|xfail)\b")
"""In a decorator; a `skipif` with a reason is allowed."""


@cache
def functions(file: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse((REPOSITORY / file).read_text())
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_page_is_the_table_of_the_markers() -> None:
    text = PAGE.read_text()
    assert page(text) == text, "try: python scripts/fault_table.py"


def test_another_table_is_replaced_and_the_rest_is_kept() -> None:
    text = PAGE.read_text()
    rows = [line for line in text.splitlines(keepends=True) if line.startswith("| ") and "::test_" in line]
    damaged = text.replace(rows[0], "").replace(rows[-1], "| a fault | nothing | `tests/test_x.py::test_y` |\n")
    assert damaged != text
    assert page(damaged) == text


def test_there_are_many_faults_and_each_once() -> None:
    faults = [fault.fault for fault in all_faults()]
    assert len(faults) == len(set(faults)) >= 90


def test_no_marked_test_is_skipped_whatever_happens() -> None:
    skipped = []
    for marked in all_faults():
        file, _, name = marked.test.partition("[")[0].partition("::")
        function = functions(file)[name]
        body = ast.unparse(function.body)  # type: ignore[arg-type]
        decorators = [*map(ast.unparse, function.decorator_list), module_mark(file)]
        own = [text for text in decorators if not text.startswith("pytest.mark.fault")]
        if any(map(ALWAYS_SKIPPED.search, own)) or re.search(r"^pytest\.(skip|xfail)\(", body, re.MULTILINE):
            skipped.append(marked.test)
    assert skipped == []


def module_mark(file: str) -> str:
    """The `pytestmark` of a file, or ""."""
    tree = ast.parse((REPOSITORY / file).read_text())
    assignments = [node for node in tree.body if isinstance(node, ast.Assign)]
    return " ".join(ast.unparse(node) for node in assignments if ast.unparse(node.targets[0]) == "pytestmark")


def test_a_marked_case_is_one_of_its_test() -> None:
    unknown = []
    for marked in all_faults():
        name, _, case = marked.test.partition("[")
        if not case:
            continue
        file, _, name = name.partition("::")
        words = {
            word
            for decorator in functions(file)[name].decorator_list
            if not ast.unparse(decorator).startswith("pytest.mark.fault")
            for word in re.findall(r"\w+", ast.unparse(decorator))
        }
        if case.rstrip("]") not in words:
            unknown.append(marked.test)
    assert unknown == []
