"""The blocks of an evaluation, several at the same time on the cores of a CPU.

The blocks of images are independent and have noise of their own, and each is computed by one thread as it would be
alone. So the values have the same bits on any number of cores.
"""

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

    def call(block: Block) -> Result:
        with torch.inference_mode(inference), torch.set_grad_enabled(gradients):  # each thread has modes of its own
            return function(block)

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
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt does not wait for the blocks that are begun
