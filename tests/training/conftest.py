"""Runs that several files compare with."""

import fcntl

import pytest

from aevb.runs.run import Run, finished
from running import by_devices, pair


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> tuple[Run, Run]:
    """To 1e5 samples in float64, uninterrupted, on one device and on two: a mixed sweep. Made once for all workers of pytest."""
    folder = tmp_path_factory.mktemp("unused").parent
    if folder.name.startswith("popen-"):  # a worker's own
        folder = folder.parent
    folder /= "whole"
    folder.mkdir(exist_ok=True)
    with (folder / "LOCK").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if len(finished(folder)) < 2:
            pair(folder, "trainer=default,ddp", "trainer.precision=64", "max_samples=1e5")
    return by_devices(folder)
