"""The list of planted errors is that of the source as it stands: checked in the fast tier, for the errors are planted rarely."""

import pytest

from helpers.commands import REPOSITORY
from helpers.mistakes import MISTAKES, planted


def test_every_line_to_change_is_in_its_file_once() -> None:
    for mistake in MISTAKES:
        assert planted(mistake, REPOSITORY / "src") != (REPOSITORY / "src" / "aevb" / mistake.file).read_text()


def test_every_test_that_shall_notice_is_in_its_file() -> None:
    for mistake in MISTAKES:
        path, _, name = mistake.test.partition("::")
        assert f"def {name.partition('[')[0]}(" in (REPOSITORY / path).read_text(), mistake.test


def test_a_changed_line_is_reported() -> None:
    gone = MISTAKES[0]._replace(right="a line that is not there")
    with pytest.raises(AssertionError, match=r"normal\.py has 'a line that is not there' 0 times; .*mistakes\.py"):
        planted(gone, REPOSITORY / "src")


def test_the_list_is_long_enough_and_says_each_thing_once() -> None:
    assert len(MISTAKES) >= 10
    assert len({mistake.name for mistake in MISTAKES}) == len({m[1:4] for m in MISTAKES}) == len(MISTAKES)
