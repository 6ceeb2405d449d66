"""A forked process is what a new one would be: its folder, environment, streams, exit code, signals and bits."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aevb.execution.forkserver import FOLDER, Forked
from aevb.execution.lifetime import PARENT
from aevb.execution.pool import threads
from helpers.commands import TINY, process, started
from helpers.running import gone_within, processes_in, weights

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")

PROBE = """
import os, signal, sys, time
def main(arguments):
    if arguments == ["wait"]:
        print("here", flush=True)
        time.sleep(60)
    if arguments == ["raise"]:
        raise ValueError("what the probe says")
    print(os.getcwd(), os.environ.get("MARK"), os.environ.get("LEFT"), sys.argv[1:], sys.path[0], sep="|")
    print("aside", file=sys.stderr)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL and os.getsid(0) == os.getpid()
    return 7
"""
CLIENT = """
import os, sys, time
from aevb.forkserver import Forked
with open("output", "w") as out:
    child = Forked.of(sys.argv[1], ["probe", "wait"], os.environ, ".", [0, out.fileno(), 2])
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("probe")
    (place / "probe.py").write_text(PROBE)
    folder = place / "servers"
    yield serve(folder, place)
    serving[folder].terminate()
    serving[folder].wait()


serving: dict[Path, subprocess.Popen[bytes]] = {}


def serve(folder: Path, place: Path) -> Path:
    own = {**os.environ, **threads(1), "LEFT": "of the server", PARENT: str(os.getpid())}
    command = [sys.executable, "-m", "aevb.execution.forkserver", str(folder), "--also=probe"]
    serving[folder] = subprocess.Popen(command, cwd=place, env=own)
    deadline = time.monotonic() + 60
    while not folder.is_dir() or not any(folder.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return folder


def ask(servers: Path, folder: Path, *words: str, **environment: str) -> Forked:
    clean = {name: value for name, value in os.environ.items() if name != "LEFT"}
    with (folder / "output").open("w") as out, (folder / "errors").open("w") as err:
        files = [0, out.fileno(), err.fileno()]
        child = Forked.of(servers, ["probe", *words], {**clean, **threads(1), **environment}, folder, files)
    assert child is not None
    return child


def test_folder_environment_words_streams_and_exit_code(servers: Path, tmp_path: Path) -> None:
    child = ask(servers, tmp_path, "some", "words", MARK="of the child")
    assert child.wait(60) == child.poll() == 7
    said = f"{tmp_path}|of the child|None|['some', 'words']|{tmp_path}\n"
    assert (tmp_path / "output").read_text() == said
    assert (tmp_path / "errors").read_text() == "aside\n"


def test_an_exception_is_told_and_is_exit_code_1(servers: Path, tmp_path: Path) -> None:
    assert ask(servers, tmp_path, "raise").wait(60) == 1
    assert "ValueError: what the probe says" in (tmp_path / "errors").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_is_passed_on_and_is_the_answer(servers: Path, tmp_path: Path, number: int) -> None:
    child = ask(servers, tmp_path, "wait")
    begun(tmp_path)
    assert child.poll() is None
    assert [line.split()[1:] for line in processes_in(tmp_path).values()] == [["-m", "probe", "wait"]]
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.01)
    child.send_signal(number)
    assert child.wait(60) == -number


def test_whose_owner_is_killed_hears_sigterm(servers: Path, tmp_path: Path) -> None:
    environment = {**os.environ, **threads(1)}
    owner = subprocess.Popen([sys.executable, "-c", CLIENT, str(servers)], cwd=tmp_path, env=environment)
    begun(tmp_path)
    assert len(processes_in(tmp_path)) == 2
    owner.kill()
    owner.wait()
    assert gone_within(tmp_path, 10), processes_in(tmp_path)


def test_whose_server_is_killed_goes_with_it(tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text(PROBE)
    servers = serve(tmp_path / "servers", tmp_path)
    (tmp_path / "child").mkdir()
    child = ask(servers, tmp_path / "child", "wait")
    begun(tmp_path / "child")
    serving[servers].kill()
    serving[servers].wait()
    assert gone_within(tmp_path / "child", 10)
    assert child.wait(60) == -signal.SIGKILL
    assert Forked.of(servers, ["probe"], {**os.environ, **threads(1)}) is None  # its socket is still there


def test_what_a_child_is_told_in_the_moment_of_its_end_harms_no_other() -> None:
    """The selector has told of a connection whose child is then reaped before its turn comes."""
    code = """
import socket
from aevb.forkserver import _Serving
ours, theirs = socket.socketpair()
theirs.send(b"15")
_Serving(ours)._hear(ours.dup())
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "LD_PRELOAD", "PYTHONHASHSEED", "MKL_CBWR"])
def test_no_server_serves_what_it_cannot_be(servers: Path, name: str) -> None:
    assert Forked.of(servers, ["probe"], {**os.environ, **threads(1), name: "2"}) is None


def test_who_has_imported_scikit_learn_is_served(servers: Path, tmp_path: Path) -> None:
    assert ask(servers, tmp_path, KMP_DUPLICATE_LIB_OK="True", KMP_INIT_AT_FORK="FALSE").wait(60) == 7


def test_what_libraries_add_to_the_environment_stops_no_command_of_the_tests_from_being_forked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lightning
    import sklearn

    assert os.environ["KMP_INIT_AT_FORK"] == "FALSE", sklearn  # one of several, and no test's doing
    assert os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] == "1", lightning
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    child = started("train", "--help", folder=tmp_path)
    assert isinstance(child.process, Forked)
    out, err = child.communicate(60)
    assert (child.returncode, err) == (0, "")
    assert "Examples" in out


def test_forked_jobs_of_a_sweep_come_to_the_bits_of_a_process_of_its_own(tmp_path: Path) -> None:
    runs = {}
    for folder, words in (("alone", ["seed=0"]), ("forked", ["-m", "seed=0,1"])):
        (tmp_path / folder).mkdir()
        command = [str(Path(sys.executable).with_name("aevb-train")), *TINY, *words]
        result = process(command, tmp_path / folder, {FOLDER: ""})
        assert result.returncode == 0, result.stderr
        assert result.stderr.count("Traceback") == 0
        runs[folder] = sorted((tmp_path / folder / "outputs" / "runs").iterdir())
    assert len(runs["forked"]) == 2
    assert weights(runs["alone"][0]) == weights(runs["forked"][0]) != weights(runs["forked"][1])
    assert (runs["alone"][0] / "metrics.csv").read_text() == (runs["forked"][0] / "metrics.csv").read_text()


def begun(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while not (folder / "output").exists() or "here" not in (folder / "output").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
