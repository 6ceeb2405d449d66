"""Standard output and error of a command: closed, full, or a pipe that nobody reads any more."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["standard_streams"]

BROKEN_PIPE = 141  # 128 + SIGPIPE, as a shell reports a command that wrote into a closed pipe


@contextmanager
def standard_streams(program: str) -> Iterator[None]:
    """Around a whole command: it ends quietly when its output is cut off, and with one line when that cannot be written.

    Where standard input, output or error is closed (as cron may have it), it is opened on the null device first, or the next
    file that the command opens would take its place.

    Args:
        program: Name of the command, which begins the line.

    Raises:
        SystemExit: 141 after a broken pipe, 1 where standard output cannot be written.
    """
    _open_closed_ones()
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        sys.exit(BROKEN_PIPE)
    except SystemExit as end:
        _flush(program, end)
        raise
    except OSError as error:
        # Of standard output alone: every other file has its name in the error.
        if error.filename is not None or error.errno is None:
            raise
        _report(program, error)


def _flush(program: str, end: SystemExit) -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        raise SystemExit(BROKEN_PIPE if end.code in (0, None) else end.code) from None
    except OSError as error:
        _report(program, error)


def _report(program: str, error: OSError) -> None:
    _discard_output()
    print(f"{program}: standard output: {error.strerror}; try: another place for it", file=sys.stderr)
    sys.exit(1)


def _discard_output() -> None:
    # Python flushes standard output once more when it ends, and would complain again.
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, sys.stdout.fileno())
    except (OSError, ValueError):  # not a file, as in a test
        return
    finally:
        os.close(null)


def _open_closed_ones() -> None:
    for descriptor, mode in ((0, "r"), (1, "w"), (2, "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)
            os.set_inheritable(descriptor, True)
            stream = open(descriptor, mode, closefd=False)  # noqa: SIM115  # stays open as long as the process
            setattr(sys, ("stdin", "stdout", "stderr")[descriptor], stream)
