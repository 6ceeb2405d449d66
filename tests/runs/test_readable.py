"""Runs that can be read, and why the others cannot: the same by one process and by several."""

import json
from pathlib import Path

import numpy as np
import pytest

from aevb.console import forks
from aevb.runs.readable import KeptRun, readable
from aevb.runs.run import finished
from helpers.figure_runs import plant


def test_several_processes_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(6):
        plant(tmp_path, f"seed={seed}", train={100: -300.0 - seed, 1000: -200.0})
    (tmp_path / "seed2" / "metrics.csv").write_text("samples_seen,train_bound,test_bound\n100,x,1\n")
    (tmp_path / "seed5" / "DONE").write_text("{")
    (tmp_path / "seed4" / "metrics.csv").unlink()

    def read() -> tuple[list[KeptRun], dict[Path, str]]:
        return readable(KeptRun(run.directory) for run in finished(tmp_path))  # type: ignore[return-value]

    good, bad = read()
    assert [run.name for run in good] == ["seed0", "seed1", "seed3"]
    assert [directory.name for directory in bad] == ["seed2", "seed4", "seed5"]
    monkeypatch.setattr(forks, "_cores", lambda: 3)
    monkeypatch.setattr(forks, "FEWEST", 1)
    same, same_bad = read()
    assert list(same_bad.items()) == list(bad.items())
    assert same == good
    for run, other in zip(same, good, strict=True):
        assert vars(run).keys() == vars(other).keys()
        assert (run.settings, run.done, run.numbers) == (other.settings, other.done, other.numbers)
        assert all(np.array_equal(x, other.metrics()[name], equal_nan=True) for name, x in run.metrics().items())


@pytest.mark.parametrize("key", ["shape", "fingerprint", "training_seconds"])
def test_a_run_whose_done_lacks_what_figures_take_is_left_out(key: str, tmp_path: Path) -> None:
    run = plant(tmp_path, "data=digits", train={100: -300.0, 1000: -200.0})
    done = json.loads((run / "DONE").read_text())
    del done[key]
    (run / "DONE").write_text(json.dumps(done))
    good, bad = readable(KeptRun(item.directory) for item in finished(tmp_path))
    assert (good, list(bad)) == ([], [run])
    assert f"DONE: damaged ({key} is missing); try: " in bad[run]
