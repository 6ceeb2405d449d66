"""The tests are worth what they notice: each of a list of mistakes is made in a copy of the package, and its test must go red.

Green first: the same tests pass on an unchanged copy, so that red is the mistake's doing.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from helpers.commands import REPOSITORY
from helpers.mistakes import MISTAKES, Mistake, planted

pytestmark = pytest.mark.mutation


class Outcome(NamedTuple):
    """pytest's exit code, and what it said."""

    code: int
    output: str


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Outcome]]:
    """pytest on given tests, with the package at a given source."""
    left_out = ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST", "PYTHONPATH")
    clean = {key: value for key, value in os.environ.items() if key not in left_out}
    environment = {**clean, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    # -P: the folder of the script has a statistics.py, which would hide that of the standard library.
    command = [sys.executable, "-P", str(Path(__file__).parents[1] / "helpers" / "forker.py")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, **pipes) as process:

        def run(source: Path, *tests: str) -> Outcome:
            output = tmp_path_factory.mktemp("job") / "output"
            job = {"source": str(source), "tests": tests, "output": str(output)}
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            return Outcome(int(process.stdout.readline()), output.read_text())

        yield run
        process.stdin.close()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package's source and its configs, in a folder of their own."""
    shutil.copytree(REPOSITORY / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "conf").symlink_to(REPOSITORY / "conf")
    return tmp_path / "src"


def plant(mistake: Mistake, source: Path) -> None:
    """Makes the mistake in the copy."""
    (source / "aevb" / mistake.file).write_text(planted(mistake, source))


def test_the_tests_pass_where_nothing_is_planted(outcome: Callable[..., Outcome], copy: Path) -> None:
    code, output = outcome(copy, *dict.fromkeys(mistake.test for mistake in MISTAKES))
    assert code == 0, output
    assert "skipped" not in output  # what is skipped notices nothing


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_planted_error_is_noticed_by_its_test(mistake: Mistake, outcome: Callable[..., Outcome], copy: Path) -> None:
    plant(mistake, copy)
    code, output = outcome(copy, mistake.test)
    assert code == 1, f"{mistake.test} did not go red:\n{output}"
    # Red for the number, not because the planted line does not run.
    assert re.search(r"^E +(AssertionError|assert )", output, re.MULTILINE), output
