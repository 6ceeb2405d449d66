"""The bar is drawn on a terminal, with rate and what is left, and nowhere else."""

import os
import pty
import subprocess
import sys

PROGRAM = """
import time
from aevb.progress import bar
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


def test_a_file_sees_nothing():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    assert done.stdout == ""
