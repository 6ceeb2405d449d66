"""Explorer pages of short runs, and the page's own arithmetic in node."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import torch

from aevb.data.labels import with_labels
from aevb.evaluation.loading import load_run
from aevb.explorer import write_page
from aevb.explorer.weights import Precision, rounded
from aevb.models.vae import VAE
from helpers.short_runs import train

__all__ = ["NODE", "Page", "evaluate", "make_pages", "open_pages"]

RUNS = {
    "bernoulli": (),
    "gaussian": (
        *("model=gaussian", "latent_dim=5", "hidden_dim=[20,12,15]", "+model.decoder.min_std=0.05"),
        *("model.decoder.activation=gelu", "model.encoder.activation=leaky_relu"),
    ),
    "unit_gaussian": ("model=unit_gaussian", "model.decoder.activation=softplus", "+model.encoder.variance=0.01"),
    "conditional": ("model=conditional", "hidden_dim=[20,12]"),
    "mixture": ("model/prior=mixture", "model.prior.components=3", "objective=sgvb_a"),
    "vamp": ("model/prior=vamp", "model.prior.components=7", "objective=sgvb_a", "latent_dim=3"),
}


class Page(NamedTuple):
    """An explorer and what it was made of. model: in float64, with the weights that the page carries; x: with labels behind."""

    file: Path
    run: Path
    model: VAE
    x: torch.Tensor

    def images(self, count: int) -> list[dict[str, Any]]:
        """The pixels and the class of the first images, as the page's arithmetic takes them."""
        pixels, y = self.model.split(self.x[:count])
        classes = y.argmax(-1).tolist() if y.shape[-1] else [0] * count
        return [{"x": x.tolist(), "y": label} for x, label in zip(pixels, classes, strict=True)]


def make_pages(folder: Path) -> None:
    """Trains the runs in a folder and writes an explorer for each beside it."""
    for name, overrides in RUNS.items():
        write_page([train(folder / name, 30_000, *overrides)], folder / f"{name}.html")


def open_pages(folder: Path) -> dict[str, Page]:
    """By name of the decoder or the prior: J = 2, 5, 2, 2, 2, 3."""
    pages = {}
    for name in RUNS:
        run, file = folder / name, folder / f"{name}.html"
        loaded = load_run(run)
        precision: Precision = "float16" if '"precision":"float16"' in file.read_text() else "float32"
        x = torch.from_numpy(with_labels(loaded.dataset.load(), loaded.classes).test.x[:40]).double()
        pages[name] = Page(file, run, rounded(loaded.model, precision), x)
    return pages


NODE = shutil.which("node")

PROGRAM = r"""
const fs = require("fs"), page = fs.readFileSync(process.argv[2], "utf8");
const part = (id) => page.match(new RegExp(`<script[^>]* id="${id}">([^]*?)</script>`))[1];
const info = JSON.parse(part("models"))[0], weights = JSON.parse(part("weights-0"));
const input = JSON.parse(fs.readFileSync(0, "utf8"));
const body = part("arithmetic") + ";const model = buildModel(info, weights);" + fs.readFileSync(process.argv[3], "utf8");
console.log(JSON.stringify(new Function("info", "weights", "input", body)(info, weights, input)));
"""


def evaluate(page: Path, script: str, argument: Any, folder: Path) -> Any:
    """What `script`, the body of a function of `model`, `info` and `input`, returns.

    Args:
        page: an explorer.
        script: JavaScript that ends with `return`.
        argument: `input`, anything that JSON holds.
        folder: where the program is written.
    """
    program, body = folder / "program.js", folder / "body.js"
    program.write_text(PROGRAM)
    body.write_text(script)
    command = [str(NODE), str(program), str(page), str(body)]
    done = subprocess.run(command, input=json.dumps(argument), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
