"""The code keeps to the field's terms: names of the private vocabulary that was left behind do not come back."""

import io
import re
import tokenize

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
PRIVATE_PHRASES = re.compile(
    r"\b(goes on from there|by whomever|a place that is none|strangers|stepsizes?|the graph goes|last words)\b",
    re.IGNORECASE,
)


def names(text: str) -> set[str]:
    return {
        token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.NAME
    }


def test_source_has_no_private_names() -> None:
    used = {
        str(path.relative_to(REPOSITORY)): sorted(PRIVATE_NAMES & names(path.read_text()))
        for path in sorted((REPOSITORY / "src").rglob("*.py"))
    }
    assert {path: words for path, words in used.items() if words} == {}


def test_texts_have_no_private_phrases() -> None:
    texts = [*(REPOSITORY / "src").rglob("*.py"), *(REPOSITORY / "conf").rglob("*.yaml"), REPOSITORY / "README.md"]
    # The glossary names the paper's own word once.
    texts += [path for path in (REPOSITORY / "docs").rglob("*.md") if path.name != "glossary.md"]
    used = {
        str(path.relative_to(REPOSITORY)): sorted({match[0] for match in PRIVATE_PHRASES.finditer(path.read_text())})
        for path in sorted(texts)
    }
    assert {path: words for path, words in used.items() if words and "migration.py" not in path} == {}
