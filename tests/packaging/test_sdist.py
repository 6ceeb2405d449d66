"""The source distribution has every file of the documentation, the tests and what these read."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from helpers.commands import REPOSITORY

FOLDERS = ("benchmarks", "conf", "docs", "results", "scripts", "src", "tests")
FILES = ("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "README.md", "pyproject.toml")


@pytest.mark.skipif(not (REPOSITORY / ".git").exists(), reason="asks git for the tracked files")
def test_every_tracked_file_of_these_folders_is_inside(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(tmp_path), str(REPOSITORY)]
    subprocess.run(build, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        inside = {name.partition("/")[2] for name in tar.getnames()}
    listed = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "-z", *FOLDERS], check=True, capture_output=True, text=True
    ).stdout
    tracked = set(listed.rstrip("\0").split("\0"))
    assert len(tracked) > 1000
    assert sorted(tracked - inside) == []
    assert set(FILES) <= inside
