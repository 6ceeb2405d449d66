"""The wheel carries everything: installed alone in a fresh environment, it helps, completes and trains from an empty folder."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from aevb.runs.run import finished
from helpers.commands import REPOSITORY, TINY, errors, process


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bin/ of an environment with this project's wheel; its dependencies are those of the running one, aevb excepted."""
    room = tmp_path_factory.mktemp("wheel")
    source = room / "source"
    parts = ["src", "conf", "pyproject.toml", "README.md", "LICENSE"]
    for part in parts:
        copy = shutil.copytree if (REPOSITORY / part).is_dir() else shutil.copy2
        source.mkdir(exist_ok=True)
        copy(REPOSITORY / part, source / part)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(room), str(source)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = room.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(room / "venv")], check=True)
    python = room / "venv" / "bin" / "python"
    site = next((room / "venv" / "lib").glob("python*/site-packages"))
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-index",
        "--disable-pip-version-check",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    # A path line gives the packages there, not their .pth files: an editable aevb stays out of sight.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def test_the_tree_and_the_papers_curves_are_inside(bin_folder: Path, tmp_path: Path) -> None:
    probe = "import aevb; from aevb.config import CONF; print(aevb.__file__); print(CONF)"
    result = process([str(bin_folder / "python"), "-c", probe], tmp_path)
    assert result.returncode == 0, result.stderr
    package, conf = map(Path, result.stdout.split())
    assert package.is_relative_to(bin_folder.parent)
    assert conf == package.parent / "conf"
    for folder, inside in ((REPOSITORY / "conf", conf), (REPOSITORY / "src" / "aevb", package.parent)):
        files = {path.relative_to(folder) for path in folder.rglob("*") if path.suffix in (".yaml", ".csv", ".py")}
        assert files <= {path.relative_to(inside) for path in inside.rglob("*")}


@pytest.mark.parametrize("command", ["train", "evaluate", "figure"])
def test_help_from_an_empty_folder(command: str, bin_folder: Path, tmp_path: Path) -> None:
    result = process([str(bin_folder / f"aevb-{command}"), "--help"], tmp_path)
    assert (result.returncode, errors(result)) == (0, "")
    assert f"aevb-{command} " in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_run_from_an_empty_folder(bin_folder: Path, tmp_path: Path) -> None:
    result = process([str(bin_folder / "aevb-train"), "-m", *TINY], tmp_path)
    assert result.returncode == 0, result.stderr
    (run,) = finished(tmp_path)
    assert run.done["commit"] is None
    assert (run.directory / "model.pt").is_file()
    result = process(
        [str(bin_folder / "aevb-evaluate"), f"run={run.directory}", "evaluator=bound", "num_images=9"], tmp_path
    )
    assert result.returncode == 0, result.stderr
