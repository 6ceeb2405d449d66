"""The blocks of an evaluation on several cores: the same bits, in the same order, and errors and interrupts as without."""

import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

from aevb.errors import UserError
from aevb.evaluators import blocks
from aevb.evaluators.blocks import in_order, run_over
from aevb.evaluators.importance import Importance
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.gaussian import GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import FirstDraws


@pytest.fixture
def model() -> VAE:
    torch.manual_seed(0)
    return VAE(GaussianEncoder(12, 3, 8), BernoulliDecoder(12, 3, 8), StandardNormal(3))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(5, 12).numpy(), "x: ndarray; allowed: a tensor (n, D); try: torch.as_tensor(x)"),
        (torch.zeros(5, 3, 4), "x: shape (5, 3, 4); allowed: a tensor (n, D); try: x.flatten(1)"),
        (torch.zeros(12), "x: shape (12,); allowed: a tensor (n, D); try: x.reshape(1, -1)"),
    ],
    ids=["numpy", "rows and columns", "one image"],
)
def test_images_of_another_shape_are_refused_in_one_line(model: VAE, x: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        run_over(Importance(samples=30), model, x, 0)


@pytest.mark.parametrize("cores", [2, 5])
def test_the_values_have_the_same_bits(model: VAE, cores: int) -> None:
    x = torch.rand(23, 12)
    evaluator, kept = Importance(samples=30, batch_size=10), FirstDraws()  # five images a block
    alone = run_over(evaluator, model, x, 0)
    for _ in range(2):  # also with noise that was kept
        together = run_over(evaluator, model, x, 0, first_draws=kept, cores=cores)
        for name, value in alone.values.items():
            torch.testing.assert_close(together.values[name], value, rtol=0, atol=0, equal_nan=True)


def test_several_blocks_at_the_same_time_in_order() -> None:
    meeting = threading.Barrier(3, timeout=30)

    def block(number: int) -> int:
        meeting.wait()  # fails unless three blocks are computed at once
        return number

    assert list(in_order(block, range(9), 3)) == list(range(9))


def test_no_more_blocks_are_begun_than_are_wanted() -> None:
    begun: list[int] = []

    def block(number: int) -> int:
        begun.append(number)
        return number

    results: Iterator[int] = in_order(block, range(1000), 2)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert len(begun) <= 3


def test_modes_of_torch_hold_in_every_thread() -> None:
    tiny = torch.tensor(1e-40)

    def modes(_: int) -> tuple[bool, bool, int, float]:
        return torch.is_inference_mode_enabled(), torch.is_grad_enabled(), torch.get_num_threads(), (tiny * 1).item()

    for inference, gradients, flush in ((False, True, False), (False, False, True), (True, False, False)):
        torch.set_flush_denormal(flush)
        with torch.inference_mode(inference), torch.set_grad_enabled(gradients):
            here = modes(0)
            assert set(in_order(modes, range(8), 4)) == {here}
        assert (here[-1] == 0) == flush
    torch.set_flush_denormal(False)


def test_an_error_of_a_block_is_raised_in_its_turn() -> None:
    results = in_order(lambda number: 6 // (2 - number), range(4), 2)
    assert [next(results), next(results)] == [3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_an_interrupt_does_not_wait_for_the_blocks() -> None:
    def block(number: int) -> int:
        for _ in range(number * 600):  # a minute for the second block
            time.sleep(0.1)
        return number

    results = in_order(block, range(3), 2)
    assert next(results) == 0
    begin = time.monotonic()
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - begin < 30
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("evaluation")]


def test_no_block_begins_after_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, has_ended, main = [], threading.Event(), threading.get_ident()

    class Slow(ThreadPoolExecutor):
        def shutdown(self, *arguments: bool, **options: bool) -> None:
            time.sleep(0.5)  # in which a thread may take the block that waits
            super().shutdown(*arguments, **options)

    def block(number: int) -> int:
        begun.append(number)
        if number == 1:
            time.sleep(0.2)  # until the third block waits
            signal.pthread_kill(main, signal.SIGINT)
        has_ended.wait(60)
        return number

    monkeypatch.setattr(blocks, "ThreadPoolExecutor", Slow)
    monkeypatch.setattr(blocks, "_abandon", lambda threads: has_ended.set())  # both blocks end by themselves just then
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # that of a command would note the signal
    try:
        with pytest.raises(KeyboardInterrupt):
            next(in_order(block, range(9), 2))
    finally:
        signal.signal(signal.SIGINT, handler)
    assert sorted(begun) == [0, 1]
