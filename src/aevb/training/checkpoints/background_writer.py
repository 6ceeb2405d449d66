"""Writing beside training: what waits for the disk is done by another thread, in the order in which it was asked for.

A kill finds on the disk what it would have found if training had waited, but for the last that was handed over: files come whole
and one after another, and after one that was refused there comes none.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

__all__ = ["BackgroundWriter"]


class BackgroundWriter:
    """A thread, begun at the first use, since a process may be forked before it. Leaving waits for it, whatever has happened, and
    raises what was refused, if nothing else is being raised."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "writer")
        self._last: Future[None] | None = None
        self._failure: BaseException | None = None

    def __enter__(self) -> "BackgroundWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._thread.shutdown()
        if kind is None:
            self.check()

    def __call__(self, write: Callable[[], object]) -> Future[None]:
        """Has `write` called after everything before it, if nothing of that was refused; what it returns is done when that is."""
        self._last = self._thread.submit(self._do, write)
        return self._last

    def check(self) -> None:
        """Raises what a `write` has raised, as often as it is asked; waits for nothing."""
        if self._failure is not None:
            raise self._failure

    def wait(self) -> None:
        """Until everything is written; raises as `check`."""
        if self._last is not None:
            self._last.result()
        self.check()

    def _do(self, write: Callable[[], object]) -> None:
        if self._failure is None:
            try:
                write()
            except BaseException as failure:
                self._failure = failure
