"""What manifest.json says of the code: the packages, and the hash of what is not committed."""

import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

import aevb
from aevb.files.atomic import write_json
from aevb.runs.comparison import environments
from aevb.runs.manifest import installed_packages, processor, uncommitted_sha256


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_packages_are_all_with_their_versions() -> None:
    packages = installed_packages()
    assert packages["numpy"] == version("numpy")
    assert packages["sqlalchemy" if "sqlalchemy" in packages else "torch"]
    assert len(packages) > 20
    assert list(packages) == sorted(packages)


def test_a_package_that_is_installed_later_is_stated_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook, say; the versions are read once for the folders as they are."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, text in (("one", "Name: One\nVersion: 1.5\n\nVersion: 2\n"), ("two", "Version: 3\nName: two\n")):
        assert name not in installed_packages()
        (tmp_path / f"{name}-1.dist-info").mkdir()
        (tmp_path / f"{name}-1.dist-info" / "METADATA").write_text(text)
        os.utime(tmp_path)  # where the clock of the file system is coarse
    assert [installed_packages()[name] for name in ("one", "two")] == ["1.5", "3"]


def test_the_version_of_aevb_is_that_of_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editable install keeps the version of the day on which it was installed, in its metadata."""
    (tmp_path / "aevb-0.0.1.dist-info").mkdir()
    (tmp_path / "aevb-0.0.1.dist-info" / "METADATA").write_text("Name: aevb\nVersion: 0.0.1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed_packages()["aevb"] == aevb.__version__


def test_hash_follows_every_change_and_comes_back(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("one\n")
    assert uncommitted_sha256(tmp_path) is None  # no checkout
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    assert uncommitted_sha256(tmp_path) is None
    (tmp_path / "src" / "a.py").write_text("two\n")
    changed = uncommitted_sha256(tmp_path)
    (tmp_path / "src" / "b.py").write_text("new\n")
    added = uncommitted_sha256(tmp_path)
    (tmp_path / "src" / "b.py").write_text("newer\n")
    assert len({changed, added, uncommitted_sha256(tmp_path), None}) == 4
    (tmp_path / "outside.txt").write_text("not code\n")
    (tmp_path / "src" / "b.py").unlink()
    assert uncommitted_sha256(tmp_path) == changed
    git(tmp_path, "checkout", "-q", "--", ".")
    assert uncommitted_sha256(tmp_path) is None


def manifest(folder: Path, **entries: object) -> Path:
    folder.mkdir()
    write_json(folder / "manifest.json", {"versions": {"torch": "2.6"}, "starts": [], **entries})
    return folder


def test_an_other_version_is_a_difference_once(tmp_path: Path) -> None:
    packages = {"torch": "2.6", "scipy": "1.11"}
    run = manifest(tmp_path / "a", packages=packages, uncommitted_sha256=None)
    again = manifest(tmp_path / "b", packages={**packages, "torch": "2.7", "scipy": "1.12"}, uncommitted_sha256="ab")
    one, other = environments(run, again)
    assert {key: other[key] for key in one if one[key] != other[key]} == {
        "packages.scipy": "1.12", "uncommitted_sha256": "ab",
    }  # fmt: skip


def test_older_manifests_differ_in_no_package(tmp_path: Path) -> None:
    run, again = manifest(tmp_path / "a"), manifest(tmp_path / "b", packages={"scipy": "1.12"}, uncommitted_sha256="ab")
    assert environments(run, again) == ({"versions.torch": "2.6"}, {"versions.torch": "2.6"})


def test_a_processor_has_its_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    """One name stands for several generations; systems that state none have the name alone."""
    text = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n"
    monkeypatch.setattr(Path, "read_text", lambda self, **_: text)
    assert processor() == "AMD EPYC (family 25, model 17)"
    monkeypatch.setattr(Path, "read_text", lambda self, **_: "model name\t: Cortex\n")
    assert processor() == "Cortex"
