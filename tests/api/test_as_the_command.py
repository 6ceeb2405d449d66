"""Evaluations from Python and from the command line; and what the table imports."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import aevb
from helpers.commands import aevb as command
from helpers.figure_runs import plant_model

pytestmark = pytest.mark.process


@pytest.mark.slow
def test_evaluate_has_the_numbers_of_the_command(tmp_path):
    """Digit by digit, and the values of every image, whatever the caller has set torch to."""
    import torch

    runs = [plant_model(tmp_path / "ours", "data=digits", "latent_dim=2"), tmp_path / "command"]
    shutil.copytree(runs[0], runs[1])
    options = ("evaluator=importance", "evaluator.importance.samples=30", "num_images=40", "split=train", "seed=3")
    result = command("evaluate", f"run={runs[1]}", *options, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    torch.set_default_dtype(torch.float64)
    try:
        evaluated = aevb.load(runs[0]).evaluate(
            "importance", samples=30, num_images=40, split="train", seed=3, progress=False
        )
    finally:
        torch.set_default_dtype(torch.float32)
    expected_file = runs[1] / "evaluation" / "importance-train-k30-first40.json"
    assert evaluated.path == runs[0] / "evaluation" / expected_file.name
    record = json.loads(expected_file.read_text())
    for key in ("mean", "standard_error", "values", "identity", "settings", "n", "split", "quantity", "meaning"):
        assert evaluated.record[key] == record[key]
    with np.load(expected_file.with_suffix(".npz")) as values:
        assert (evaluated.values["log_px"] == values["log_px"]).all()
    assert evaluated.mean == record["mean"]
    assert evaluated.standard_error == record["standard_error"]
    assert f"log_px = {record['mean']:.3f} ± {record['standard_error']:.3f}" in repr(evaluated)


def test_the_table_does_not_wait_for_torch():
    code = "import sys, aevb\ntry:\n    aevb.runs('/nowhere')\nexcept aevb.errors.UserError:\n    pass\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
