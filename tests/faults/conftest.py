"""The run that was never disturbed."""

from pathlib import Path

import pytest

from faults.short_runs import train


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run to 3000 samples: marks at 100, 200, 300, 500, 1000, 2000 and 3000."""
    return train(tmp_path_factory.mktemp("undisturbed") / "run", 3000)
