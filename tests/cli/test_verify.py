"""aevb-verify and aevb-diff on real runs, and on runs changed by hand where the change is known."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from aevb.cli.verify import faults, verify
from aevb.runs.comparison import differences
from aevb.runs.settings import read_settings
from helpers.commands import TINY, aevb, tool


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with the runs `a`, and `b` of another seed, extended once."""
    folder = tmp_path_factory.mktemp("verify")
    for arguments in (["name=a"], ["name=b", "seed=1", "max_samples=200"], ["name=b", "seed=1"]):
        # Adam moves at once; the authors' Adagrad only accumulates in so short a run, and all weights would be the first ones.
        result = aevb("train", *TINY, "optimizer=adam", *arguments, folder=folder)
        assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A copy of `a` to be changed."""
    return Path(shutil.copytree(folder / "outputs" / "runs" / "a", tmp_path / "copy"))


def test_the_manifest_says_how_a_run_came_about(folder: Path) -> None:
    manifest = json.loads((folder / "outputs" / "runs" / "a" / "manifest.json").read_text())
    assert manifest["versions"]["torch"].startswith(torch.__version__.partition("+")[0])
    assert (manifest["threads"], manifest["seed"], manifest["device"]) == (1, 0, "cpu")
    assert len(manifest["data"]["train"]) == 64
    (start,) = manifest["starts"]
    assert start["command"].startswith("aevb-train data=digits max_samples=300")
    manifest = json.loads((folder / "outputs" / "runs" / "b" / "manifest.json").read_text())
    assert [start["command"].split()[-1] for start in manifest["starts"]] == ["max_samples=200", "seed=1"]


def test_a_run_comes_out_again(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    result = tool("verify", "outputs/runs/a", folder=folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1].endswith("3 rows to 300 samples and the weights equal bit by bit")
    result = tool("verify", "outputs/runs/a", "--samples", "2e2", folder=folder)
    assert result.stdout.splitlines()[-1].endswith("2 rows to 200 samples equal bit by bit")
    assert sorted(folder.rglob("*")) == before
    result = tool("verify", "outputs/runs/a", "--samples", "1e9", folder=folder)
    assert result.returncode == 2
    assert "--samples 1e9: out of range; allowed: an integer >= 100 and <= 300" in result.stderr


def test_what_a_run_began_with_is_missed_by_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.eye(200, 8, dtype=np.float32))
    own = ["data=array", "data.path=x.npy", "model=bernoulli", *TINY[1:], "name=own"]
    origin = folder / "outputs" / "runs" / "a"
    for arguments in (own, [*TINY, f"init_from={origin}", "name=warm"]):
        result = aevb("train", *arguments, folder=tmp_path)
        assert result.returncode == 0, result.stderr
    (tmp_path / "x.npy").rename(tmp_path / "moved.npy")
    moved = origin.rename(tmp_path / "moved")
    try:
        lines = {
            "own": f"aevb-verify: {tmp_path}/x.npy: no such file or folder, and the run outputs/runs/own was trained on it; ",
            "warm": f"aevb-verify: init_from={origin}: no model.pt there, with which this run begins; ",
        }
        for name, line in lines.items():
            result = tool("verify", f"outputs/runs/{name}", folder=tmp_path)
            assert (result.returncode, result.stdout) == (2, "")
            assert result.stderr.startswith(line)
        monkeypatch.chdir(tmp_path)
        for where in ("moved.npy", "other.npy"):  # a file of the same content, and one of another
            np.save("other.npy", np.ones((200, 8), np.float32))
            monkeypatch.setattr("sys.argv", ["aevb-verify", "outputs/runs/own", "--data-root", where])
            assert _verified_with(tmp_path / where, monkeypatch) == (0 if where == "moved.npy" else 2)
        assert "or --data-root PATH that has them" in capsys.readouterr().err
        origin.mkdir()
        (origin / "model.pt").write_bytes(b"others")
        result = tool("verify", "outputs/runs/warm", folder=tmp_path)
        assert result.stderr.startswith(f"aevb-verify: init_from={origin}: its model.pt is not the one that this run")
        shutil.rmtree(origin)
    finally:
        moved.rename(origin)


def _verified_with(path: Path, monkeypatch: pytest.MonkeyPatch) -> int | str | None:
    """The exit code of aevb-verify in this process, in which the second execution is a copy of the run, with these data."""

    def execute(again: Path, trusted: tuple[str, ...]) -> None:
        assert read_settings(again)["data"]["path"] == str(path)
        shutil.copytree("outputs/runs/own", again, dirs_exist_ok=True)

    monkeypatch.setattr("aevb.cli.verify._execute", execute)
    monkeypatch.setattr("signal.signal", lambda *_: None)  # the handler of this process stays
    with pytest.raises(SystemExit) as end:
        verify()
    return end.value.code


def test_a_run_that_ends_between_evaluation_points_comes_out_again(folder: Path) -> None:
    """It has weights of 400 samples, and no row for them if it was interrupted there."""
    result = aevb("train", *TINY, "optimizer=adam", "name=c", "max_samples=400", folder=folder)
    assert result.returncode == 0, result.stderr
    run = folder / "outputs" / "runs" / "c"
    lines = (run / "metrics.csv").read_text().splitlines(keepends=True)
    assert lines[-1].startswith("400,")
    (run / "metrics.csv").write_text("".join(lines[:-1]))
    result = tool("verify", "outputs/runs/c", folder=folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1].endswith("3 rows to 300 samples and the weights equal bit by bit")


def test_a_refused_extension_changes_nothing(folder: Path) -> None:
    """What a process finds out that trains, of a run alone and in a sweep, whose table says why."""
    words = [*TINY, "optimizer=adam", "model=gaussian", "name=g"]
    assert aevb("train", *words, folder=folder).returncode == 0
    run = folder / "outputs" / "runs" / "g"
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != "manifest.json"}
    for arguments in (words, ["-m", *words, "report=false"]):
        result = aevb("train", *arguments, "max_samples=600", "evaluator=[bound,bits_per_dim]", folder=folder)
        assert result.returncode in (1, 2), result.stdout
        assert "the images are not levels" in result.stderr
        assert {path: path.read_bytes() for path in before} == before
    assert "evaluator.bits_per_dim.scale=256: the images are" in " ".join(result.stdout.split())
    assert "done" in aevb("status", "outputs/runs/g", folder=folder).stdout


def test_one_changed_bit_is_reported(folder: Path, copy: Path) -> None:
    state = torch.load(copy / "model.pt", weights_only=True)
    state["encoder.hidden.bias"].view(torch.int32)[0] ^= 1
    torch.save(state, copy / "model.pt")
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["versions"]["torch"] = "1.0"
    (copy / "manifest.json").write_text(json.dumps(manifest))
    rows = (copy / "metrics.csv").read_text().splitlines()
    changed = rows[2].rpartition(",")[0].replace("200,-", "200,-9", 1) + ","
    (copy / "metrics.csv").write_text("\n".join([*rows[:2], changed, *rows[3:]]) + "\n")
    result = tool("verify", str(copy), folder=folder)
    assert result.returncode == 1, result.stderr
    lines = result.stdout.splitlines()[1:]
    assert lines[0].startswith("versions.torch: was 1.0, is ")
    assert any(line.startswith("metrics.csv: first differs at 200 samples: train_bound was -9") for line in lines)
    assert "model.pt: encoder.hidden.bias differs" in lines


def test_a_class_that_is_not_trusted_is_refused_in_the_name_of_the_run(copy: Path) -> None:
    config = copy / "config.yaml"
    config.write_text(config.read_text().replace("aevb.models.bernoulli.BernoulliDecoder", "mymodels.Mine"))
    result = tool("verify", "copy", folder=copy.parent)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("aevb-verify: copy: _target_=mymodels.Mine: not a target that a config may name; allowed: ")
    assert "; try: --trust MODULE" in line


def test_a_row_that_does_not_come_again_is_reported(folder: Path, copy: Path) -> None:
    rows = (copy / "metrics.csv").read_text().splitlines()
    (copy / "metrics.csv").write_text("\n".join([*rows[:2], *rows[3:]]) + "\n")
    assert list(faults(folder / "outputs" / "runs" / "a", copy)) == ["metrics.csv: no row at 200 samples"]


def test_what_differs_is_named(folder: Path, copy: Path) -> None:
    a, b = folder / "outputs" / "runs" / "a", folder / "outputs" / "runs" / "b"
    assert list(differences(a, copy)) == []
    assert tool("diff", str(a), str(copy), folder=folder).returncode == 0
    path = copy / "evaluation" / "bound-test.json"
    evaluation = json.loads(path.read_text())
    bound = evaluation["values"]["bound"]
    bound["mean"] += 3 * bound["standard_error"] * 2**0.5  # by three standard errors of a difference
    path.write_text(json.dumps(evaluation))
    ((what, _, _, gap),) = differences(a, copy)
    assert what == "evaluation bound-test bound"
    assert gap.endswith(" = +3.00 standard errors")

    result = tool("diff", str(a), str(b), folder=folder)
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "config seed: 0 | 1"
    kinds = {" ".join(line.split(":")[0].split()[:2]) for line in lines[1:]}
    assert {"metrics test_bound", "metrics train_bound", "evaluation bound-test"} <= kinds
    assert not any(line.startswith("manifest") for line in lines)


def test_a_run_of_a_conditional_model_comes_out_again(tmp_path: Path) -> None:
    """Its record of the data is of the images and the labels."""
    result = aevb("train", *TINY, "optimizer=adam", "model=conditional", "name=a", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    result = tool("verify", "outputs/runs/a", folder=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1].endswith("3 rows to 300 samples and the weights equal bit by bit")
