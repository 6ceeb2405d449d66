"""The process of a command ends without Python's own shutdown, with its exit code, its output and the functions of atexit."""

import subprocess
import sys
from typing import Any

import pytest

ENDING = """
import atexit, sys
from aevb.cli import entry
from aevb.console.process_exit import skip_shutdown

class Ending:
    def __del__(self):
        sys.stderr.write("shut down ")

kept = Ending()
atexit.register(sys.stderr.write, "called before ")
def run(command):
    atexit.register(sys.stderr.write, "called after ")
    sys.stdout.write("output ")  # in a buffer
    {end}
entry._run_to_exit = run
entry.train()
"""


def outcome(end: str) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "-c", ENDING.format(end=end)], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.process
@pytest.mark.parametrize(
    ("code", "expected"), [(0, 0), (None, 0), (2, 2), (True, 1), (130, 130), (-1, 255), ("'a line'", 1)]
)
def test_the_exit_code_is_that_of_sys_exit(code: Any, expected: int) -> None:
    returned, output, errors = outcome(f"sys.exit({code})")
    assert (returned, output) == (expected, "output ")
    assert errors == ("a line\n" if expected == 1 and code is not True else "") + "called after "


@pytest.mark.process
def test_a_fault_of_ours_has_its_traceback_and_code_1() -> None:
    returned, output, errors = outcome("raise RuntimeError('a fault')")
    assert (returned, output) == (1, "output ")
    assert errors.endswith("RuntimeError: a fault\ncalled after ")
    assert "shut down" not in errors


@pytest.mark.process
def test_a_function_that_returns_ends_with_0() -> None:
    assert outcome("return") == (0, "output ", "called after ")


@pytest.mark.process
def test_no_module_that_registers_something_is_imported_before() -> None:
    """What is registered before is not called."""
    source = "import sys; from aevb.console import process_exit; from aevb.cli import entry; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout.split()
    assert not {"logging", "multiprocessing.util", "weakref", "concurrent.futures"} & set(modules) - STARTED


STARTED = set(
    subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    ).stdout.split()
)
"""What Python itself and the environment import."""
