"""Keys that a user presses while a display is shown."""

import contextlib
import os
import select
import sys
import time
from typing import Any, Self

__all__ = ["Keys"]


class Keys:
    """The keyboard of a terminal, read key by key and without an echo. Elsewhere no key is ever pressed."""

    def __init__(self) -> None:
        self._saved: list[Any] | None = None

    def __enter__(self) -> Self:
        with contextlib.suppress(ImportError, OSError, ValueError):  # no termios, no terminal, a closed stdin
            import termios
            import tty

            if sys.stdin is not None and os.isatty(sys.stdin.fileno()) and _in_foreground(sys.stdin.fileno()):
                self._saved = termios.tcgetattr(sys.stdin)
                tty.setcbreak(sys.stdin)
        return self

    def __exit__(self, *error: object) -> None:
        if self._saved is not None:
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._saved)

    def pressed(self, key: str, seconds: float) -> bool:
        """Wait until a key is pressed, at most for some time.

        Args:
            key: The key.
            seconds: The time.

        Returns:
            Whether it was pressed.
        """
        end = time.monotonic() + seconds
        if self._saved is None:
            time.sleep(seconds)
            return False
        while (left := end - time.monotonic()) > 0:
            if not select.select([sys.stdin], [], [], left)[0]:
                return False
            text = os.read(sys.stdin.fileno(), 64).decode(errors="ignore")
            if key in text:
                return True
            if not text:  # the terminal is gone
                time.sleep(max(0.0, end - time.monotonic()))
        return False


def _in_foreground(terminal: int) -> bool:
    # A background job that changes the terminal is stopped by the system.
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return True  # a terminal that controls no jobs
