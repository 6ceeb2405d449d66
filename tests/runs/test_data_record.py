"""A run is used from any folder, and with data that have moved; its data are known by their content."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import aevb
from aevb import runs
from aevb.config import fingerprint
from aevb.errors import UserError
from aevb.evaluation.evaluate_run import evaluate_run
from aevb.runs.data_record import check_data_root, located
from helpers.commands import aevb as command
from helpers.short_runs import train

OVERRIDES = ("data=array", "hidden_dim=5")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that was trained in the folder `first` with data.path=mine.npy."""
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    monkeypatch.chdir(tmp_path / "first")
    np.save("mine.npy", np.random.default_rng(0).random((300, 16), dtype=np.float32))
    train(Path("run"), 200, *OVERRIDES, "data.path=mine.npy")
    monkeypatch.chdir(tmp_path / "second")
    return tmp_path / "first" / "run"


@pytest.mark.fault(
    "a run on your own data file is loaded from another working directory", "the file is read from its original path"
)
def test_a_run_is_loaded_from_another_folder(run: Path) -> None:
    model = aevb.load(run)
    assert model.sample(2).shape == (2, 16)
    assert len(model.test().x) == 30


@pytest.mark.fault("the data file of a run has been moved", "`data_root=` gives the file or its folder")
@pytest.mark.parametrize("data_root", ["new/mine.npy", "new"])
def test_the_data_have_moved(run: Path, data_root: str) -> None:
    Path("new").mkdir()
    shutil.move(run.parent / "mine.npy", "new/mine.npy")
    assert len(aevb.load(run, data_root=data_root).test().x) == 30
    model = aevb.load(run)
    assert model.sample(2).shape == model.decode(np.zeros((2, 2))).shape == (2, 16)  # reads no data
    with pytest.raises(UserError, match=r"mine\.npy: no such file"):
        model.test()


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".csv", ".tsv", ".pt", ".NPY"])
def test_a_file_that_has_another_name_is_missing_from_its_folder(suffix: str, tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()  # taken for a folder of images, it would be one class without images
    (tmp_path / "other").touch()
    node = {"path": f"mine{suffix}"}
    assert located(tmp_path, node, str(tmp_path)) == {"path": str(tmp_path / f"mine{suffix}")}
    assert located(tmp_path, node, str(tmp_path / "other")) == {"path": str(tmp_path / "other")}
    assert located(tmp_path, {"path": "faces"}, str(tmp_path)) == {"path": str(tmp_path)}


def test_the_folder_of_a_file_with_another_name_is_refused(run: Path) -> None:
    shutil.move(run.parent / "mine.npy", run.parent / "renamed.npy")
    with pytest.raises(UserError, match=r"first/mine\.npy: no such file .* try: data_root=PATH .*, its path now"):
        aevb.load(run, data_root=str(run.parent)).test()
    assert len(aevb.load(run, data_root=str(run.parent / "renamed.npy")).test().x) == 30


def test_a_run_and_its_data_moved_together(run: Path) -> None:
    shutil.move(run.parent / "mine.npy", run / "mine.npy")
    shutil.move(run, "moved")
    assert len(aevb.load("moved").test().x) == 30


@pytest.mark.fault(
    "a run resumes with the same data file at a new path", "the run continues; its fingerprint does not change"
)
@pytest.mark.process
def test_the_same_file_at_a_new_place_goes_on(run: Path) -> None:
    settings = runs.read_settings(run)
    words = [*OVERRIDES, "latent_dim=2", "logger=none", "evaluator=bound", "name=x", "max_samples=200", "output_dir=o"]
    shutil.copy(run.parent / "mine.npy", "mine.npy")
    assert command("train", *words, "data.path=mine.npy", folder=Path.cwd()).returncode == 0
    shutil.move("mine.npy", "elsewhere.npy")
    words[-2] = "max_samples=300"
    result = command("train", *words, "data.path=elsewhere.npy", folder=Path.cwd())
    assert result.returncode == 0, result.stderr
    there = Path("o/runs/x")
    assert runs.read_settings(there)["data"]["path"] == "mine.npy" == settings["data"]["path"]
    assert json.loads((there / "data.json").read_text())["location"] == {"path": str(Path("elsewhere.npy").resolve())}
    assert runs.Run(there).done["samples_seen"] == 300
    assert runs.Run(there).done["fingerprint"] == fingerprint(runs.read_settings(there))
    np.save("other.npy", np.zeros((300, 16), np.float32))
    refused = command("train", *words, "data.path=other.npy", folder=Path.cwd())
    assert refused.returncode == 2
    assert "data.path=other.npy: not the data that o/runs/x began with" in refused.stderr


@pytest.mark.fault("a read-only run directory is evaluated", "`output_dir=` receives the results; the run is unchanged")
def test_an_evaluation_with_its_results_elsewhere(run: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    node = {"bound": {"_target_": "aevb.evaluators.bound.Bound", "samples": 1}}
    (path,) = evaluate_run(run, node, ["test"], output_dir=Path("results"))
    assert path == Path("results/run/evaluation/bound-test.json")
    assert json.loads(path.read_text())["n"] == 30
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_a_read_only_run_names_the_folder_to_choose(run: Path, monkeypatch) -> None:
    # Refused before anything is computed; what is recorded is only read. The user of a test may be root.
    bound, more = ({"bound": {"_target_": "aevb.evaluators.bound.Bound", "samples": samples}} for samples in (1, 2))
    evaluate_run(run, bound, ["test"])
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(UserError, match="cannot be written; allowed: a folder of yours; try: output_dir=DIR"):
        evaluate_run(run, more, ["test"])
    (path,) = evaluate_run(run, bound, ["test"])
    assert path == run / "evaluation" / "bound-test.json"
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_data_of_no_file_stay_as_they_are(tmp_path: Path) -> None:
    node = {"_target_": "aevb.data.digits.Digits", "scale": 16}
    assert located(tmp_path, node) == node


def test_a_folder_of_data_is_refused_where_no_run_reads_files() -> None:
    digits, mnist = {"_target_": "aevb.data.digits.Digits"}, {"_target_": "aevb.data.mnist.MNIST", "root": "data"}
    check_data_root("elsewhere", [digits, mnist])
    check_data_root(None, [digits])
    with pytest.raises(
        UserError, match=r"data_root=elsewhere: aevb\.data\.digits\.Digits reads no file; allowed: none"
    ):
        check_data_root("elsewhere", [digits])
    with pytest.raises(UserError, match=r"^--data-root elsewhere: "):
        check_data_root("elsewhere", [digits], "--data-root ")
