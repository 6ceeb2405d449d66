"""An evaluator applied to all images of a split, block by block.

Each image has a random stream of its own, which depends on its position in the split, so the values do not depend on
the block size or on the order; only fitted_bound ends the fits of all images of a block together. In a process group the
ranks share whole blocks: every image counts once, and the values are the same as on one device. A single process can save
partial results and can resume after it was killed (aevb.evaluators.partial). On a CPU it computes several blocks at the
same time, each in one thread as it would be alone, so the values have the same bits on any number of cores.
"""

import ctypes
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from aevb.console.progress import Bar
from aevb.errors import UserError
from aevb.evaluators.checks import checked_summary, checked_values
from aevb.evaluators.evaluator import Evaluation, Evaluator
from aevb.evaluators.partial import Partial
from aevb.models.vae import VAE
from aevb.noise import FirstDraws, RowNoise

__all__ = ["in_order", "run_over"]

Block = TypeVar("Block")
Result = TypeVar("Result")


def run_over(
    evaluator: Evaluator,
    model: VAE,
    x: Tensor,
    seed: int,
    bar: Bar | None = None,
    partial: Partial | None = None,
    known: Evaluation | None = None,
    first_draws: FirstDraws | None = None,
    cores: int = 1,
) -> Evaluation:
    """Apply an evaluator to all images, block by block.

    In a process group every rank calls this function, and every rank receives the whole result.

    Args:
        evaluator: The evaluator.
        model: The model.
        x: Images, (n, D).
        seed: The seed of the noise.
        bar: A progress bar, which advances by one for each image.
        partial: The file of partial results, for a single process only; the evaluation resumes from it.
        known: The evaluation of the first of these images, or of more, with the same model and seed: whole blocks of
            them are not evaluated again.
        first_draws: Where noise is kept for the next evaluation with the same seed; None: nowhere.
        cores: How many blocks a CPU evaluates at the same time; the values do not depend on it.

    Returns:
        The values of all images and the summary.

    Raises:
        UserError: If the evaluator does not support the model, or x is no tensor (n, D) of values that p(x|z) has.
    """
    _check_shape(x)
    evaluator.check(model)
    model.check_images(x)
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_available() and dist.is_initialized() else (0, 1)
    device = next(model.parameters(), x).device
    # The arrays are filled in place: thousands of small results between large temporaries would
    # prevent the allocator from reusing the memory of the temporaries.
    own_values: dict[str, Tensor] = {}
    done = 0
    if partial is not None:
        own_values, done = partial.load(len(x))
    elif known is not None:
        whole_blocks = min(known.n, len(x)) // evaluator.images * evaluator.images
        done = len(x) if known.n == len(x) else whole_blocks
        own_values = {name: _padded(value[:done], len(x), rank == 0) for name, value in known.values.items()}
    if bar is not None:
        bar.advance(done)

    def values_of(block: range) -> dict[str, Tensor]:
        noise = RowNoise(seed, evaluator.name, block, device, first_draws)
        values = evaluator.values(model, x[block.start : block.stop].to(device), noise)
        return checked_values(evaluator, values, len(block))

    rows = range(len(x))
    blocks = [rows[start : start + evaluator.images] for start in rows[done :: evaluator.images]]
    own_blocks = blocks[rank::world]
    results = in_order(values_of, own_blocks, cores if device.type == "cpu" and world == 1 else 1)
    for block, result in zip(own_blocks, results, strict=True):
        if own_values and own_values.keys() != result.keys():
            raise _other_names(evaluator, own_values.keys() ^ result.keys())
        for name, value in result.items():
            own_values.setdefault(name, torch.zeros(len(x), dtype=torch.float64))[block.start : block.stop] = value
        if bar is not None:
            bar.advance(sum(map(len, blocks[:world])))  # those that the other ranks have evaluated meanwhile, too
        del blocks[:world]
        if partial is not None:
            partial.save(own_values, block.stop)
    if bar is not None:
        bar.advance(sum(map(len, blocks)))
    values = _combine_ranks(own_values, world)
    summary = checked_summary(evaluator, evaluator.summary(model, x.to(device), values))
    return Evaluation(values, evaluator.primary_value, summary)


def _check_shape(x: object) -> None:
    # numpy arrays and images with rows and columns are what other libraries take.
    if not isinstance(x, Tensor):
        raise UserError(f"x: {type(x).__name__}; allowed: a tensor (n, D); try: torch.as_tensor(x)")
    if x.dim() != 2:
        remedy = "x.flatten(1)" if x.dim() > 2 else "x.reshape(1, -1)"
        raise UserError(f"x: shape {tuple(x.shape)}; allowed: a tensor (n, D); try: {remedy}")


def _other_names(evaluator: Evaluator, names: set[str]) -> UserError:
    # Images without the value would count with 0 in its mean.
    return UserError(
        f"evaluator={evaluator.name}: {type(evaluator).__name__}.values returned {', '.join(sorted(names))} for some blocks of images "
        "only; allowed: the same names for all; try: torch.full((len(x),), torch.nan) where there is no value"
    )


def _padded(values: Tensor, num_images: int, counted: bool) -> Tensor:
    # As long as the split; zero on the ranks that do not count the values.
    whole = torch.zeros(num_images, dtype=values.dtype)
    if counted:
        whole[: len(values)] = values
    return whole


def _combine_ranks(own_values: dict[str, Tensor], world: int) -> dict[str, Tensor]:
    """Combine the rows of all ranks; the rows of the other ranks are zero."""
    if world == 1:
        return own_values
    parts: list[dict[str, Tensor]] = [{} for _ in range(world)]
    dist.all_gather_object(parts, own_values)
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: torch.stack([part[name] for part in parts if name in part]).sum(0) for name in names}


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
    lock, is_over = threading.Lock(), threading.Event()

    def call(block: Block) -> Result:
        own = threading.get_ident()
        with lock:
            if is_over.is_set():  # the thread was between two blocks when they were abandoned
                raise _Abandoned
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
            is_over.set()
            _abandon(busy)  # after an error or an interrupt; Python does not end before its threads
        pool.shutdown(cancel_futures=True)


class _Abandoned(BaseException):
    """Ends a block whose result is no longer wanted."""


def _abandon(threads: set[int]) -> None:
    for thread in threads:  # each ends as soon as the operation of torch that it is in has ended
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_Abandoned))
