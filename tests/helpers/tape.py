"""A stand-in for a CUDA graph on a CPU: operations on tensors are recorded once and repeated without Python.

A stand-in that called the function again would hide the typical errors with graphs: a number that Python read
or drew once, a tensor that is created anew while the graph reads the old one, state that is not a tensor. Here,
as in a CUDA graph, nothing is computed during the recording, reading a number from the device or sending one to
it is refused, and a replay uses the same tensors at the same addresses.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

__all__ = ["Tape"]

REFUSED = {  # a number to the host, and (torch.tensor) one from it
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.is_nonzero.default,
    torch.ops.aten.nonzero.default,
    torch.ops.aten.lift_fresh.default,
}


class _Recording(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, Any, Any, Any]] = []
        self.before: dict[int, tuple[Tensor, Tensor]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in REFUSED:
            raise RuntimeError("operation not permitted when stream is capturing")
        kwargs = kwargs or {}
        if _writes(func):
            for tensor in _tensors(_written(func, args, kwargs)):
                self.before.setdefault(id(tensor), (tensor, tensor.detach().clone()))
        out = func(*args, **kwargs)
        if func.namespace != "profiler":
            self.operations.append((func, args, kwargs, out))
        return out


def _writes(func: Any) -> bool:
    return any(argument.alias_info is not None and argument.alias_info.is_write for argument in func._schema.arguments)


def _written(func: Any, args: Any, kwargs: Any) -> list[Any]:
    # The arguments that an operation writes to: its own, in place, or `out`.
    values = {argument.name: value for argument, value in zip(func._schema.arguments, args, strict=False)} | kwargs
    return [
        values[argument.name]
        for argument in func._schema.arguments
        if argument.alias_info is not None and argument.alias_info.is_write and argument.name in values
    ]


def _tensors(value: Any) -> list[Tensor]:
    return [leaf for leaf in tree_flatten(value)[0] if isinstance(leaf, Tensor)]


def _is_view(func: Any) -> bool:
    returns = func._schema.returns
    return not _writes(func) and any(value.alias_info is not None for value in returns)


class Tape:
    """`aevb.training.cuda_graph.Capture` on a CPU. recorded, replayed: how often."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    @contextmanager
    def side_stream(self) -> Iterator[None]:
        yield

    def record(self, body: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
        recording = _Recording()
        with recording:
            result = body()
        self.recorded += 1
        with torch.no_grad():
            for tensor, old in reversed(recording.before.values()):
                tensor.copy_(old)
            for func, args, kwargs, out in recording.operations:
                if not _writes(func) and not _is_view(func):
                    inside = {tensor.untyped_storage().data_ptr() for tensor in _tensors((args, kwargs))}
                    for tensor in _tensors(out):
                        if tensor.is_floating_point() and tensor.untyped_storage().data_ptr() not in inside:
                            tensor.fill_(float("nan"))

        @torch.no_grad()
        def replay() -> None:
            self.replayed += 1
            for func, args, kwargs, out in recording.operations:
                if _is_view(func):
                    continue
                again = func(*args, **kwargs)
                if not _writes(func):
                    for kept, new in zip(_tensors(out), _tensors(again), strict=True):
                        kept.copy_(new)

        return result, replay
