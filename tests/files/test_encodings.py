"""Text files are read and written in UTF-8, whatever the locale: no call leaves the encoding to Python."""

import ast
from collections.abc import Iterator
from pathlib import Path

from helpers.commands import REPOSITORY

METHODS = {"read_text": 0, "write_text": 1, "open": 1}
"""Methods of a path, each with the number of arguments before its encoding."""


def _without_encoding(tree: ast.AST) -> Iterator[ast.Call]:
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {alias.asname or alias.name for node in imports for alias in node.names}  # os.open, Image.open
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        is_method = isinstance(node.func, ast.Attribute)
        if name not in METHODS or (not is_method and name != "open") or any(k.arg == "encoding" for k in node.keywords):
            continue
        owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if name == "open" and owner in (*imported, "archive", "_display"):
            continue
        modes = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if name == "open" and any("b" in mode for mode in modes):
            continue
        if name == "read_text" and is_method and len(node.args) >= 1:
            continue
        yield node


def test_every_text_file_names_its_encoding() -> None:
    files: list[Path] = sorted((REPOSITORY / "src").rglob("*.py"))
    assert files
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{call.lineno}: {ast.unparse(call)}"
        for path in files
        for call in _without_encoding(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_check_sees_a_call_without_encoding() -> None:
    assert len(list(_without_encoding(ast.parse("open(p)\np.open('a')\np.read_text()\np.write_text('x')")))) == 4
    assert not list(_without_encoding(ast.parse("open(p, 'rb')\np.open('xb')\np.read_text(encoding='utf-8')")))
