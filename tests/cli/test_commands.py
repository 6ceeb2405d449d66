"""Runs through the real commands: skipped, extended, refused, swept, trusted, killed; the exit code is the truth."""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from aevb.runs.run import Run, finished
from aevb.runs.settings import read_settings
from helpers.commands import TINY, aevb
from helpers.running import begin, gone_within

NAME = "digits-sgvb_b-adagrad-z2-s0"
DATASET = """
import os
import numpy as np
from aevb.data.dataset import Dataset, Split, Splits
from aevb.data.target_convention import TargetConvention
from aevb.types import PositiveInt

class Dots(Dataset):
    name, shape = "dots", (2, 2)
    convention = TargetConvention("binary", description="as given")
    def __init__(self, n: PositiveInt = 200) -> None:
        self.n = n
    def load(self) -> Splits:
        with open("threads", "a") as file:
            file.write(os.environ.get("OMP_NUM_THREADS", "none") + " ")
        x = np.eye(4, dtype=np.float32)[np.arange(self.n) % 4]
        part = Split(x, np.arange(self.n) % 4)
        return Splits(part, part, part)
"""


def only_run(folder: Path) -> Run:
    """The one finished run below `folder`."""
    (run,) = finished(folder)
    return run


def test_the_life_of_a_run(tmp_path: Path) -> None:
    result = aevb("train", *TINY, "hidden_dim=100", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    run = only_run(tmp_path)
    assert run.directory == tmp_path / "outputs" / "runs" / NAME
    assert [path.name for path in tmp_path.iterdir()] == ["outputs"]
    assert [path.name for path in (tmp_path / "outputs").iterdir()] == ["runs"]
    assert (run.done["samples_seen"], run.done["fingerprint"]) == (300, run.fingerprint)
    assert run.settings["choices"]["data"] == "digits"

    before = {path: path.stat().st_mtime_ns for path in run.directory.rglob("*")}
    result = aevb("train", *TINY, "hidden_dim=100", folder=tmp_path)
    assert result.returncode == 0
    assert result.stdout.startswith(f"outputs/runs/{NAME}: finished already, 300 samples; test bound -")
    assert {path: path.stat().st_mtime_ns for path in run.directory.rglob("*")} == before
    assert "the run was finished without" not in result.stderr
    result = aevb("train", *TINY, "hidden_dim=100", "evaluator=[bound,reconstruction]", folder=tmp_path)
    command = f"aevb-evaluate run=outputs/runs/{NAME} evaluator=reconstruction"
    assert f"evaluator=reconstruction: the run was finished without; try: {command}\n" in result.stderr

    result = aevb("train", *TINY, "hidden_dim=100", "max_samples=500", folder=tmp_path)
    assert result.stdout.startswith(f"outputs/runs/{NAME}: extending to 500 samples")
    assert only_run(tmp_path).done["samples_seen"] == 500

    result = aevb("train", *TINY, f"name={NAME}", "hidden_dim=7", folder=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith(f"aevb-train: hidden_dim=7: outputs/runs/{NAME} holds a run with hidden_dim=100;")
    assert only_run(tmp_path).settings["hidden_dim"] == 100

    result = aevb(
        "evaluate",
        f"run=outputs/runs/{NAME}",
        "evaluator=bound",
        "split=[test,train]",
        "num_images=20",
        folder=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert {file["split"] for file in only_run(tmp_path).evaluations() if file["n"] == 20} == {"test", "train"}


def test_a_trusted_module_trains_and_an_untrusted_one_does_not(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(DATASET)
    target = ("++data._target_=mine.Dots", "~data.targets", "~data.n_train")
    result = aevb("train", *TINY, *target, folder=tmp_path)
    assert result.returncode == 2
    assert "data._target_=mine.Dots: not a target" in result.stderr
    result = aevb("train", *TINY, *target, "+data.n=0", "--trust", "mine", folder=tmp_path)
    assert result.stderr.startswith("aevb-train: data.n=0: out of range; allowed: an integer >= 1; try: data.n=200")
    for arguments in ((), ("-m", "name=swept")):
        env = {"OMP_NUM_THREADS": "7"}
        result = aevb(
            "train", *TINY, *target, "trainer.threads=1", "--trust=mine", *arguments, folder=tmp_path, env=env
        )
        assert result.returncode == 0, result.stderr
    assert (tmp_path / "threads").read_text().split() == [
        "1"
    ] * 3  # the sweep reads the data before it trains; the run alone reads them once
    assert len(finished(tmp_path)) == 2
    assert read_settings(tmp_path / "outputs" / "runs" / "swept")["data"] == {"_target_": "mine.Dots"}
    result = aevb("evaluate", "run=outputs/runs/swept", "evaluator=bound", folder=tmp_path)
    assert "mine.Dots" in result.stderr
    assert result.returncode == 2
    result = aevb("evaluate", "run=outputs/runs/swept", "evaluator=bound", "--trust", "mine", folder=tmp_path)
    assert result.returncode == 0, result.stderr


def test_data_beyond_the_decoder_are_refused_before_the_start(tmp_path: Path) -> None:
    np.save(tmp_path / "reals.npy", np.random.default_rng(0).standard_normal((200, 4)))
    for mode in ((), ("-m",)):
        reals = ("data=array", "data.path=reals.npy", "model=bernoulli")
        result = aevb("train", *TINY, *reals, *mode, folder=tmp_path)
        assert result.returncode == 2
        assert "data.path=reals.npy: values from -" in result.stderr
        assert (
            "BernoulliDecoder needs targets in [0, 1]; allowed: a Gaussian decoder; try: model=gaussian_linear"
            in result.stderr
        )
        assert "Traceback" not in result.stderr
        assert not list(tmp_path.glob("outputs/runs/*"))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_killing_a_sweep_kills_its_job(tmp_path: Path) -> None:
    sweep = begin(tmp_path, "-m", *TINY, "max_samples=1e9")
    metrics = tmp_path / "outputs" / "runs"
    deadline = time.monotonic() + 120
    while not list(metrics.glob("*/metrics.csv")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    sweep.kill()
    sweep.communicate()
    assert sweep.returncode == -signal.SIGKILL
    assert gone_within(tmp_path, 30)


@pytest.mark.process
@pytest.mark.fault("`~` in a path on the command line", "expanded, by every command")
def test_the_home_folder_is_expanded(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path / "home")}
    (tmp_path / "home").mkdir()
    trained = aevb("train", *TINY, "name=x", "output_dir=~/o", folder=tmp_path, env=env)
    assert trained.returncode == 0, trained.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    run = "~/o/runs/x"
    for command, *words in (
        ("status", "~/o/runs"),
        ("diff", run, run),
        ("evaluate", f"run={run}", "evaluator=bound"),
        ("report", "~/o/runs", "--output=~/page.html", "--tensorboard=~/tb"),
        ("export", f"run={run}", "format=safetensors", "output_dir=~/export"),
        ("weights", "pack", "~/o/runs", "--output=~/weights.zip"),
        ("figure", "figure=table", "runs=~/o/runs", "output_dir=~/o"),
        ("figure", "figure=table", "output_dir=~/o"),  # which looks below output_dir
    ):
        result = aevb(command, *words, folder=tmp_path, env=env)
        assert result.returncode == 0, f"{command}: {result.stderr}"
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert (tmp_path / "home" / "page.html").is_file()


@pytest.mark.process
@pytest.mark.fault("a path or a name of 300 characters, in any command", "one line, exit code 2")
@pytest.mark.parametrize(
    "words",
    [
        ("status", "LONG"),
        ("diff", "LONG", "LONG"),
        ("verify", "LONG"),
        ("report", "LONG"),
        ("explore", "LONG"),
        ("export", "run=LONG", "format=safetensors"),
        ("weights", "pack", "LONG"),
        ("weights", "list", "LONG"),
        ("evaluate", "run=LONG"),
        ("figure", "figure=table", "runs=LONG"),
        ("figure", "figure=table", "output_dir=LONG"),
        ("train", *TINY, "name=LONG"),
        ("train", *TINY, "output_dir=LONG"),
        ("train", "-m", *TINY, "seed=0,1", "output_dir=LONG"),
        ("train", "data=array", "data.path=LONG"),
    ],
    ids=" ".join,
)
def test_a_long_name_is_one_line(words: tuple[str, ...], tmp_path: Path) -> None:
    result = aevb(*(word.replace("LONG", "x" * 300) for word in words), folder=tmp_path)
    assert result.returncode == 2, result.stderr
    lines = [line for line in result.stderr.splitlines() if ": warning: " not in line]
    assert all(line.startswith(f"aevb-{words[0]}: ") for line in lines)
    assert 1 <= len(lines) <= 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
@pytest.mark.fault(
    "a run whose folder has a name that is not UTF-8, or that no archive may hold",
    "pages and exports show it escaped; what cannot be written is refused in one line",
)
def test_a_folder_whose_name_is_not_utf8(tmp_path: Path) -> None:
    assert aevb("train", *TINY, "name=good", folder=tmp_path).returncode == 0
    runs = tmp_path / "outputs" / "runs"
    odd = os.fsdecode(b"l\xff\xe9")
    for name in (odd, "a\\b"):
        shutil.copytree(runs / "good", runs / name)
    for code, command, *words in (
        (0, "status", "outputs/runs"),
        (0, "report", "outputs/runs", "--output=page.html"),
        (0, "export", f"run=outputs/runs/{odd}", "format=safetensors", "output_dir=export"),
        (2, "weights", "pack", "outputs/runs", "--output=weights.zip"),
        (2, "train", *TINY, f"output_dir={odd}"),
    ):
        result = aevb(command, *words, folder=tmp_path)
        assert result.returncode == code, f"{command}: {result.stderr}"
        assert "Traceback" not in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"outputs", "page.html", "export"}
