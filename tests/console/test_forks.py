"""Work in forked processes: the same results in the same order, and the parent's own work where a process fails."""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aevb.console import forks
from aevb.console.forks import forked, map_forked


@pytest.fixture(autouse=True)
def three_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "_cores", lambda: 3)
    monkeypatch.setattr(forks, "FEWEST", 2)


def test_results_are_in_order_and_of_three_processes() -> None:
    results = map_forked(lambda item: (item, os.getpid()), range(10))
    assert [item for item, _ in results] == list(range(10))
    assert len({process for _, process in results}) == 3


def test_few_items_are_left_to_this_process() -> None:
    assert set(map_forked(lambda _: os.getpid(), range(3))) == {os.getpid()}
    assert map_forked(str, []) == []


def fails(_: int) -> int:
    raise ValueError("in the process only")


def is_interrupted(_: int) -> int:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
    return 0


def is_killed(_: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


@pytest.mark.parametrize("end", [fails, is_interrupted, is_killed, lambda _: os._exit(0), lambda _: lambda: 0])
def test_what_a_process_does_not_send_is_computed_here(
    end: Callable[[int], int], capfd: pytest.CaptureFixture[str]
) -> None:
    parent = os.getpid()
    assert map_forked(lambda item: item if os.getpid() == parent else end(item), range(10)) == list(range(10))
    assert capfd.readouterr() == ("", "")


def test_an_error_is_raised_as_without_processes() -> None:
    with pytest.raises(ZeroDivisionError):
        map_forked(lambda item: 1 // (9 - item), range(10))


def test_no_process_outlives_an_interruption(tmp_path: Path) -> None:
    def compute() -> None:
        (tmp_path / "new").write_text(str(os.getpid()))
        (tmp_path / "new").rename(tmp_path / "pid")
        time.sleep(60)

    def is_interrupted_meanwhile() -> None:
        with forked(compute):
            while not (tmp_path / "pid").exists():
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        is_interrupted_meanwhile()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_process_ends_after_its_parent_was_killed(tmp_path: Path) -> None:
    def compute() -> bytes:
        (tmp_path / "new").write_text(str(os.getpid()))
        (tmp_path / "new").rename(tmp_path / "pid")
        time.sleep(0.2)
        return bytes(1 << 20)  # more than a pipe holds

    ended, open_in_each = os.pipe()
    if not (parent := os.fork()):
        with forked(compute):
            time.sleep(60)
    while not (tmp_path / "pid").exists():
        time.sleep(0.01)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    os.close(open_in_each)
    with open(ended, "rb"):
        assert select.select([ended], [], [], 10)[0]  # the end of the pipe, as no process has it open


def test_beside_torch_threads_and_other_work_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for library in ("torch", "jax"):
        monkeypatch.delitem(sys.modules, library, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(os, "getloadavg", lambda: (4.0, 0.0, 0.0))
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert forks._cores() == 1
    monkeypatch.setattr(os, "getloadavg", lambda: (3.0, 4.0, 4.0))
    assert forks._cores() == 2
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert forks._cores() == 1
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    for library in ("torch", "jax"):  # whose threads Python does not count
        with monkeypatch.context() as loaded:
            loaded.setitem(sys.modules, library, threading)
            assert forks._cores() == 1
    assert forks._cores() == 2
