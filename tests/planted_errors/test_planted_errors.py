"""The tests are worth what they notice: each of a list of mistakes is made in a copy of the package, and its test must go red.

Green first: the same tests pass on an unchanged copy, so that red is the mistake's doing.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mistakes import MISTAKES, Mistake

from commands import REPOSITORY


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package's source and its configs, in a folder of their own."""
    shutil.copytree(REPOSITORY / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "conf").symlink_to(REPOSITORY / "conf")
    return tmp_path / "src"


def outcome(source: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """pytest on `tests`, with the package at `source`."""
    left_out = ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST")
    clean = {key: value for key, value in os.environ.items() if key not in left_out}
    environment = {**clean, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=300)


def plant(mistake: Mistake, source: Path) -> None:
    """Makes the mistake in the copy."""
    path = source / "aevb" / mistake.file
    text = path.read_text()
    times = text.count(mistake.right)
    assert times == 1, (
        f"src/aevb/{mistake.file} has {mistake.right!r} {times} times; allowed: once; "
        f"try: the line as it stands now, in tests/planted_errors/mistakes.py ({mistake.name})"
    )
    path.write_text(text.replace(mistake.right, mistake.wrong))


def test_the_tests_pass_where_nothing_is_planted(copy: Path) -> None:
    result = outcome(copy, *dict.fromkeys(mistake.test for mistake in MISTAKES))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "skipped" not in result.stdout  # what is skipped notices nothing


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_planted_error_is_noticed_by_its_test(mistake: Mistake, copy: Path) -> None:
    plant(mistake, copy)
    result = outcome(copy, mistake.test)
    assert result.returncode == 1, f"{mistake.test} did not go red:\n{result.stdout}{result.stderr}"
    # Red for the number, not because the planted line does not run.
    assert re.search(r"^E +(AssertionError|assert )", result.stdout, re.MULTILINE), result.stdout


def test_the_list_is_long_enough_and_says_each_thing_once() -> None:
    assert len(MISTAKES) >= 10
    assert len({mistake.name for mistake in MISTAKES}) == len({m[1:4] for m in MISTAKES}) == len(MISTAKES)
