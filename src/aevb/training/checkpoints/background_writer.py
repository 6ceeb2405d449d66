"""Files written by another thread while training continues, in the order in which they were given.

After a kill the disk holds what it would hold if training had waited for every write, except for the
last files: each file is replaced as a whole, one after another, and nothing is written after an error.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

__all__ = ["BackgroundWriter"]


class BackgroundWriter:
    """One thread that writes files in order, as a context manager.

    Leaving the context waits for all writes, also after an exception. It raises the error of a write,
    unless another exception is being raised. The thread is started at the first write, since a
    process may be forked before that.
    """

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
        """Queue a write.

        Args:
            write: Called in the thread after all earlier writes, unless one of them failed.

        Returns:
            A future that is done when the write is, whether it succeeded or not.
        """
        self._last = self._thread.submit(self._run, write)
        return self._last

    def check(self) -> None:
        """Raise the error of a write, if there was one, at every call; do not wait."""
        if self._failure is not None:
            raise self._failure

    def wait(self) -> None:
        """Wait until everything is written, then `check`."""
        if self._last is not None:
            self._last.result()
        self.check()

    def _run(self, write: Callable[[], object]) -> None:
        if self._failure is None:
            try:
                write()
            except BaseException as failure:
                self._failure = failure
