"""aevb-evaluate of several runs in one command, as real processes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aevb.cli.run_choice import chosen_runs, is_single
from aevb.errors import UserError
from helpers.commands import TINY, aevb, errors
from helpers.figure_runs import plant, plant_model
from helpers.fork_server import as_begun
from helpers.in_process import run_command

MEASURE = ("evaluator=importance", "evaluator.importance.samples=10", "num_images=20")
FILE = "evaluation/importance-test-k10-first20.json"


def folder(path: Path, *names: str) -> Path:
    """Folders with a config.yaml."""
    for name in names:
        (path / name).mkdir(parents=True)
        (path / name / "config.yaml").touch()
    return path


def test_a_directory_is_single_and_need_not_exist(tmp_path):
    assert is_single("outputs/runs/a")
    assert chosen_runs("outputs/runs/a") == [Path("outputs/runs/a")]
    folder(tmp_path, "a[1]")
    assert is_single(str(tmp_path / "a[1]"))  # a name that looks like a pattern, and exists
    (tmp_path / "w[1].zip").touch()
    for name in ("w[1].zip", "w[1].zip:run", "w[1].zip:*"):
        assert is_single(str(tmp_path / name))


def test_a_pattern_matches_runs_by_name_and_each_once(tmp_path):
    folder(tmp_path, "b", "a", "c")
    (tmp_path / "no-run").mkdir()
    (tmp_path / "file").touch()
    assert not is_single(f"{tmp_path}/*")
    assert chosen_runs(f"{tmp_path}/*") == [tmp_path / name for name in "abc"]
    assert chosen_runs([f"{tmp_path}/c", f"{tmp_path}/[ac]", f"{tmp_path}/../{tmp_path.name}/a"]) == [
        tmp_path / "c",
        tmp_path / "a",
    ]
    assert chosen_runs(f"{tmp_path.parent}/{tmp_path.name}/**/b") == [tmp_path / "b"]
    folder(tmp_path / "[x] y", "a", "b")
    assert chosen_runs(f"{tmp_path}/[x] y/[ab]") == [tmp_path / "[x] y" / name for name in "ab"]


@pytest.mark.parametrize(("run", "message"), [([], "no run"), ("nowhere/*", "run=nowhere/*: no run matches")])
def test_no_run_is_refused(run, message):
    with pytest.raises(UserError, match="allowed: run directories") as refusal:
        chosen_runs(run)
    assert message in str(refusal.value)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Three finished runs; their folder."""
    path = tmp_path_factory.mktemp("runs")
    for latent_dim in (2, 3, 5):
        plant_model(path, "data=digits", f"latent_dim={latent_dim}")
    return path


@pytest.fixture
def runs(planted, tmp_path):
    """A copy of them."""
    shutil.copytree(planted, tmp_path / "runs")
    return tmp_path / "runs"


def test_an_evaluator_without_settings_has_no_empty_parentheses(tmp_path, monkeypatch, capsys):
    run = plant_model(tmp_path, "data=digits", "latent_dim=2")
    assert run_command("evaluate", [f"run={run}", "evaluator=[reconstruction,bound]"], monkeypatch) == 0
    table = capsys.readouterr().out
    assert "reconstruction " in table
    assert "()" not in table
    assert "bound (samples=1)" in table


@pytest.mark.process
@pytest.mark.slow
def test_several_runs_have_the_numbers_of_single_commands(runs, tmp_path):
    alone = tmp_path / "alone"
    shutil.copytree(runs, alone)
    for run in sorted(alone.iterdir()):
        assert aevb("evaluate", f"run={run}", *MEASURE, folder=tmp_path).returncode == 0
    result = aevb("evaluate", f"run={runs}/*", *MEASURE, "cores=2", folder=tmp_path)
    assert (result.returncode, errors(result)) == (0, "")
    assert result.stdout.endswith("3 runs evaluated\n")
    for run in sorted(runs.iterdir()):
        together, single = (json.loads((path / run.name / FILE).read_text()) for path in (runs, alone))
        assert together["values"] == single["values"]
        assert together["identity"] == single["identity"]
        assert run.name[:20] in result.stdout


@pytest.mark.process
@pytest.mark.slow
def test_runs_that_fail_are_reported_and_the_others_done(runs, tmp_path):
    good, damaged, _ = sorted(runs.iterdir())
    (damaged / "model.pt").write_bytes(b"no weights")
    unfinished = plant(runs, "data=digits", "latent_dim=7", train={100: -44.0}, finish=False)
    names = ",".join(map(str, (damaged, unfinished, good, runs / "nowhere")))
    result = aevb("evaluate", f"run=[{names}]", *MEASURE, folder=tmp_path)
    assert result.returncode == 1
    lines = errors(result).splitlines()
    assert len(lines) == 4
    assert f"aevb-evaluate: run={unfinished}: not finished" in errors(result)
    assert f"aevb-evaluate: {damaged}/model.pt: damaged" in errors(result)
    assert str(runs / "nowhere") in errors(result)
    assert lines[-1] == "aevb-evaluate: 3 of 4 runs failed; the same command computes only what is not recorded"
    assert (good / FILE).is_file()
    assert not (damaged / FILE).exists()


@pytest.mark.process
@pytest.mark.slow
def test_a_sweep_evaluates_points_of_one_run_after_one_another(runs, tmp_path):
    first, second, damaged = sorted(runs.iterdir())
    (damaged / "model.pt").unlink()
    arguments = [f"run={first},{second},{damaged}", "evaluator=importance", "evaluator.importance.samples=5,10"]
    result = aevb("evaluate", "-m", *arguments, "num_images=20", folder=tmp_path)
    assert result.returncode == 1
    for run in (first, second):
        for samples in (5, 10):
            record = json.loads((run / "evaluation" / f"importance-test-k{samples}-first20.json").read_text())
            assert record["settings"] == {"samples": samples}
    assert errors(result).count("model.pt: missing") == 2
    assert f"run={damaged} evaluator=importance evaluator.importance.samples=5 num_images=20: " in errors(result)
    assert "aevb-evaluate: 2 of the sweep's 6 jobs failed\n" in errors(result)


@pytest.mark.process
@pytest.mark.slow
def test_a_pattern_without_runs_and_a_wrong_value_start_nothing(tmp_path):
    for argument, message in ((f"run={tmp_path}/x*", "no run matches"), ("run=[]", "run=[]: no run")):
        result = aevb("evaluate", argument, folder=tmp_path)
        assert result.returncode == 2
        assert len(errors(result).splitlines()) == 1
        assert message in errors(result)
    result = aevb("evaluate", "run=a", "cores=0", folder=tmp_path)
    assert "cores=0: out of range; allowed: an integer >= 1" in errors(result)


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_killed_evaluation_is_reported_and_a_stopped_command_stops_all(runs, tmp_path):
    long = ("evaluator=ais", "evaluator.ais.temperatures=100000", "num_images=20")
    pattern = f"run={runs}/*"
    command = [str(Path(sys.executable).with_name("aevb-evaluate")), pattern, *long, "cores=2"]
    process = subprocess.Popen(command, cwd=tmp_path, env=as_begun(os.environ), stderr=subprocess.PIPE, text=True)

    def children() -> set[int]:
        """Ids of the living processes that the fork server of the command has started."""
        listed = subprocess.run(["ps", "-eo", "pid,ppid,stat"], capture_output=True, text=True, check=True).stdout
        rows = [line.split() for line in listed.splitlines()[1:]]
        parents = {int(pid): int(parent) for pid, parent, state in rows if not state.startswith("Z")}
        return {pid for pid, parent in parents.items() if parents.get(parent) == process.pid}

    deadline = time.monotonic() + 120
    while len(first := children()) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(min(first), signal.SIGKILL)
    while not children() - first and time.monotonic() < deadline:  # the third run takes its core
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=90)
    assert process.returncode == 128 + signal.SIGTERM
    assert "the process was killed by signal 9; try: the same command, which resumes it" in stderr
    assert "Traceback" not in stderr


@pytest.mark.process
@pytest.mark.slow
def test_images_for_which_an_evaluator_has_no_value_are_refused_before_anything_is_done(tmp_path):
    """Digits have the levels k/16 with k = 16 too, which are no levels of 1/256."""
    directory = plant_model(tmp_path / "planted", "data=digits", "model=gaussian", "latent_dim=2")
    result = aevb("evaluate", f"run={directory}", "evaluator=[bound,bits_per_dim]", folder=tmp_path)
    assert result.returncode == 2
    assert "evaluator.bits_per_dim.scale=256: the images are not levels" in result.stderr
    assert not (directory / "evaluation").exists()
    result = aevb("train", *TINY, "model=gaussian", "evaluator=[bound,bits_per_dim]", "output_dir=new", folder=tmp_path)
    assert result.returncode == 2
    assert "evaluator.bits_per_dim.scale=256: the images are not levels" in result.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.process
@pytest.mark.slow
def test_points_of_a_sweep_that_would_write_the_same_file_are_refused(tmp_path):
    directory = plant_model(tmp_path / "planted", "data=digits", "latent_dim=2")
    words = [f"run={directory}", "evaluator=bound", "num_images=20", "seed=0,1"]
    result = aevb("evaluate", "-m", *words, folder=tmp_path)
    assert result.returncode == 2
    assert "seed=1: would replace the files of seed=0" in result.stderr
    assert "try: 'output_dir=outputs/seed${seed}'" in result.stderr
    assert not (directory / "evaluation").exists()
    result = aevb("evaluate", "-m", *words, "output_dir=outputs/seed${seed}", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    records = [json.loads(path.read_text()) for path in sorted((tmp_path / "outputs").rglob("bound-test-first20.json"))]
    assert [record["seed"] for record in records] == [0, 1]
