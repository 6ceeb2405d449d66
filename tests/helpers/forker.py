"""pytest again and again without importing torch again: every job in a fork of a process that has it and what else is slow
to load, and no aevb.

Reads a job per line of standard input, JSON: `source` (the package's src), `tests`, `output` (a file for what pytest says).
Writes its exit code on a line of standard output; a job that takes five minutes is killed, which is a code below zero.
"""

import json
import os
import signal
import sys

import lightning  # noqa: F401
import pytest
import scipy.stats  # noqa: F401
import torch  # noqa: F401

SECONDS = 300


def work(job: dict) -> None:
    """The child: its output to a file, its aevb from the job's source."""
    signal.alarm(SECONDS)
    file = os.open(job["output"], os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.path.insert(0, job["source"])
    code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *job["tests"]])
    sys.stdout.flush()
    os._exit(int(code))


assert "aevb" not in sys.modules
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        work(json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
