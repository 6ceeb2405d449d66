"""What a message suggests is accepted as it is typed: by a shell, and by Hydra's grammar."""

import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString

from aevb.console.typed import as_typed, typed_path

NAMES = [
    "plain/run",
    "my runs/a run",
    "my runs, old",
    "a[1]/b{2}",
    "it's",
    'say "x"',
    "2024",
    "null",
    "back\\",
    "$HOME",
    "a=b",
    "~x",
]


def read(word):
    value = OverridesParser.create().parse_override(word).value()
    texts = [
        item.text if isinstance(item, QuotedString) else item
        for item in (value if isinstance(value, list) else [value])
    ]
    return texts if isinstance(value, list) else texts[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_read_back_as_it_is(name):
    (word,) = shlex.split(as_typed("run", name))
    assert read(word) == name


def test_so_are_the_paths_of_a_list():
    (word,) = shlex.split(as_typed("run", *NAMES))
    assert read(word) == NAMES


def test_what_needs_no_quotes_has_none():
    assert as_typed("run", "outputs/runs/a") == "run=outputs/runs/a"
    assert as_typed("run", "my runs") == """'run="my runs"'"""


@pytest.mark.parametrize("path", ["a b", "-rf", "a, b", "plain"])
def test_a_path_alone_is_one_word_and_no_flag(path):
    (word,) = shlex.split(typed_path(path))
    assert word.removeprefix("./") == path
    assert not word.startswith("-")
