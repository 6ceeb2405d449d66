"""Every public function of the package describes its parameters, or refers to the method that it overrides."""

import ast
from collections.abc import Iterator

from helpers.commands import REPOSITORY

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def public_functions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in body:
        if isinstance(node, FUNCTIONS) and not node.name.startswith("_"):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body)


def is_described(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    parameters = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    docstring = ast.get_docstring(function) or ""
    named = [parameter for parameter in parameters if parameter.arg not in ("self", "cls")]
    return not named or "Args:" in docstring or "see `" in docstring.lower()


def test_public_functions_describe_their_parameters() -> None:
    missing = [
        f"{path.relative_to(REPOSITORY)}:{function.lineno} {function.name}"
        for path in sorted((REPOSITORY / "src" / "aevb").rglob("*.py"))
        for function in public_functions(ast.parse(path.read_text()).body)
        if not is_described(function)
    ]
    assert missing == []
