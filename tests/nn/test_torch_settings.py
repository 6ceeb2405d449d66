"""What a command sets in torch for its own process."""

import ctypes
from pathlib import Path
from typing import Any

import pytest
import torch

from aevb.nn.torch_settings import default_torch_settings, set_up_process
from aevb.optimizers.torch import adam
from helpers.commands import python


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


@pytest.mark.parametrize(("precision", "tf32"), [("highest", False), ("high", True), ("medium", True)])
def test_convolutions_have_the_precision_of_matrix_products_and_one_result(precision: str, tf32: bool) -> None:
    """torch's own default is TF32, and a kernel whose result may change from run to run."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic
    with default_torch_settings():
        set_up_process(torch.get_num_threads(), precision, "torch")
        assert torch.get_float32_matmul_precision() == precision
        assert torch.backends.cudnn.allow_tf32 is tf32
        assert torch.backends.cudnn.deterministic
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic) == before


NEWER = """
import torch
from aevb.nn.torch_settings import default_torch_settings, set_up_process
from helpers.commands import python
nodes = torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn, torch.backends.mkldnn.matmul
torch.backends.{0}.fp32_precision = "{1}"
before = [node.fp32_precision for node in nodes]
with default_torch_settings():
    set_up_process(1, "highest", "torch")
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cudnn.allow_tf32
assert [node.fp32_precision for node in nodes] == before, [node.fp32_precision for node in nodes]
"""


@pytest.mark.process
@pytest.mark.skipif(not hasattr(torch.backends, "fp32_precision"), reason="this torch has the older interface only")
@pytest.mark.parametrize(
    ("node", "precision"), [("cuda.matmul", "tf32"), ("cudnn.conv", "ieee"), ("mkldnn.matmul", "bf16")]
)
def test_a_user_may_have_set_precisions_by_the_newer_interface(node: str, precision: str, tmp_path: Path) -> None:
    """In a process of its own: torch does not allow to go back to the older interface."""
    done = python("-c", NEWER.format(node, precision), folder=tmp_path)
    assert done.returncode == 0, done.stderr
