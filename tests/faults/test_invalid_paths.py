"""Full disks, places where nothing can be written, clocks that are set: one line at once, and what was there is kept.

A full disk is a limit on the size of a file (RLIMIT_FSIZE), which root meets too; an unwritable place is a file where the folder
should be, since root ignores modes.
"""

import itertools
import resource
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from aevb import runs
from aevb.cli import entry
from aevb.errors import UserError
from aevb.files.archive import is_intact
from aevb.runs.layout import newest_checkpoint
from aevb.runs.walk import run_directories
from helpers.commands import REPOSITORY, TINY, aevb, errors, process, python
from helpers.short_runs import outcome, train


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file can grow above `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def files(run: Path) -> set[str]:
    return {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}


@pytest.mark.fault(
    "the disk is full when a checkpoint is written",
    "one line before the next checkpoint; the earlier one is unchanged; no half-written file remains; the resumed run has the same bits",
)
def test_a_full_disk_ends_the_run_at_once_and_keeps_the_checkpoint(undisturbed: Path, tmp_path: Path) -> None:
    run = train(tmp_path / "run", 1000)
    last = run / "checkpoints" / "last.ckpt"
    content = last.read_bytes()
    with full_disk(len(content) // 2), pytest.raises(UserError) as error:
        train(run, 3000)
    assert str(error.value).startswith(f"{last}: cannot be written (File too large)")
    assert "try: make room" in str(error.value)
    assert "\n" not in str(error.value)
    assert last.read_bytes() == content  # at 2000, the first save after it, and not at the end
    assert files(run) >= {"FAILED", "metrics.csv"}
    assert not list(run.rglob(".*"))
    assert outcome(train(run, 3000)) == outcome(undisturbed)


@pytest.mark.fault(
    "the disk is full when the final weights are written",
    "the run ends with one line; no half-written file remains; it resumes later and has the same bits",
)
def test_a_full_disk_when_the_weights_are_written(undisturbed: Path, tmp_path: Path, monkeypatch) -> None:
    save = runs.write_atomically

    def fills(path: Path, *rest: object) -> None:
        with full_disk(2000) if path.name == "model.pt" else full_disk(resource.RLIM_INFINITY):
            save(path, *rest)

    monkeypatch.setattr(runs, "write_atomically", fills)
    with pytest.raises(UserError, match=r"model\.pt: cannot be written"):
        train(tmp_path / "run", 3000)
    monkeypatch.undo()
    assert runs.state(tmp_path / "run") == "failed"
    assert is_intact(newest_checkpoint(tmp_path / "run"))
    assert outcome(train(tmp_path / "run", 3000)) == outcome(undisturbed)


@pytest.mark.fault(
    "the disk is full when TensorBoard events are written",
    "the run ends with one line; no half-written file remains; it resumes later and has the same bits",
)
def test_a_full_disk_when_tensorboard_writes(undisturbed: Path, tmp_path: Path) -> None:
    with full_disk(20_000), pytest.raises(UserError) as error:
        train(tmp_path / "run", 3000, "logger=tensorboard", "trainer.checkpoint_minutes=1e9")
    assert "\n" not in str(error.value)
    assert "File too large" in str(error.value)
    assert outcome(train(tmp_path / "run", 3000, "logger=tensorboard")) == outcome(undisturbed)


@pytest.mark.fault(
    "the disk is full when a new run starts",
    "one line, exit code 2, no run directory remains",
)
def test_a_full_disk_from_the_command_leaves_one_line_and_no_run(tmp_path: Path) -> None:
    program = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
    program += "from aevb.cli.train import train; sys.argv[0] = 'aevb-train'; train()"
    result = python("-c", program, *TINY, "name=run", folder=tmp_path)
    assert result.returncode == 2, result
    (line,) = errors(result).splitlines()
    assert line.startswith("aevb-train: outputs/runs/run/checkpoints/last.ckpt: cannot be written (File too large)")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault(
    "a file in the place of the folder `checkpoints/`",
    "refused with one line before training; the file is kept",
)
def test_a_file_where_the_checkpoints_should_be(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "checkpoints").write_text("mine")
    with pytest.raises(UserError, match=rf"^{run}/checkpoints: a file; allowed: a folder; try: remove it") as error:
        train(run, 3000)
    assert "\n" not in str(error.value)
    assert (run / "checkpoints").read_text() == "mine"
    assert not (run / "metrics.csv").exists()  # before training


@pytest.mark.fault(
    "a file in the place of the folder `outputs/`",
    "refused with one line before training",
)
def test_a_file_where_the_outputs_should_be(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("mine")
    result = aevb("train", *TINY, folder=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = errors(result).splitlines()
    assert line.startswith("aevb-train: outputs/runs/digits-sgvb_b-adagrad-z2-s0")
    assert "cannot be written (Not a directory)" in line
    assert "try: another output_dir=" in line


@pytest.mark.fault(
    "the clock is set back, by a day each time it is read and by a century between two processes",
    "no effect on the bits, the evaluation points or the measured seconds",
)
def test_a_clock_that_is_set_back_changes_nothing(tmp_path: Path, undisturbed: Path, monkeypatch) -> None:
    """Each look at the wall clock is a day before the last one, and the second process begins a century before the first."""
    run = tmp_path / "run"
    for began, until in ((4e9, 1000), (1e9, 3000)):
        clock = itertools.count(began, -86_400 if began > 2e9 else -1)
        with monkeypatch.context() as patched:
            patched.setattr(time, "time", lambda clock=clock: float(next(clock)))
            train(run, until, "logger=tensorboard")
    assert outcome(run) == outcome(undisturbed)
    points = EventAccumulator(str(run / "tb")).Reload().Scalars("bound/test")
    assert sorted(point.step for point in points) == runs.Run(run).metrics()["samples_seen"].tolist()
    seconds = runs.Run(run).timing()["training_seconds"]
    assert (np.diff(seconds) > 0).all()


@pytest.mark.fault(
    "a GPU is requested and there is none",
    "one line, exit code 2, no run directory remains",
)
@pytest.mark.parametrize("words", [(), ("--check",), ("-m", "seed=0", "--check"), ("-m", "seed=0")], ids=" ".join)
def test_a_gpu_that_is_not_there(words: tuple[str, ...], tmp_path: Path) -> None:
    command = ("train", *words, *TINY, "trainer.accelerator=gpu")
    result = aevb(*command, folder=tmp_path, env={"CUDA_VISIBLE_DEVICES": ""})
    assert result.returncode == 2
    assert result.stdout == ""  # nothing of a training that does not begin
    line, *summary = errors(result).splitlines()
    assert "trainer.accelerator=gpu: " in line
    assert "allowed: cpu, auto; try: trainer.accelerator=cpu" in line
    assert len(summary) == int("-m" in words)
    assert list(tmp_path.iterdir()) == []


MEMORY = {  # kilobytes, and a command line
    "python does not start whole": (40_000, "status", []),
    "numpy does not fit": (100_000, "train", [*TINY]),
    "torch does not fit": (900_000, "train", [*TINY]),
    "torch does not fit a sweep": (1_500_000, "train", ["-m", "seed=0,1", *TINY]),
}


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.fault(
    "too little memory, for one run and in a sweep", "one line, no traceback, no untrained run directory remains"
)
@pytest.mark.parametrize("case", MEMORY.values(), ids=MEMORY)
def test_too_little_memory_is_one_line(case: tuple[int, str, list[str]], tmp_path: Path) -> None:
    kilobytes, command, words = case
    line = " ".join([str(Path(sys.executable).with_name(f"aevb-{command}")), *words])
    result = process(["bash", "-c", f"ulimit -v {kilobytes}; {line}"], tmp_path)
    assert result.returncode == (1 if "-m" in words else 2), result.stderr
    # What Python itself needs depends on the machine: where 40 MB are enough, the command says what it has to say.
    assert "memory: too little (" in result.stderr or (command == "status" and "no such folder" in result.stderr)
    assert "Traceback" not in result.stderr
    assert "-m" in words or len(errors(result).splitlines()) == 1
    assert not run_directories(tmp_path)


def test_every_command_starts_where_memory_is_watched() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {f"aevb-{name}": f"aevb.cli.entry:{name}" for name in entry.__all__}


@pytest.mark.process
@pytest.mark.fault("invalid values of the environment variables that commands set for their processes", "ignored")
def test_nonsense_in_our_environment_variables(tmp_path: Path) -> None:
    env = {"AEVB_LAUNCHER": "abc", "AEVB_BARS": "/dev/null", "AEVB_SCRATCH": "/dev/null"}
    result = aevb("train", *TINY, folder=tmp_path, env=env)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.fault("the working directory has been removed", "one line, exit code 2, by every command")
@pytest.mark.parametrize("command", sorted(entry.__all__))
def test_a_working_directory_that_is_gone(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder := tmp_path / "gone").mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(SystemExit) as end:
        getattr(entry, command)()
    assert end.value.code == 2
    line = f"aevb-{command}: the working directory has been removed; try: cd to a folder that exists\n"
    assert capsys.readouterr().err == line
