"""Child processes as the commands really start them: same bits, same signals, and no process left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aevb.console.signals import STOP_SIGNALS
from aevb.execution.pool import run_workers
from aevb.execution.worker_command import WorkerCommand
from helpers.commands import TINY, process
from helpers.fork_server import as_begun
from helpers.running import DIGITS, checkpoint, gone_within, last_row, processes_in, weights

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

TRAIN = str(Path(sys.executable).with_name("aevb-train"))
SWEEP = ("-m", *DIGITS, "seed=0,1", "max_samples=1e7", "hydra.launcher.cores=2")
RUNS = [f"digits-sgvb_b-adagrad-z2-s{seed}-5ddea8" for seed in (0, 1)]


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Waits for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def sweeping(folder: Path) -> tuple[subprocess.Popen[str], list[Path]]:
    """A real sweep whose two runs have both come to some samples, and their directories."""
    sweep = subprocess.Popen(
        [TRAIN, *SWEEP], cwd=folder, env=as_begun(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    runs = folder / "outputs" / "runs"
    until(lambda: sum(last_row(run) >= 1_000 for run in runs.glob("*")) == 2 or sweep.poll() is not None)
    assert sweep.poll() is None, sweep.communicate()
    return sweep, sorted(runs.iterdir())


def servers(folder: Path) -> list[int]:
    """Ids of the fork servers whose commands run in `folder`: the parents of those that train."""
    return [pid for pid, words in processes_in(folder).items() if "multiprocessing.forkserver" in words]


def test_forked_jobs_have_the_bits_of_a_run_alone(tmp_path: Path) -> None:
    runs = {}
    for folder, words in (("alone", ["seed=0"]), ("forked", ["-m", "seed=0,1"])):
        (tmp_path / folder).mkdir()
        result = process([TRAIN, *TINY, *words], tmp_path / folder)
        assert result.returncode == 0, result.stderr
        assert "Traceback" not in result.stderr
        runs[folder] = sorted((tmp_path / folder / "outputs" / "runs").iterdir())
    assert len(runs["forked"]) == 2
    assert weights(runs["alone"][0]) == weights(runs["forked"][0]) != weights(runs["forked"][1])
    assert (runs["alone"][0] / "metrics.csv").read_text() == (runs["forked"][0] / "metrics.csv").read_text()


@pytest.mark.fault(
    "the terminal is closed (SIGHUP), or a scheduler sends SIGUSR1 or SIGUSR2 before a time limit",
    "every run saves as after SIGTERM; the exit code is 128 + the number of the signal",
)
def test_a_sweep_asked_to_stop_saves_every_run(tmp_path: Path) -> None:
    sweep, runs = sweeping(tmp_path)
    sweep.send_signal(signal.SIGHUP)
    _, errors = sweep.communicate(timeout=60)
    assert sweep.returncode == 128 + signal.SIGHUP
    assert errors.count("stopped by SIGHUP at ") == 2
    assert all(checkpoint(run) >= 1_000 for run in runs)
    assert gone_within(tmp_path, 10), processes_in(tmp_path)


def test_children_of_a_killed_command_save_and_are_gone(tmp_path: Path) -> None:
    sweep, runs = sweeping(tmp_path)
    sweep.kill()
    assert gone_within(tmp_path, 10), processes_in(tmp_path)
    assert all(checkpoint(run) >= 1_000 for run in runs)
    assert sweep.communicate()[1].count("stopped by SIGTERM at ") == 2


@pytest.mark.fault(
    "the process that forks the runs of a sweep is killed, or the command itself",
    "no process remains; the runs in progress receive SIGTERM and save",
)
def test_children_of_a_killed_fork_server_save_and_are_gone(tmp_path: Path) -> None:
    sweep, runs = sweeping(tmp_path)
    tree = servers(tmp_path)
    assert len(tree) == 3  # a forked process has the command line of its server
    os.kill(min(tree), signal.SIGKILL)
    _, errors = sweep.communicate(timeout=60)
    assert sweep.returncode == 1
    assert errors.count("was killed by signal 9") == 2
    assert gone_within(tmp_path, 10), processes_in(tmp_path)
    assert all(checkpoint(run) >= 1_000 for run in runs)


def test_a_signal_to_the_whole_group_arrives_once(tmp_path: Path) -> None:
    # As Ctrl-C in a terminal: the command passes it on, and its children must not have heard it already.
    sweep = subprocess.Popen(
        [TRAIN, *SWEEP],
        cwd=tmp_path,
        env=as_begun(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    runs = tmp_path / "outputs" / "runs"
    until(lambda: sum(last_row(run) >= 1_000 for run in runs.glob("*")) == 2)
    os.killpg(sweep.pid, signal.SIGINT)
    _, errors = sweep.communicate(timeout=60)
    assert sweep.returncode == 130
    assert errors.count("stopped by SIGINT at ") == 2
    assert "Traceback" not in errors


PROBE = """
import os, signal, sys, time
def main(arguments):
    if arguments[0] == "fail":
        raise ValueError("what the probe says")
    if arguments[0] == "wait":
        time.sleep(60)
    threads, rank = os.environ.get("OMP_NUM_THREADS"), os.environ.get("RANK")
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    print(os.getcwd(), threads, rank, os.getsid(0) == os.getpid(), len(blocked), arguments, file=open(arguments[1], "w"))
    return 7
"""


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a module `probe`, and what a surrounding torchrun would have set."""
    (tmp_path / "probe.py").write_text(PROBE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RANK", "3")
    return tmp_path


def test_a_child_has_its_own_environment_and_session(probe: Path) -> None:
    command = WorkerCommand("probe", ["write", "output"], cores=1, threads=3)
    assert list(run_workers([command], 1)) == [(0, 7)]
    assert (probe / "output").read_text() == f"{probe} 3 None True 0 ['write', 'output']\n"
    assert os.environ["RANK"] == "3"


def test_an_error_in_a_child_is_exit_code_1(probe: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert list(run_workers([WorkerCommand("probe", ["fail"], cores=1, threads=1)], 1)) == [(0, 1)]
    assert "ValueError: what the probe says" in capfd.readouterr().err


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_child_stopped_by_a_signal_of_its_own_ends_the_sweep(probe: Path, number: int) -> None:
    (probe / "deadly.py").write_text(f"import os\ndef main(arguments): os.kill(os.getpid(), {int(number)})\n")
    commands = [WorkerCommand(module, ["wait"], cores=1, threads=1) for module in ("deadly", "probe")]
    with pytest.raises(SystemExit) as end:
        list(run_workers(commands, 2))
    assert end.value.code == 128 + number


def test_the_first_processes_run_while_others_are_prepared(probe: Path) -> None:
    commands = [WorkerCommand("probe", ["write", name], cores=1, threads=1) for name in ("a", "b", "c")]
    prepared = []

    def prepare(index: int) -> bool:
        deadline = time.monotonic() + 60
        while index == 2 and not (probe / "a").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        prepared.append(index)
        return index != 1

    assert sorted(run_workers(commands, 1, prepare)) == [(0, 7), (2, 7)]
    assert prepared == [0, 1, 2]
    assert not (probe / "b").exists()


@pytest.mark.fault(
    "Ctrl-C or SIGTERM while the first process of a sweep is started", "no process and no run directory remains"
)
def test_signals_stay_blocked_while_the_first_child_starts(tmp_path: Path) -> None:
    program = (
        "import multiprocessing, signal\n"
        "from aevb.execution.child_process import signals_blocked\n"
        "if __name__ == '__main__':\n"
        "    with signals_blocked():\n"
        "        child = multiprocessing.get_context('forkserver').Process(target=print)\n"
        "        child.start()\n"
        "        print({signal.SIGINT, signal.SIGTERM} <= signal.pthread_sigmask(signal.SIG_BLOCK, []))\n"
        "    child.join()\n"
    )
    (tmp_path / "program.py").write_text(program)
    result = process([sys.executable, "program.py"], tmp_path)
    assert "True" in result.stdout, result.stderr
