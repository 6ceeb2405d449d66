"""What the diagnosing evaluators leave behind: numbers per image, and findings about the split."""

import json
import math

import pytest
import torch

from aevb.estimators.mutual_information import units
from aevb.evaluators.blocks import run_over
from aevb.evaluators.inference_gap import InferenceGap
from aevb.evaluators.information import Information
from aevb.evaluators.record import record
from helpers.oracles import data, linear_gaussian


def test_the_summary_of_the_whole_split_is_written(tmp_path):
    model, x = linear_gaussian(), data(40)
    evaluator = Information(samples=2, batch_size=7)
    evaluation = run_over(evaluator, model, x, seed=0)
    path = record(tmp_path, evaluator, evaluation, "test", None)
    result = json.loads(path.read_text())
    assert (path.name, result["n"], result["quantity"]) == ("information-test.json", 40, "mutual_information")
    mean = {name: value["mean"] for name, value in result["values"].items()}
    assert mean["kl"] == pytest.approx(mean["mutual_information"] + mean["marginal_kl"])
    assert mean["bound"] == pytest.approx(mean["reconstruction"] - mean["kl"])
    assert result["ceiling"] == pytest.approx(math.log(40))
    assert sum(result["kl_per_dimension"]) == pytest.approx(mean["kl"])
    use = units(model, x)
    assert result["variance_of_mean"] == pytest.approx(use.variance.tolist())
    assert result["active_units"] == 2
    assert "all units active: 2 of 2" in result["verdict"]


def test_the_histogram_counts_every_image_and_dimension_once():
    model, x = linear_gaussian(), data(40)
    histogram = run_over(Information(), model, x, seed=0).summary["log_var_histogram"]
    counts, edges = histogram["counts"], histogram["edges"]
    assert sum(counts) == 80
    assert [count for count in counts if count] == [40, 40]  # log-variances -0.5 and -1.0 for every image
    at = [edges[i] for i, count in enumerate(counts) if count]
    assert at == pytest.approx([-1.0, -0.5])


def test_a_mutual_information_near_its_limit_is_pointed_out():
    """log 100 = 4.61 nats."""
    model, x = linear_gaussian(), data(100)
    values = {"kl": torch.full((100,), 5.0), "mutual_information": torch.full((100,), 3.6)}
    clear = "mutual information 3.60 of at most log N = 4.61 nats"
    assert Information().summary(model, x, values)["verdict"].endswith(clear)
    values["mutual_information"] += 0.1
    assert (
        Information()
        .summary(model, x, values)["verdict"]
        .endswith(
            "3.70 of at most log N = 4.61 nats; this is near the limit, so the population has more: evaluate more images"
        )
    )


def test_one_image_carries_nothing_and_has_a_histogram():
    evaluation = run_over(Information(), linear_gaussian(), data(1), seed=0)
    assert evaluation.mean("mutual_information") == pytest.approx(0, abs=1e-12)
    assert evaluation.summary["ceiling"] == 0
    assert evaluation.summary["verdict"].startswith("the activity of units cannot be told from one image")


def test_a_diverged_model_is_called_so():
    model = linear_gaussian()
    with torch.no_grad():
        model.encoder.log_var[0] = -torch.inf
    summary = run_over(Information(), model, data(4), seed=0).summary
    assert summary["verdict"].startswith("diverged")
    assert sum(summary["log_var_histogram"]["counts"]) == 4  # of the other dimension


def test_the_gap_is_the_same_in_whatever_blocks():
    model, x = linear_gaussian(), data(7)
    settings = {"steps": 20, "draws": 2, "samples": 10}
    whole, cut = (run_over(InferenceGap(**settings, batch_size=rows), model, x, seed=3) for rows in (1000, 4))
    for name in whole.values:
        torch.testing.assert_close(whole.values[name], cut.values[name], rtol=0, atol=1e-9)
    assert whole.mean() == pytest.approx(whole.mean("approximation_gap") + whole.mean("amortisation_gap"))
    assert whole.summary == {}
