"""Fixtures for all tests, and the order of the files: with several workers, those that take longest come first."""

import atexit
import gc
import os
import signal
import sys

import pytest

if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # tests of signals would inherit what nohup has set

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell sets for commands in the background

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # read when torch is loaded; two threads beside a busy process are far slower

import helpers.fork_server  # noqa: F401  # notes the environment before a library adds to it

gc.disable()  # until the tests are collected: nothing of what is imported for them goes away

pytest_plugins = ["helpers.fixtures"]

LONG = (
    "test_kills.py",
    "test_preemption.py",
    "test_several_machines.py",
    "test_scratch.py",
    "test_site.py",
    "test_sweep.py",
    "test_ensemble_worker.py",
    "test_pool.py",
    "test_local_ranks.py",
    "test_whole_runs.py",
    "test_wake_sleep.py",
    "test_resume.py",
    "test_evaluation.py",
    "test_commands.py",
)


STARTS_PROCESSES = ("aevb", "begin", "process", "python", "started", "tool")
"""Functions of helpers.commands and helpers.running that start processes."""

TRAINS = {"undisturbed", "whole", "sweep", "tensorboard", "mnist_run"}
"""Fixtures that train models for more than seconds."""


@pytest.fixture(autouse=True)
def _subnormal_numbers() -> None:
    """Training flushes subnormal numbers to zero in its process; hypothesis refuses to draw numbers there."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        module = vars(item.module)  # type: ignore[attr-defined]
        if {"subprocess", "multiprocessing"} & set(module) or any(
            callable(module.get(name)) for name in STARTS_PROCESSES
        ):
            item.add_marker("process")
        if TRAINS & set(item.fixturenames):  # type: ignore[attr-defined]
            item.add_marker("slow")
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


def pytest_collection_finish() -> None:
    """Look no longer through the modules and tests for cycles: it took a tenth of the time."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 20)
    # With torch 2.15 the process would end with lines about leaks, for triton reports what is not collected. Not before: pytest
    # collects ten times when it ends.
    atexit.register(gc.unfreeze)
