"""How a process of a command ends: at once, when its files are written and the functions of atexit have been called.

Python's own shutdown would search the 750,000 objects of torch and Lightning for garbage, which takes 2 s of processor time, and can
abort in threads of torch. Leaving them out of that search by gc.freeze is no way round it: with torch 2.15, whose triton
counts what is not destroyed, a command would end with thirty lines about leaks.
"""

import atexit
import os
import sys
from typing import Any, NoReturn

__all__ = ["exit_immediately", "set_exit_code", "skip_shutdown"]

_exit_code = 0


def exit_immediately(code: int) -> NoReturn:
    """End the process, whose files are all written.

    Args:
        code: The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            continue  # no stream, a closed pipe or a full disk: the message cannot be shown
    os._exit(code)


def skip_shutdown() -> None:
    """Let this process end as soon as all other functions of atexit have been called.

    It is called before other modules register theirs, such as multiprocessing: the first one registered is called last.
    """
    atexit.register(lambda: exit_immediately(_exit_code))


def set_exit_code(code: Any) -> None:
    """Set the code with which the process will end, 0 if this is not called.

    Args:
        code: The argument of `sys.exit`: an integer, None for 0, or a text, which stands for 1.
    """
    global _exit_code
    _exit_code = code & 0xFF if isinstance(code, int) else int(code is not None)
