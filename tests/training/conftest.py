"""Runs that several files compare with."""

import pytest

from aevb.runs import Run
from running import pair


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> tuple[Run, Run]:
    """To 1e5 samples in float64, uninterrupted, on one device and on two: a mixed sweep."""
    return pair(tmp_path_factory.mktemp("whole"), "trainer=default,ddp", "trainer.precision=64", "max_samples=1e5")
