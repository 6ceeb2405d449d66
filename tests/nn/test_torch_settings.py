"""What a command sets in torch for its own process."""

import ctypes
from typing import Any

import pytest
import torch

from aevb.nn.torch_settings import default_torch_settings, set_up_process
from aevb.optimizers.torch import adam


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU, whose library torch may open")
def test_a_step_of_adam_opens_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTORCH_NVML_BASED_CUDA_CHECK", "1")  # as Lightning sets it when it is imported
    opened: list[Any] = []

    class Library(ctypes.CDLL):
        def __init__(self, name: str | None, *arguments: Any, **options: Any) -> None:
            opened.append(name)
            super().__init__(name, *arguments, **options)

    monkeypatch.setattr(ctypes, "CDLL", Library)
    weight = torch.nn.Parameter(torch.ones(3))
    weight.grad = torch.ones(3)
    optimizer = adam([weight])
    optimizer.step()
    assert opened, "torch's Adam no longer looks for a GPU: the setting can go"
    with default_torch_settings():
        set_up_process(torch.get_num_threads(), torch.get_float32_matmul_precision(), "torch")
        opened.clear()
        optimizer.step()
    assert opened == []
