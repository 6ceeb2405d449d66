"""aevb-report as a user runs it, and the report that a sweep ends with."""

import sys
from pathlib import Path

import pytest

from helpers.commands import REPOSITORY, TINY, aevb, process, tool
from helpers.figure_runs import plant

pytestmark = pytest.mark.process


def test_a_folder_of_runs_without_torch(tmp_path: Path) -> None:
    plant(tmp_path / "outputs" / "runs", "latent_dim=20", train={1000: -300.0, 1000000: -120.0})
    script = str(REPOSITORY / "scripts" / "report.py")
    result = process([sys.executable, "-X", "importtime", script, "--output", "page/one.html"], tmp_path)
    assert (result.returncode, result.stdout) == (0, "page/one.html\n"), result.stderr
    modules = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "jinja2" in modules
    assert not {"torch", "lightning"} & modules
    assert "of 2 bounds match" in (tmp_path / "page" / "one.html").read_text()


def test_the_overrides_of_a_sweep_name_runs_that_are_missing(tmp_path: Path) -> None:
    result = tool("report", "data=digits", "latent_dim=2,5", "--title", "A <sweep>", folder=tmp_path)
    assert (result.returncode, result.stdout) == (0, "report.html\n"), result.stderr
    text = (tmp_path / "report.html").read_text()
    assert "2 missing" in text
    assert "<h1>A &lt;sweep&gt;</h1>" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere: no such folder"),
        (["--images", "many"], "--images many: not a count; allowed: an integer >= 0"),
        (["--redact", "("], "--redact (: not a regular expression"),
        (["latnet_dim=2"], "latnet_dim=2: no such key"),
        ([".", "latent_dim=2"], "both a folder and overrides"),
    ],
)
def test_refusals(arguments: list[str], words: str, tmp_path: Path) -> None:
    result = tool("report", *arguments, folder=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"aevb-report: {words}")
    assert len(result.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_ends_with_the_path_of_its_report(tmp_path: Path) -> None:
    sweep = [*TINY, "optimizer=adam", "seed=0,1", "-m"]
    result = aevb("train", *sweep, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    path = tmp_path / result.stdout.splitlines()[-1]
    assert path.parent == tmp_path / "outputs" / "reports"
    first = path.read_bytes()
    assert b"2 done" in first
    again = aevb("train", *sweep, folder=tmp_path)
    assert again.stdout.splitlines()[-1] == result.stdout.splitlines()[-1]
    assert path.read_bytes() == first
    path.unlink()
    result = aevb("train", *sweep, "report=false", folder=tmp_path)
    assert result.stdout.splitlines()[-1] == "2 done"
    assert list(path.parent.iterdir()) == []
