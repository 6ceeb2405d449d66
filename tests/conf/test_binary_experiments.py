"""Every experiment on binary latents, two minibatches of each of its runs, on digits; and the figure drawn from those of one."""

import matplotlib
import pytest

from aevb.figures.common.style import RC
from aevb.figures.studies.binary_inference import BinaryInference
from aevb.files.atomic import write_json
from aevb.runs.run import Run, finished
from aevb.training import train_run
from helpers.commands import settings

pytestmark = pytest.mark.slow

RUNS = {
    "bernoulli_latents": ("score_function", "nvil", "vimco", "arm"),
    "sigmoid_belief_network": ("arm", "exact_bound", "variational_em"),
    "maddison2017_benchmark": ("vimco",),
}
SMALL = ("data=digits", "data.targets=threshold", "logger=none", "latent_dim=4", "hidden_dim=5", "max_samples=200")
EXPECTED = {
    "bernoulli_latents": {"bound", "importance"},
    "sigmoid_belief_network": {"enumeration", "fitted_bound"},
    "maddison2017_benchmark": {"bound", "importance"},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for experiment, objectives in RUNS.items():
        for objective in objectives:
            overrides = (f"experiment={experiment}", f"objective={objective}", *SMALL)
            config = settings(
                *overrides, "evaluation.final_images=50", "evaluation.num_images=50", "evaluation.start=1"
            )
            choices = {"data": "digits", "objective": objective, "optimizer": "adam"}
            directory = folder / experiment / f"run-{objective}"
            write_json(directory / "config.yaml", {**config, "name": directory.name, "choices": choices})
            train_run.run(directory)
    return folder


@pytest.mark.parametrize(("experiment", "objective"), [(e, o) for e, objectives in RUNS.items() for o in objectives])
def test_each_run_trains_and_is_evaluated(runs, experiment, objective):
    run = Run(runs / experiment / f"run-{objective}")
    assert run.done["samples_seen"] == 200
    evaluations = {item["name"]: item["mean"] for item in run.evaluations()}
    assert set(evaluations) == EXPECTED[experiment]
    assert all(-60 < mean < -30 for mean in evaluations.values())
    if "enumeration" in evaluations:
        assert evaluations["fitted_bound"] < evaluations["enumeration"]


def test_the_figure_has_the_gaps_of_either_way(runs, tmp_path):
    with matplotlib.rc_context(RC):
        figure = BinaryInference()
        files = figure.draw(runs / "sigmoid_belief_network", tmp_path)
    assert len(figure.wanted(finished(runs / "bernoulli_latents"))) == 0
    text = files[3].read_text()
    assert text.count("| train |") == text.count("| test |") == 3
    (alone,) = [line for line in text.splitlines() if line.startswith("| variational EM | test")]
    assert alone.endswith("| – |")
    (amortised,) = [line for line in text.splitlines() if line.startswith("| DisARM | test")]
    *_, log_px, fitted, encoder, approximation, amortisation = [cell.strip() for cell in amortised.split("|")[:-1]]
    assert float(log_px) >= float(fitted) >= float(encoder)  # to two decimals
    assert float(approximation) == pytest.approx(float(log_px) - float(fitted), abs=0.011)
    assert float(amortisation) == pytest.approx(float(fitted) - float(encoder), abs=0.011)
