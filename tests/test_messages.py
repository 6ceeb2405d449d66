"""The messages of aevb.errors.UserError, in all of the source: who is refused is told what to try."""

import ast

from helpers.commands import REPOSITORY

REMEDIES = {"remedy", "REMEDY", "TRY", "SUPPORTED", "allowed"}
"""Names of texts that say what to try."""


def test_a_refusal_that_says_what_is_allowed_says_what_to_try() -> None:
    lacking = []
    for path in sorted((REPOSITORY / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "UserError":
                parts = list(ast.walk(node))
                text = "".join(
                    part.value for part in parts if isinstance(part, ast.Constant) and type(part.value) is str
                )
                names = {part.id for part in parts if isinstance(part, ast.Name)}
                if "allowed: " in text and "try: " not in text and not names & REMEDIES:
                    lacking.append(f"{path.relative_to(REPOSITORY)}:{node.lineno}: {text}")
    assert lacking == []
