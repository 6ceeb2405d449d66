"""Work on many items in forked copies of this process, which send back what they computed.

Reading thousands of run directories is work of the processor, so it takes less time on several cores. Nothing else changes: the
results are in the order of the items, and where a fork is not safe, or its result does not arrive, this process does the work
itself, with the messages and the errors that it has then.
"""

import gc
import itertools
import os
import pickle
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import IO, NoReturn, TypeVar

__all__ = ["forked", "map_forked"]

FEWEST = 400
"""Items of a process; fewer take less time than the fork."""
MOST_PROCESSES = 8
OWN_SHARE = 1.2
"""Items of this process in shares of the others, which have their results to send as well."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_forked(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return `[function(item) for item in items]`, computed by as many processes as there are cores that this one may use.

    Args:
        function: What is computed. It changes nothing but its result, which can be pickled.
        items: The arguments.
    """
    count = max(1, min(_cores(), MOST_PROCESSES, len(items) // FEWEST))
    shares = count - 1 + OWN_SHARE
    ends = [0, *(round(len(items) * (part + OWN_SHARE) / shares) for part in range(count))]
    parts: list[Callable[[], list[Result]]] = [
        partial(_map, function, items[start:end]) for start, end in itertools.pairwise(ends)
    ]
    with ExitStack() as stack:
        parts[1:] = [stack.enter_context(forked(part)) for part in parts[1:]]
        return [result for part in parts for result in part()]


def _map(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    return list(map(function, items))


@contextmanager
def forked(compute: Callable[[], Result], is_long: bool = True) -> Iterator[Callable[[], Result]]:
    """Start a computation in a forked process, and give a function that waits for its result.

    Args:
        compute: What is computed. It changes nothing but its result, which can be pickled. It runs in this process, when the
            result is asked for, if there is no second core, a fork is not safe, or the process fails.
        is_long: Whether it takes longer than a fork; if not, it runs in this process.

    Yields:
        The function. The process ends with the context at the latest.
    """
    if not is_long or _cores() < 2:
        yield compute
        return
    receiving, sending = os.pipe()
    try:
        with warnings.catch_warnings():  # of the idle threads of numpy's library, which survives forks
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
    except OSError:  # too many processes
        os.close(receiving)
        os.close(sending)
        yield compute
        return
    if not pid:
        os.close(receiving)  # so that it does not wait for ever for a parent that was killed
        _send(compute, sending)
    os.close(sending)
    try:
        with open(receiving, "rb") as pipe:
            yield lambda: _received(pipe, compute)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _cores() -> int:
    """The processes that may work; 1 where a fork is not safe: beside other threads, torch or JAX, or elsewhere than on Linux.

    Also 1 while all cores of the machine are busy: then sending the results takes longer than a second process saves.
    """
    if sys.platform != "linux" or threading.active_count() > 1 or {"torch", "jax"} & sys.modules.keys():
        return 1
    from aevb.console.imports import memory_limit  # here, as other systems have no such limits

    is_busy = os.getloadavg()[0] >= (os.cpu_count() or 1)
    return 1 if is_busy or memory_limit() is not None else len(os.sched_getaffinity(0))


def _send(compute: Callable[[], object], sending: int) -> NoReturn:
    # Nothing of the parent's is run at the end of the child: no handlers, no buffers are flushed.
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        gc.disable()
        result = pickle.dumps(compute(), pickle.HIGHEST_PROTOCOL)
        with open(sending, "wb") as pipe:
            pipe.write(result)
    finally:
        os._exit(0)


def _received(pipe: IO[bytes], compute: Callable[[], Result]) -> Result:
    try:
        return pickle.load(pipe)  # type: ignore[no-any-return]
    except (EOFError, pickle.UnpicklingError):
        return compute()
