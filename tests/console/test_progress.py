"""The bar is drawn on a terminal, with rate and what is left, and nowhere else."""

import os
import pty
import subprocess
import sys

import pytest

from aevb.console import progress

PROGRAM = """
import time
from aevb.console.progress import bar
with bar(4000, "mnist z=20") as progress:
    for _ in range(4):
        progress.advance(1000)
        time.sleep(0.3)
    progress.describe("mnist z=20  bound -104.30")
"""


def test_a_terminal_sees_samples_and_their_rate():
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stderr=terminal, env={**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    )
    os.close(terminal)
    shown = b""
    while True:
        try:
            shown += (part := os.read(main, 4096))
        except OSError:  # how a pty says that its other end is closed
            break
        if not part:
            break
    assert process.wait(timeout=30) == 0
    os.close(main)
    text = shown.decode()
    assert "4000/4000" in text
    assert "samples/s" in text
    assert "bound -104.30" in text


def test_short_work_leaves_no_line_in_a_file():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    assert done.stdout == ""


def test_long_work_leaves_a_line_now_and_then(monkeypatch, capsys):
    clock = iter([0.0, 10.0, 30.0, 45.0, 60.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.bar(1_000_000, "mnist", completed=400_000) as shown:
        shown.advance(1_000)
        shown.advance(2_000)
        shown.describe("mnist  bound -104.30")
        shown.advance(3_000)
        shown.advance(24_000)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "mnist: 403,000 of 1,000,000 samples, 100 samples/s, 1 h 39 min left",
        "mnist  bound -104.30: 430,000 of 1,000,000 samples, 500 samples/s, 19 min 00 s left",
    ]


def test_a_slow_rate_is_not_zero(monkeypatch, capsys):
    clock = iter([0.0, 34.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.bar(20, "ais", unit="images") as shown:
        shown.advance(10)
    assert capsys.readouterr().err == "ais: 10 of 20 images, 0.29 images/s, 34 s left\n"


def test_a_bar_that_is_not_shown_writes_nothing(monkeypatch, capsys):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    with progress.bar(10, "hidden", shown=False) as hidden:
        hidden.advance(5)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0 s"), (61, "1 min 01 s"), (7300, "2 h 01 min")])
def test_durations(seconds, text):
    assert progress.duration(seconds) == text
