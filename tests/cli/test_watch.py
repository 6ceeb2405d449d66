"""aevb-status --watch on planted runs: as lines, on a terminal, and beside a sweep of another process."""

import fcntl
import io
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from aevb import runs
from aevb.cli import watch as module
from aevb.cli.watch import Summary, watch
from aevb.runs.progress import Progress, write_progress
from aevb.runs.status import Row
from helpers.commands import TINY, aevb, settings, started, tool

RUNNING = Row("a/x", "running", 250, 1000, "", "", -12.5, 50.0)
DONE = Row("a/y", "done", 1000, 1000)
FAILED = Row("a/z", "failed", 500, 1000, "no space left on the device")
DIVERGED = Row("a/w", "diverged", 500, 1000, "training diverged: nan", "", -900.5)
COMMAND = str(Path(sys.executable).with_name("aevb-status"))


def test_a_summary_adds_up() -> None:
    assert str(Summary.of([RUNNING, DONE, FAILED])) == (
        "1 done, 1 running, 1 failed, 58% of the samples, 50 samples/s, 25 s left at this rate"
    )
    assert not Summary.of([RUNNING, DONE]).ended
    assert Summary.of([DONE, FAILED, DIVERGED]).ended
    assert not Summary.of([]).ended
    assert not Summary.of([DONE, Row("a/m", "missing", 0, 1000)]).ended


def test_lines_until_all_have_ended(capsys: pytest.CaptureFixture[str]) -> None:
    looks = iter([[RUNNING, DONE], [FAILED, DONE]])
    assert watch(lambda: next(looks), 0.1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a/x: running, 250 of 1,000, bound -12.50, 50 samples/s, 15 s left"
    assert lines[1].startswith("1 done, 1 running, 62% of the samples")
    assert lines[2] == "a/z: failed, 500 of 1,000, no space left on the device"
    assert lines[3] == "1 done, 1 failed, 75% of the samples"


def test_a_run_that_begins_and_ends_between_two_looks_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    looks = iter([[], [DONE]])
    assert watch(lambda: next(looks), 0.1) == 0
    assert capsys.readouterr().out.splitlines() == [
        "no runs yet",
        "a/y: done, 1,000 of 1,000",
        "1 done, 100% of the samples",
    ]


def test_an_interrupted_sweep_ends_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.25)
    partial = Row("a/x", "partial", 250, 1000)
    looks = iter([[partial]] * 5 + [[RUNNING]] + [[partial]] * 100)
    assert watch(lambda: next(looks), 0.1) == 0  # not before something was running
    assert len(list(looks)) >= 90


def test_ctrl_c_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> list[Row]:
        raise KeyboardInterrupt

    assert watch(interrupted, 0.1) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--watch --json", "--watch --json: not together; allowed: one of them; try: aevb-status --json"),
        ("--interval 2", "--interval=2: only with --watch; allowed: both or neither; try: --watch --interval 2"),
        ("--watch --interval 0", "--interval=0: out of range; allowed: 0.1 to 3600 seconds"),
        ("--watch --interval nan", "--interval=nan: out of range"),
        ("--watch nowhere", "nowhere: no such folder"),
    ],
)
def test_refusals(arguments: str, words: str, tmp_path: Path) -> None:
    result = tool("status", *arguments.split(), folder=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"aevb-status: {words}")
    assert len(result.stderr.splitlines()) == 1


def test_the_numbers_fit_a_narrow_terminal() -> None:
    name = "digits-sgvb_b-adagrad-z2-s0-with-a-long-name-of-its-own"
    rows = [Row(f"a/{name}", "running", 2_500_000, 10_000_000, "", "", -12.5, 50.0)]
    for width, samples in ((72, "2,500,000 (25%)"), (120, "2,500,000 of 10,000,000")):
        console = Console(width=width, height=20, record=True, file=io.StringIO())
        console.print(module._picture(rows, Summary.of(rows), console))
        text = console.export_text()
        for words in ("running", samples, "-12.50", " 50 ", name[-10:]):
            assert words in text, (width, text)
        assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [80, 110])
def test_a_long_reason_leaves_the_name_and_the_numbers(width: int) -> None:
    runs = [Row(f"a/mnist-z{z}-s0", state, 500_000, 1_000_000, "no space on the device " * 9, "", -132.25, 5000.0)
            for z, state in ((2, "running"), (10, "failed"), (200, "diverged"))]  # fmt: skip
    console = Console(width=width, height=20, record=True, file=io.StringIO())
    console.print(module._picture(runs, Summary.of(runs), console))
    head, *lines = console.export_text().splitlines()
    assert head.split() == ["run", "state", "samples", "bound", "samples/s", "left"]
    for line, item in zip(lines, runs, strict=False):
        assert item.run.removeprefix("a/") in line
        for words in (item.state, "500,000", "-132.25"):
            assert words in line, line
        assert len(line.rstrip()) <= width
    assert "5,000" in lines[0]
    assert "1 min 40 s" in lines[0]
    assert lines[1].rstrip().endswith("…")


def test_runs_that_need_a_look_come_first() -> None:
    rows = [DONE, Row("a/p", "partial", 1, 1000), DIVERGED, Row("a/m", "missing", 0, 1000), FAILED, RUNNING]
    console = Console(width=120, height=20, record=True, file=io.StringIO())
    console.print(module._picture(rows, Summary.of(rows), console))
    shown = [line.split()[1] for line in console.export_text().splitlines()[1:7]]
    assert shown == ["running", "failed", "diverged", "partial", "missing", "done"]


def planted(folder: Path) -> Path:
    runs.prepare(folder / "going", settings("data=digits", "max_samples=1000"))
    write_progress(folder / "going", Progress(400, 300, -20.5, 100.0))
    runs.prepare(folder / "b\x1b[31mad", settings("data=digits", "max_samples=1000"))
    runs.mark_failed(folder / "b\x1b[31mad", "Traceback\nValueError: no \x1b[2J!")
    return folder / "going"


class Terminal:
    """aevb-status --watch on a terminal of its own, and what it has drawn."""

    def __init__(self, folder: Path) -> None:
        self.master, other = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "30"}
        command = [COMMAND, "--watch", "--interval", "0.2", "."]
        self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=other, stderr=other, stdin=other)
        os.close(other)
        self.drawn = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                self.drawn += os.read(self.master, 4096).decode()
            except OSError:
                return

    def wait(self, pattern: str) -> None:
        end = time.monotonic() + 60
        while not re.search(pattern, self.drawn):
            assert time.monotonic() < end, (pattern, self.drawn[-2000:])
            time.sleep(0.05)


@pytest.mark.process
def test_on_a_terminal(tmp_path: Path) -> None:
    run = planted(tmp_path)
    with (run / "LOCK").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        terminal = Terminal(tmp_path)
        terminal.wait(r"400 of 1,000")
        terminal.wait(r"1 running, 1 failed")
        write_progress(run, Progress(900, 300, -19.25, 100.0))
        terminal.wait(r"900 of 1,000[\s\S]*-19.25")
        assert "\x1b[2J" not in terminal.drawn
        assert "\x1b[31mad" not in terminal.drawn
    runs.mark_done(run, {"samples_seen": 1000})
    assert terminal.process.wait(30) == 0  # by itself
    terminal.wait("1 done, 1 failed")


@pytest.mark.process
def test_q_and_ctrl_c_end_it_on_a_terminal(tmp_path: Path) -> None:
    planted(tmp_path)
    terminal = Terminal(tmp_path)
    terminal.wait("no run is trained at present")
    assert not termios.tcgetattr(terminal.master)[3] & termios.ECHO
    os.write(terminal.master, b"xq")
    assert terminal.process.wait(30) == 0
    assert termios.tcgetattr(terminal.master)[3] & termios.ECHO  # as it was

    terminal = Terminal(tmp_path)
    terminal.wait("no run is trained at present")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.process.wait(30) == 130
    assert "Traceback" not in terminal.drawn
    assert "interrupted" not in terminal.drawn


@pytest.mark.process
def test_a_sweep_of_another_process_is_watched_to_its_end(tmp_path: Path) -> None:
    sweep = [*TINY, "seed=0,1", "report=false"]
    watcher = started("status", "--watch", "--interval", "0.2", *sweep, folder=tmp_path)
    result = aevb("train", "-m", *sweep, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    out, err = watcher.communicate(60)
    assert watcher.returncode == 0, err
    assert out.splitlines()[0].startswith("2 missing")
    assert out.splitlines()[-1] == "2 done, 100% of the samples"
    assert "running, " in out
