"""The command, on a small model and once round; and what is made of numbers. Nothing here asks how fast anything is."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aevb.runs.run import Run
from benchmarks import chart, profile, scaling
from benchmarks.children import ROOT, pinned
from benchmarks.main import GROUPS
from benchmarks.results import Goal, Row, Speed, not_measured
from benchmarks.rounds import order, ratios, rounds
from benchmarks.trainee import _read
from helpers.commands import process
from helpers.running import gone_within

TINY = ("--data", "digits", "--quick", "--rounds", "1", "--threads", "1")


def benchmark(folder: Path, *arguments: str):
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return process(command, folder, {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)})


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which a small benchmark has run, and what it printed."""
    folder = tmp_path_factory.mktemp("benchmark")
    result = benchmark(folder, *TINY, "--only", "framework,gpu", "--markdown", "table.md")
    assert result.returncode == 0, result.stderr
    return folder, result.stdout


def test_json_states_everything(small: tuple[Path, str]) -> None:
    record = json.loads((small[0] / "outputs" / "benchmark" / "benchmark.json").read_text())
    assert record["command"].startswith("python -m benchmarks --data digits --quick")
    assert record["quick"] is True
    assert record["rounds"] == 1
    assert record["recipe"]["model"] == "64-30-2 tanh, Bernoulli outputs"
    assert {"data", "seed", "batch_size", "targets"} <= record["recipe"].keys()
    assert {"processor", "cores", "memory_gib", "versions", "commit", "time"} <= record["machine"].keys()
    assert record["load"].keys() == {"begin", "end"}
    assert {row["group"] for row in record["rows"]} == {"framework", "gpu"}
    for row in record["rows"]:
        assert {"what", "values", "unit", "threads", "goal", "median", "low", "high", "verdict", "note"} <= row.keys()
        assert len(row["values"]) == (0 if row["verdict"] == "not measured" else 1)
    for speed in record["speeds"]:
        assert speed["median"] == speed["seconds"][0] > 0


def test_no_goal_is_about_a_small_model(small: tuple[Path, str]) -> None:
    record = json.loads((small[0] / "outputs" / "benchmark" / "benchmark.json").read_text())
    assert {row["verdict"] for row in record["rows"]} <= {"", "not measured"}


def test_the_tables(small: tuple[Path, str]) -> None:
    folder, printed = small
    for text in (printed, (folder / "table.md").read_text()):
        assert "framework's time per optimizer step, one parameter, K = 50" in text
        assert "torch sees no GPU here" in text
        assert "ROUGH" in text
        assert "plain loop, one parameter" in text


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--only", "trainin"], "--only trainin: no group trainin; allowed: training, .*; try: --only training"),
        (["--rounds", "0"], "--rounds 0: allowed: an integer >= 1; try: --rounds 7"),
        (["--threads", "0"], "--threads 0: allowed: integers from 1 to .*; try: --threads 1"),
        (["--nonsense"], "unrecognized arguments: --nonsense; try: python -m benchmarks --help"),
    ],
)
def test_an_error_is_one_line(arguments: list[str], line: str, tmp_path: Path) -> None:
    result = benchmark(tmp_path, *arguments)
    assert result.returncode == 2
    assert not list(tmp_path.iterdir())
    (message,) = result.stderr.strip().splitlines()
    assert re.fullmatch(f"python -m benchmarks: {line}", message), message


def test_no_data_no_benchmark(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "train-images-idx3-ubyte").write_bytes(b"nothing")
    environment = {"AEVB_DATA": str(empty), "PYTHONPATH": str(ROOT)}
    result = process([sys.executable, "-m", "benchmarks", "--quick"], tmp_path, environment)
    assert result.returncode == 2
    assert result.stderr.startswith(f"python -m benchmarks: {empty}/train-images-idx3-ubyte: altered or truncated")
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "outputs").exists()


class Planted:
    """Takes a known time; the log has who did what, when."""

    def __init__(self, name: str, seconds: float, log: list[str]) -> None:
        self.name, self.seconds, self.log = name, seconds, log

    def ready(self) -> None:
        self.log.append(f"{self.name} ready")

    def take_turn(self) -> float:
        self.log.append(self.name)
        return self.seconds

    def close(self) -> None:
        self.log.append(f"{self.name} closed")


def test_rounds_interleave() -> None:
    log: list[str] = []
    takers = {name: Planted(name, seconds, log) for name, seconds in (("a", 3.0), ("b", 2.0), ("c", 1.0))}
    seconds = rounds(takers, 2, lambda text: None)
    assert log == ["a ready", "b ready", "c ready", *"abc", *"bca", "a closed", "b closed", "c closed"]
    assert ratios(seconds["a"], seconds["b"]) == [1.5, 1.5]
    assert [order(["a", "b", "c"], k) for k in (2, 3)] == [["c", "a", "b"], ["a", "b", "c"]]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system keeps no process to a processor")
def test_turns_are_taken_on_the_same_processors() -> None:
    """What a child itself sees, and that nobody else stays kept to them."""
    command = [sys.executable, "-c", "import os; print(sorted(os.sched_getaffinity(0)))"]
    processors = sorted(os.sched_getaffinity(0))
    with pinned(1):
        seen = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert json.loads(seen) == processors[-1:]
    assert sorted(os.sched_getaffinity(0)) == processors


def test_all_are_ended_when_one_fails() -> None:
    log: list[str] = []

    class Failing(Planted):
        def take_turn(self) -> float:
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        rounds({"a": Planted("a", 1, log), "b": Failing("b", 1, log)}, 1, lambda text: None)
    assert log[-2:] == ["a closed", "b closed"]


@pytest.mark.parametrize(
    ("goal", "values", "verdict"),
    [
        (Goal("≥", 0.95), [0.9, 0.95, 2.0], "met"),
        (Goal("≥", 0.95), [0.9, 0.94, 2.0], "missed"),
        (Goal("≤", 1.7), [1.0, 1.7, 9.0], "met"),
        (Goal("≤", 1.7), [1.0, 1.8, 1.9], "missed"),
        (None, [1.0], ""),
        (Goal("≤", 1.7), [], "not measured"),
    ],
)
def test_the_median_is_held_against_the_goal(goal: Goal | None, values: list[float], verdict: str) -> None:
    assert Row("group", "what", values, goal=goal).verdict == verdict


def test_training_seconds_are_taken_between_points(tmp_path: Path) -> None:
    header = "samples_seen,training_seconds,evaluation_seconds,samples_per_second\n"
    lines = "100,5.0,1.0,20.0\n10000,8.0,2.0,3300.0\n20000,9.0,3.0,10000.0\n30000,11.0,4.0,5000.0\n"
    (tmp_path / "timing.csv").write_text(header + lines)
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "bound-test.json").write_text(
        '{"name": "bound", "split": "test", "n": 1, "seconds": 2.5}'
    )
    result = _read(Run(tmp_path), 10_000, wall=30.0)
    assert result.per_sample == pytest.approx(3.0 / 20_000)
    assert (result.training, result.evaluation, result.rest) == (11.0, 6.5, 12.5)


def test_where_gemm_takes_over() -> None:
    def points(*pairs: tuple[float, float]) -> list[scaling.Point]:
        return [scaling.Point(k, {"aevb": [a], "matrix products alone": [b]}) for k, (a, b) in enumerate(pairs)]

    assert scaling.takes_over(points((4, 1), (4, 2), (4, 3))) == 1
    assert scaling.takes_over(points((4, 2), (4, 1), (4, 3))) == 2  # for good
    assert scaling.takes_over(points((4, 3), (4, 1))) is None


def test_a_profile_adds_up() -> None:
    operations = [
        ["aten::addmm", 0.2, 8],
        ["aten::mm", 0.3, 10],
        ["aten::_fused_adagrad_", 0.1, 2],
        ["aten::tanh", 0.1, 4],
    ]
    result = profile.shares({"seconds": 1.0, "steps": 10, "operations": operations})
    assert list(result.values()) == pytest.approx([50.0, 10.0, 10.0, 30.0])


@pytest.mark.long
def test_a_real_profile(tmp_path: Path) -> None:
    result = benchmark(tmp_path, *TINY, "--profile")
    assert result.returncode == 0, result.stderr
    recorded = json.loads((tmp_path / "outputs" / "benchmark" / "profile.json").read_text())["threads"]["1"]
    calls = {name: calls / recorded["steps"] for name, _, calls in recorded["operations"]}
    assert recorded["steps"] == 200
    assert calls["aten::_fused_adagrad_"] >= 1
    assert calls["aten::_fused_adagrad_"] % 1 == 0  # whole steps were watched
    assert "matrix products" in result.stdout


def test_charts_are_drawn(tmp_path: Path) -> None:
    rows = [
        Row("training", "speed of aevb / hand", [0.9, 1.0], threads=2, goal=Goal("≥", 0.95)),
        not_measured("gpu", "x", "y"),
    ]
    speeds = [Speed("training", "aevb", [3e-3, 4e-3], threads=2), Speed("training", "gemm", [2e-3, 2e-3], threads=1)]
    assert chart.draw(tmp_path / "chart.png", rows, speeds)
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
    assert not chart.draw(tmp_path / "empty.png", rows[1:], [])


@pytest.mark.long
def test_a_stopped_benchmark_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, "-m", "benchmarks", *TINY, "--only", "framework"]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": str(ROOT)}
    benchmark = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob("tmp/aevb-benchmark-*/runs/*/LOCK")):  # a run is being trained
        assert time.monotonic() < deadline
        assert benchmark.poll() is None
        time.sleep(0.05)
    benchmark.terminate()
    assert benchmark.wait(120) == 128 + signal.SIGTERM
    assert gone_within(tmp_path, 60)
    assert not list(tmp_path.glob("tmp/aevb-benchmark-*"))


def test_groups_have_their_files() -> None:
    files = {path.stem for path in (ROOT / "benchmarks" / "groups").glob("[!_]*.py")}
    assert files == set(GROUPS)
