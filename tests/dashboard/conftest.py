"""A finished sweep over latent_dim = 2, 5, 10, 20 and a real TensorBoard on it."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aevb import runs
from aevb.training import train_run
from dashboard.small_run import change, settings_of_a_small_run

LATENT_DIMS = (2, 5, 10, 20)


@pytest.fixture(scope="session")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Run directories by their names in TensorBoard; one from the command line, its variants from the worker."""
    folder = tmp_path_factory.mktemp("sweep")
    settings = settings_of_a_small_run(tmp_path_factory.mktemp("settings"))
    directories = {}
    for latent_dim in LATENT_DIMS:
        name = f"digits-z{latent_dim}"
        runs.prepare(folder / name, change(settings, latent_dim=latent_dim, max_samples=20_000, name=name))
        train_run.run(folder / name)
        directories[f"{name}/tb"] = folder / name
    return directories


@pytest.fixture(scope="session")
def tensorboard(sweep: dict[str, Path]) -> Iterator[str]:
    """Address of a TensorBoard that shows the sweep; ends with the tests."""
    logdir = next(iter(sweep.values())).parent
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir), "--host", "127.0.0.1", "--port", "0"]
    command += ["--samples_per_plugin", "images=100"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    timer = threading.Timer(60, process.kill)  # a server that never speaks must not hold the tests
    timer.start()
    said = []
    try:
        for line in process.stderr or ():
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                timer.cancel()
                yield found.group()
                return
        pytest.fail("TensorBoard did not start: " + "".join(said))
    finally:
        timer.cancel()
        process.terminate()
        process.wait(timeout=30)
        if process.stderr:
            process.stderr.close()
