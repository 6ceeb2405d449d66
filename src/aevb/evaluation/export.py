"""Write the networks of a finished run in formats that other programs read, and check what was written.

    safetensors   model.safetensors: the state_dict, with the run's name, fingerprint and settings as metadata
    onnx          encoder.onnx and decoder.onnx
    torch_export  encoder.pt2 and decoder.pt2 (torch.export.load)

The encoder maps images x (n, D) to the parameters of q(z|x), the decoder z (n, J) to those of p(x|z): `mean`
and `log_var` of a normal distribution, `mean` (the probabilities) and `logits` of a Bernoulli distribution. n
is free. The networks of a conditional model have a second input, the one-hot labels y (n, C). Every file is read
back by its own runtime and compared with the model before it is put in place.
"""

import json
import math
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor, nn

from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.errors import UserError
from aevb.evaluation.loading import LoadedRun
from aevb.files.atomic import utf8, write_atomically
from aevb.models.base import Encoder
from aevb.models.semi_supervised import SemiSupervisedVAE
from aevb.nn.matmul import matmul_backend, use_matmul_backend
from aevb.runs.run import Run

__all__ = ["FORMATS", "TOLERANCE", "ExportFormat", "export_run"]

ExportFormat = Literal["safetensors", "onnx", "torch_export"]
FORMATS: tuple[str, ...] = get_args(ExportFormat)
TOLERANCE = 1e-6
"""Largest difference between the exported networks and the model, relative to the largest output."""
ROWS = 3  # of the random inputs that are compared


class Network(NamedTuple):
    """A network that is exported.

    Attributes:
        name: "encoder", "decoder" or "classifier".
        module: The network; its outputs are tensors.
        inputs: The names of the inputs.
        example: The inputs, (ROWS, D) or (ROWS, J), and (ROWS, C) of a conditional model.
        outputs: The names of the outputs.
    """

    name: str
    module: nn.Module
    inputs: tuple[str, ...]
    example: tuple[Tensor, ...]
    outputs: tuple[str, ...]


class _Logits(nn.Module):
    """A classifier as a network of one output."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (self.classifier(x),)


class _Parameters(nn.Module):
    """A network whose output is the parameters of its distribution."""

    def __init__(self, network: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, v: Tensor, y: Tensor | None = None) -> tuple[Tensor, ...]:
        if y is None:
            distribution = self.network(v)
        elif isinstance(self.network, Encoder):
            distribution = self.network(torch.cat([v, y], -1))
        else:
            distribution = self.network(v).for_labels(y)
        # A variance that is the same for all images becomes one row for each: all outputs have the same rows.
        return torch.broadcast_tensors(*(getattr(distribution, name) for name in self.names))


def export_run(run: LoadedRun, form: ExportFormat, output_dir: Path) -> list[Path]:
    """Export the networks of a run.

    Args:
        run: The finished run.
        form: The format.
        output_dir: The folder of the files.

    Returns:
        The files that were written.

    Raises:
        UserError: If a package is missing, the model cannot be exported, or what was written differs from it.
    """
    if form == "safetensors":
        _need("safetensors", form)
        return [_write(output_dir / "model.safetensors", partial(_safetensors, run))]
    if form == "onnx":
        for package in ("onnxscript", "onnxruntime"):
            _need(package, form)
    before = matmul_backend()
    use_matmul_backend("torch")  # the operators of other programs are those of torch, not of one of its libraries
    try:
        write, suffix = (_onnx, "onnx") if form == "onnx" else (_torch_export, "pt2")
        return [_write(output_dir / f"{network.name}.{suffix}", partial(write, network)) for network in _networks(run)]
    finally:
        use_matmul_backend("onednn" if before == "onednn" else "torch")


def _networks(run: LoadedRun) -> list[Network]:
    model, generator = run.model, torch.Generator().manual_seed(0)
    dtype = next(model.parameters()).dtype
    sizes = {"decoder": run.settings["latent_dim"], "encoder": math.prod(run.shape)}
    labels = () if run.classes is None else (torch.eye(run.classes, dtype=dtype)[torch.arange(ROWS) % run.classes],)
    networks = []
    for name in ("encoder", "decoder") if model.has_encoder else ("decoder",):
        example = torch.rand((ROWS, sizes[name]), generator=generator, dtype=dtype), *labels
        with torch.no_grad():
            distribution = model.encoder(torch.cat(example, -1)) if name == "encoder" else model.decoder(example[0])
            if labels and name == "decoder":
                distribution = distribution.for_labels(*labels)
        outputs, inputs = _outputs(distribution, name, run), ("x" if name == "encoder" else "z", "y")
        module = _Parameters(getattr(model, name), outputs).eval()
        networks.append(Network(name, module, inputs[: len(example)], example, outputs))
    if isinstance(model, SemiSupervisedVAE):
        images = torch.rand((ROWS, sizes["encoder"]), generator=generator, dtype=dtype)
        networks.append(Network("classifier", _Logits(model.classifier).eval(), ("x",), (images,), ("logits",)))
    return networks


def _outputs(distribution: Any, name: str, run: LoadedRun) -> tuple[str, ...]:
    if isinstance(distribution, Bernoulli):
        return ("mean", "logits")
    if isinstance(distribution, DiagonalNormal):
        return ("mean", "log_var")
    raise UserError(
        f"run={run.directory}: the {name} returns {type(distribution).__name__}; allowed for onnx and torch_export: "
        "a normal or a Bernoulli distribution; try: format=safetensors"
    )


def _safetensors(run: LoadedRun, path: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = {name: value.contiguous() for name, value in run.model.state_dict().items()}
    facts = {
        "name": utf8(run.directory.name).decode(),
        "fingerprint": Run(run.directory).fingerprint,
        "format": "pt",
    }
    save_file(state, path, {**facts, "settings": json.dumps(run.settings)})
    stored = load_file(path)
    if stored.keys() != state.keys() or not all(torch.equal(stored[name], value) for name, value in state.items()):
        raise UserError(f"{path.name}: does not hold the weights of the run; try: another version of safetensors")


def _onnx(network: Network, path: Path) -> None:
    import onnxruntime

    with warnings.catch_warnings():
        # The two inputs of a conditional model share the axis n, which torch warns of.
        warnings.filterwarnings("ignore", "# The axis name: n will not be used", UserWarning)
        program = torch.onnx.export(
            network.module,
            network.example,
            input_names=list(network.inputs),
            output_names=list(network.outputs),
            dynamic_shapes=_batch(network),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.save(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [item.name for item in session.get_inputs()]
    _compare(network, lambda *v: session.run(None, dict(zip(names, (part.numpy() for part in v), strict=True))), path)


def _torch_export(network: Network, path: Path) -> None:
    program = torch.export.export(network.module, network.example, dynamic_shapes=_batch(network), strict=False)
    torch.export.save(program, path)
    loaded = torch.export.load(path).module()
    _compare(network, lambda *v: loaded(*v), path)


def _batch(network: Network) -> tuple[dict[int, Any], ...]:
    # The first axis of every input is free, and the same for all.
    n = torch.export.Dim("n")
    return tuple({0: n} for _ in network.example)


def _compare(network: Network, call: Callable[..., Any], path: Path) -> None:
    """Compare with the model on the example and on another number of rows."""
    first, *labels = network.example
    # Other labels are one-hot too: at rows that a model has not seen, its outputs may be large, and so may be their rounding.
    more = torch.cat([first, 1 - first]), *(torch.cat([y, y.roll(1, -1)]) for y in labels)
    for v in (network.example, more):
        with torch.no_grad():
            expected = network.module(*v)
            outputs = call(*v)
        for name, value, wanted in zip(network.outputs, outputs, expected, strict=True):
            stored, wanted = torch.as_tensor(value).detach().numpy(), wanted.detach()  # an output may be a parameter
            difference = float(np.abs(stored - wanted.numpy()).max() / max(1, float(wanted.abs().max())))
            if not difference <= TOLERANCE:
                raise UserError(
                    f"{path.name}: {name} differs from the model by {difference:.2g}; allowed: {TOLERANCE:g} of its largest "
                    "value; try: format=safetensors, or another version of the runtime"
                )


def _write(path: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` fill a temporary file, then put it in place as a whole."""
    with TemporaryDirectory() as folder:
        staged = Path(folder) / path.name
        write(staged)
        content = staged.read_bytes()
    write_atomically(path, lambda file: file.write(content))
    return path


def _need(package: str, form: str) -> None:
    if find_spec(package) is None:
        raise UserError(
            f"format={form}: needs {package}, which is not installed; allowed without it: format=torch_export; "
            "try: pip install 'aevb[export]'"
        )
