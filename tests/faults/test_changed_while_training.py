"""A run whose directory is changed by somebody while it trains."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aevb.runs import layout
from helpers.running import DIGITS, begin, reach


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.fault(
    "the folder of a run is renamed, or its config.yaml removed, while it trains",
    "one line at the next evaluation point, exit code 2",
)
@pytest.mark.parametrize(
    "change",
    [lambda run: run.rename(run.parent / "elsewhere"), lambda run: (run / layout.CONFIG).unlink()],
    ids=["renamed", "config.yaml removed"],
)
def test_a_change_is_reported_at_the_next_point(change: Callable[[Path], object], tmp_path: Path) -> None:
    process = begin(tmp_path, *DIGITS, "name=run", "max_samples=1e8", "+evaluation.every=1000")
    run = tmp_path / "outputs" / "runs" / "run"
    reach(process, run, 3000)
    change(run)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "config.yaml: gone while the run trains" in err.splitlines()[-1]
    assert "Traceback" not in err
