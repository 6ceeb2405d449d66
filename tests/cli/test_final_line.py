"""The line that a run ends with."""

import json
from pathlib import Path

import pytest

from aevb.cli.sweep import PlannedRun
from aevb.cli.train import _report, final_values
from aevb.errors import ReportedError
from aevb.files.atomic import write_json
from helpers.figure_runs import plant


def test_an_estimate_is_named_by_what_it_estimates(tmp_path):
    run = plant(tmp_path, "data=digits", train={100: -30.0, 1000: -20.0})
    done = json.loads((run / "DONE").read_text())
    values = {"bound": -21.5, "importance": -20.25, "information": 1.5}
    done["test"] = {name: {"mean": mean, "standard_error": 0.125} for name, mean in values.items()}
    write_json(run / "DONE", done)
    assert final_values(run) == (
        "; test bound -21.50 ± 0.12; test log p(x) by importance sampling -20.25 ± 0.12; test information 1.50 ± 0.12"
    )


def test_a_run_that_was_trained_was_not_refused_before_it_began(tmp_path: Path) -> None:
    # On a full disk there is no file FAILED either; the reason was printed when it ended.
    plan = PlannedRun(tmp_path, {}, "resume", lambda: None)
    with pytest.raises(ReportedError, match=r"^ended for the reason above$"):
        _report(plan, 2, True)
