"""Every call of `aevb.train` in the pages is one that the function accepts: a valid config of a single run."""

import ast
import re
from pathlib import Path

import pytest

from aevb.cli import train_function
from helpers.commands import REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


def calls(text: str) -> list[tuple[tuple[str, ...], dict[str, object]]]:
    """The arguments of the calls in inline code and in blocks of Python whose arguments are literals."""
    read = []
    for code in re.findall(r"`(aevb\.train\([^`]+\))`", text) + re.findall(
        r"^```(?:python|\{code-cell\} ipython3)\n(.*?)^```", text, re.DOTALL | re.MULTILINE
    ):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "aevb.train":
                try:
                    words = tuple(ast.literal_eval(argument) for argument in node.args)
                    settings: dict[str, object] = {}
                    for keyword in node.keywords:
                        value = ast.literal_eval(keyword.value)
                        settings |= value if keyword.arg is None else {keyword.arg: value}
                except ValueError:
                    continue  # names of variables: a tutorial, which is executed
                read.append((words, settings))
    return read


def test_every_call_of_the_pages_is_a_single_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train_function, "_train", lambda plan, trusted: None)
    every = [call for page in PAGES for call in calls(page.read_text(encoding="utf-8"))]
    assert len(every) >= 4
    for words, settings in every:
        train_function.train_run(words, settings)


def test_calls_are_read_from_blocks_and_inline_code() -> None:
    text = '`aevb.train("seed=1", latent_dim=2)`\n\n```python\nrun = aevb.train(**{"optimizer.lr": 0.1})\naevb.train(x)\n```\n'
    assert calls(text) == [(("seed=1",), {"latent_dim": 2}), ((), {"optimizer.lr": 0.1})]
