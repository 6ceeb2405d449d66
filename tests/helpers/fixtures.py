"""Fixtures that tests of several packages share.

What loads torch is imported in the fixtures: with several workers, the process that hands the tests out needs none of it.
"""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from aevb import runs
from aevb.runs.run import Run
from helpers.made_once import made_once

LATENT_DIMS = {f"digits-z{latent_dim}": latent_dim for latent_dim in (2, 5, 10, 20)}


@pytest.fixture(scope="session")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Run directories by their names in TensorBoard; one from the command line, its variants from the worker."""
    folder = made_once(tmp_path_factory, "sweep", _train_sweep)
    return {f"{name}/tb": folder / name for name in LATENT_DIMS}


def _train_sweep(folder: Path) -> None:
    from aevb.training import train_run
    from helpers.small_run import change, settings_of_a_small_run

    with TemporaryDirectory() as scratch:
        settings = settings_of_a_small_run(Path(scratch))
    for name, latent_dim in LATENT_DIMS.items():
        runs.prepare(folder / name, change(settings, latent_dim=latent_dim, max_samples=20_000, name=name))
        train_run.run(folder / name)


@pytest.fixture(scope="session")
def tensorboard(sweep: dict[str, Path]) -> Iterator[str]:
    """Address of a TensorBoard that shows the sweep; ends with the tests."""
    logdir = next(iter(sweep.values())).parent
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir), "--host", "127.0.0.1", "--port", "0"]
    command += ["--samples_per_plugin", "images=100"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    timer = threading.Timer(60, process.kill)  # a server that never speaks must not hold the tests
    timer.start()
    lines = []
    try:
        for line in process.stderr or ():
            lines.append(line)
            if match := re.search(r"http://127\.0\.0\.1:\d+/", line):
                timer.cancel()
                yield match.group()
                return
        pytest.fail("TensorBoard did not start: " + "".join(lines))
    finally:
        timer.cancel()
        process.terminate()
        process.wait(timeout=30)
        if process.stderr:
            process.stderr.close()


@pytest.fixture(scope="session")
def mnist_run():
    """(model, test images): N_z = 2, 40 units, 600 minibatches of 100."""
    root = os.environ.get("AEVB_DATA")
    if root is None or not (Path(root) / "MNIST").is_dir():
        pytest.skip("AEVB_DATA names no folder with MNIST")
    import torch

    from aevb.data.mnist import MNIST
    from aevb.models.bernoulli import BernoulliDecoder
    from aevb.models.gaussian import GaussianEncoder
    from aevb.models.prior import StandardNormal
    from aevb.models.vae import VAE
    from aevb.noise import Noise

    data = MNIST(root=root).load()
    model = VAE(GaussianEncoder(784, 2, 40), BernoulliDecoder(784, 2, 40), StandardNormal(2), "glorot")
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    train = torch.from_numpy(data.train.x)
    for step in range(600):
        x = train[(step * 100) % 50_000 :][:100]
        qz_x = model.encoder(x)
        z = qz_x.rsample(Noise(0, "train", step))
        loss = (qz_x.kl(model.prior()) - model.decoder(z).log_prob(x)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval(), torch.from_numpy(data.test.x)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run to 3000 samples: marks at 100, 200, 300, 500, 1000, 2000 and 3000."""
    from helpers.short_runs import train

    return train(tmp_path_factory.mktemp("undisturbed") / "run", 3000)


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> tuple[Run, Run]:
    """To 1e5 samples in float64, uninterrupted, on one device and on two: a mixed sweep."""
    from helpers.running import by_devices, pair

    arguments = "trainer=default,ddp", "trainer.precision=64", "max_samples=1e5"
    return by_devices(made_once(tmp_path_factory, "whole", lambda folder: pair(folder, *arguments)))


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory, and the environment as it was afterwards."""
    before = dict(os.environ)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)
