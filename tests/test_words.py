"""The code keeps to the field's terms: names of the private vocabulary that was left behind do not come back."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from helpers.commands import REPOSITORY

PRIVATE_NAMES = frozenset(
    {
        "Told",
        "ties",
        "call_itself",
        "gathered",
        "gathering",
        "Gathered",
        "refusals",
        "grids",
        "work_all",
        "Seat",
        "Stack",
        "moves",
        "gauges",
        "Marks",
        "is_mark",
        "next_mark",
        "first_mark",
        "mark_every",
        "mark_splits",
        "final_first",
        "Scene",
        "Recorder",
        "Foresight",
        "outlook",
        "NOT_NUMBERS",
        "NOTHING_AT",
        "last_words",
        "told_to_stop",
        "strangers",
        "headline",
        "findings",
        "stepsize",
        "stepsizes",
        "Recipe",
        "Autosave",
        "Preempt",
    }
)
# Names of variables, parameters, attributes, functions and classes that say nothing about what they hold.
PRIVATE_VARIABLES = frozenset(
    {
        "circumstances",
        "found",
        "given",
        "mark",
        "marks",
        "mine",
        "ours",
        "place",
        "places",
        "recipe",
        "recipes",
        "said",
        "scene",
        "tell",
        "theirs",
        "told",
    }
)
# Plain uses: a number of ours beside the paper's.
ALLOWED_VARIABLES = {"docs/sitegen/results.py": {"ours"}}
# Words in the names of tests.
PRIVATE_TEST_WORDS = frozenset(
    {"found", "mark", "marks", "recipe", "said", "stepsize", "stepsizes", "stranger", "strangers", "told"}
)
# "optimiser" is no private word, but the key, the classes and torch say "optimizer".
PRIVATE_PHRASES = re.compile(
    r"\b(goes on from there|by whomever|a place that is none|strangers|stepsizes?|the graph goes|last words|optimisers?)\b",
    re.IGNORECASE,
)
# What a user may write: the old names of keys, and a key in the other spelling.
QUOTES_USERS = {"migration.py", "unknown_keys.py"}

PRIVATE_SOURCE_PHRASES = re.compile(
    r"\b((goes|go|gone) on (from|with|where)|(last|next|no|one|every|between) marks?|is told to|by whom)\b"
)


def names(text: str) -> set[str]:
    return {
        token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.NAME
    }


def bound_names(text: str) -> Iterator[str]:
    """Yield every name that a source text binds: variables, parameters, attributes, functions and classes."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.alias(asname=str(name)):
                yield name


def sources() -> list[Path]:
    folders = ("src", "tests", "scripts", "benchmarks", "docs/sitegen")
    return sorted(path for folder in folders for path in (REPOSITORY / folder).rglob("*.py"))


def test_source_has_no_private_names() -> None:
    used = {
        str(path.relative_to(REPOSITORY)): sorted(PRIVATE_NAMES & names(path.read_text()))
        for path in sorted((REPOSITORY / "src").rglob("*.py"))
    }
    assert {path: words for path, words in used.items() if words} == {}


def test_names_say_what_they_hold() -> None:
    used = {
        str(path.relative_to(REPOSITORY)): sorted(
            name for name in set(bound_names(path.read_text())) if name.lstrip("_").lower() in PRIVATE_VARIABLES
        )
        for path in sources()
    }
    for path, words in ALLOWED_VARIABLES.items():
        used[path] = [name for name in used[path] if name not in words]
    assert {path: words for path, words in used.items() if words} == {}


def test_names_of_tests_have_no_private_words() -> None:
    used = [
        name
        for path in sorted((REPOSITORY / "tests").rglob("test_*.py"))
        for name in bound_names(path.read_text())
        if name.startswith("test_") and PRIVATE_TEST_WORDS & set(name.split("_"))
    ]
    assert used == []


def test_source_has_no_private_phrases() -> None:
    used = {
        str(path.relative_to(REPOSITORY)): sorted({match[0] for match in PRIVATE_SOURCE_PHRASES.finditer(text)})
        for path in sources()
        if "tests" not in path.parts and (text := path.read_text())
    }
    assert {path: phrases for path, phrases in used.items() if phrases} == {}


def test_the_config_names_the_latent_dimension() -> None:
    """N_z is the paper's name of latent_dim; only figures and the glossary quote it."""
    texts = sorted((REPOSITORY / "conf").rglob("*.yaml"))
    assert [path.name for path in texts if "N_z" in path.read_text()] == []


def test_texts_have_no_private_phrases() -> None:
    texts = [*(REPOSITORY / "src").rglob("*.py"), *(REPOSITORY / "conf").rglob("*.yaml"), REPOSITORY / "README.md"]
    # The glossary names the paper's own word once.
    texts += [path for path in (REPOSITORY / "docs").rglob("*.md") if path.name != "glossary.md"]
    used = {
        str(path.relative_to(REPOSITORY)): sorted({match[0] for match in PRIVATE_PHRASES.finditer(path.read_text())})
        for path in sorted(texts)
    }
    assert {path: words for path, words in used.items() if words and Path(path).name not in QUOTES_USERS} == {}
