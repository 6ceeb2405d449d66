"""The blocks of an evaluation, several at the same time on the cores of a CPU.

The blocks of images are independent and have noise of their own, and each is computed by one thread as it would be
alone. So the values have the same bits on any number of cores.
"""

import ctypes
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

__all__ = ["in_order"]

Block = TypeVar("Block")
Result = TypeVar("Result")


def in_order(function: Callable[[Block], Result], blocks: Sequence[Block], cores: int) -> Iterator[Result]:
    """Apply a function to every block, and yield the results in the order of the blocks.

    Args:
        function: Computes the result of one block. It is called in other threads if there is more than one core.
        blocks: The blocks.
        cores: How many blocks are computed at the same time, at most.

    Yields:
        The result of each block. An error of the function is raised where its result would be yielded.
    """
    cores = min(cores, len(blocks))
    if cores <= 1:
        yield from map(function, blocks)
        return
    inference, gradients = torch.is_inference_mode_enabled(), torch.is_grad_enabled()
    busy: set[int] = set()
    lock = threading.Lock()

    def call(block: Block) -> Result:
        own = threading.get_ident()
        with lock:
            busy.add(own)
        try:
            with torch.inference_mode(inference), torch.set_grad_enabled(gradients):  # each thread has its own modes
                return function(block)
        finally:
            with lock:
                busy.discard(own)

    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(cores, "evaluation", initializer=torch.set_num_threads, initargs=(threads,))
    pending: deque[Future[Result]] = deque()
    try:
        for block in blocks:
            pending.append(pool.submit(call, block))
            if len(pending) > cores:  # no more, for results take memory
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        with lock:
            _abandon(busy)  # after an error or an interrupt; Python does not end before its threads
        pool.shutdown(cancel_futures=True)


class _Abandoned(BaseException):
    """Ends a block whose result is no longer wanted."""


def _abandon(threads: set[int]) -> None:
    for thread in threads:  # each ends as soon as the operation of torch that it is in has ended
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_Abandoned))
