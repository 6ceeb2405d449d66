"""Standard input, output and error of a command: closed, full, cut off, or of an encoding without our characters.

One mechanism for all commands and for the processes that they start:

* A closed stream is opened on the null device, or the next file that the command opens would take its place.
* A character that the encoding does not have is replaced ("+-" for "±", otherwise an escape).
* Standard error never ends the work: what cannot be written there is lost.
* Standard output that cannot be written raises OutputError, which ends the command: quietly if nobody reads it
  any more, with one line if a full disk is behind it.
"""

import codecs
import errno
import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["OutputError", "prepare_streams", "standard_streams"]

BROKEN_PIPE = 141  # 128 + SIGPIPE, as a shell reports a command that wrote into a closed pipe
REPLACED = "aevb.replaced"
PLAIN = {"±": "+-", "×": "x", "≤": "<=", "≥": ">=", "–": "-", "—": "-", "…": "...", "·": "*", "√": "sqrt", "→": "->"}


class OutputError(OSError):
    """Standard output cannot be written. Not a BrokenPipeError, which libraries handle in ways of their own."""


@contextmanager
def standard_streams(program: str) -> Iterator[None]:
    """Prepare the standard streams around a whole command, and end it when its output cannot be written.

    Args:
        program: Name of the command, which begins the line.

    Raises:
        SystemExit: 141 if nobody reads standard output any more, 1 where it cannot be written.
    """
    prepare_streams()
    try:
        yield
        sys.stdout.flush()
    except OutputError as error:
        _end(program, error, None)
    except SystemExit as end:
        try:
            sys.stdout.flush()
        except OutputError as error:
            _end(program, error, end)
        raise


def _end(program: str, error: OutputError, end: SystemExit | None) -> None:
    _discard_output()
    if error.errno == errno.EPIPE:
        raise SystemExit(BROKEN_PIPE if end is None or end.code in (0, 1, None) else end.code) from None
    print(f"{program}: standard output: {error.strerror}; try: another place for it", file=sys.stderr)
    raise SystemExit(1) from None


def _discard_output() -> None:
    # Python flushes standard output once more when it ends, and would complain again.
    with suppress(OSError, ValueError):  # not a file, as in a test
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def prepare_streams() -> None:
    """Make the standard streams of this process usable, whatever they are; a second call has no effect."""
    _open_closed_ones()
    codecs.register_error(REPLACED, _replace)
    logging.StreamHandler.handleError = _handle_error  # type: ignore[method-assign]
    for name, kind in (("stdout", _Output), ("stderr", _Error)):
        stream = getattr(sys, name)
        # Not in a test or a notebook, which have put something else there.
        if isinstance(stream, io.TextIOWrapper) and stream is getattr(sys, f"__{name}__") and stream.fileno() < 3:
            _replace_stream(name, stream, kind)


def _replace_stream(name: str, stream: io.TextIOWrapper, kind: type[io.FileIO]) -> None:
    if isinstance(getattr(stream.buffer, "raw", None), kind):
        return
    with suppress(OSError):
        stream.flush()
    raw = kind(stream.fileno(), "w", closefd=False)
    lines = name == "stderr" or raw.isatty()
    new = io.TextIOWrapper(io.BufferedWriter(raw), stream.encoding, REPLACED, line_buffering=lines)
    setattr(sys, name, new)
    setattr(sys, f"__{name}__", new)


class _Output(io.FileIO):
    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OutputError(error.errno, error.strerror) from None


class _Error(io.FileIO):
    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    plain = "".join(PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode("ascii") for c in text)
    return plain, error.end


def _handle_error(self: logging.Handler, record: logging.LogRecord) -> None:
    # Logging would print a traceback for every message to a pipe that nobody reads.
    if isinstance(sys.exc_info()[1], OutputError):
        raise
    logging.Handler.handleError(self, record)


def _open_closed_ones() -> None:
    for descriptor, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(descriptor)
            if getattr(sys, name) is not None:
                continue
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)
            os.set_inheritable(descriptor, True)
        stream = open(descriptor, mode, encoding="utf-8", closefd=False)  # noqa: SIM115  # as long as the process
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
