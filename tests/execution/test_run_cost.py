"""The arithmetic of `--estimate`, against runs that were counted by hand."""

from pathlib import Path

import pytest

from aevb.execution.cost_queue import kind
from aevb.execution.run_cost import EvaluatorCost, RunCost, Timing, evaluation_points, run_time, wall_seconds
from aevb.runs import Run
from helpers.commands import TINY, settings
from helpers.short_runs import train

POINTS = {"start": 1, "every": None, "num_images": 10, "final_images": None, "splits": "test"}


def config(**evaluation: object) -> dict[str, object]:
    return {"max_samples": 400, "evaluation": {**POINTS, **evaluation}}


def test_points_of_a_finished_run_are_the_rows_of_its_metrics(tmp_path: Path) -> None:
    run = Run(train(tmp_path / "run", 900, "evaluation.start=200"))
    rows = [int(seen) for seen in run.metrics()["samples_seen"]]
    batch = run.settings["batch_size"]
    points = {-(-point // batch) * batch for point in evaluation_points(run.settings, 0)}  # at the end of a minibatch
    assert sorted(points) == rows


def test_points_from_the_start_and_from_a_checkpoint() -> None:
    assert list(evaluation_points(config(), 0)) == [1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 400]
    assert list(evaluation_points(config(start=30, every=150), 0)) == [30, 50, 100, 150, 200, 300, 400]
    assert list(evaluation_points(config(), 200)) == [300, 400]
    assert list(evaluation_points(config(start=1000), 0)) == [400]  # the end is always one


def test_a_line_through_two_measurements() -> None:
    line = EvaluatorCost.of(Timing(2.0 + 0.5 * 3, 3), Timing(2.0 + 0.5 * 12, 12))
    assert line.seconds(100) == pytest.approx(52.0)
    assert line.seconds(0) == 0.0
    assert EvaluatorCost.of(Timing(1.0, 3), Timing(0.5, 12)) == EvaluatorCost(0.5)  # noise: more images in less time


def test_time_of_a_run_by_hand() -> None:
    cost = RunCost(0.01, {"bound": EvaluatorCost(2.0), "importance": EvaluatorCost(1.0, 0.1)}, [], 5.0, 30)
    time = run_time(config(start=200, splits="both"), 0, cost)  # points 200, 300, 400
    assert time.training == pytest.approx(4.0)
    assert time.evaluation == pytest.approx(3 * (2.0 + 2 * (1.0 + 0.1 * 10)) + 1.0 + 0.1 * 20)
    assert time.total == pytest.approx(4.0 + time.evaluation + 5.0)
    selected = {**config(start=400), "selection": {"learning_rates": [0.01, 0.1], "samples": 1000}}
    assert run_time(selected, 0, cost).training == pytest.approx(24.0)
    assert run_time(selected, 100, cost).training == pytest.approx(3.0)  # the trials are over


def test_runs_that_begin_as_a_core_is_free() -> None:
    assert wall_seconds([3.0, 1.0, 1.0, 1.0], 2) == 3.0
    assert wall_seconds([1.0, 1.0, 3.0], 2) == 4.0
    assert wall_seconds([1.0, 2.0], 1) == 3.0
    assert wall_seconds([], 2) == 0.0


def test_a_record_gives_the_cost_again() -> None:
    cost = RunCost(0.01, {"ais": EvaluatorCost(0.5, 1.5)}, ["quadrature"], 5.0, 30)
    assert RunCost.of(cost.record()) == cost


def test_seeds_and_budgets_are_one_kind_and_sizes_are_not() -> None:
    first = kind(settings(*TINY))
    assert kind(settings(*TINY, "seed=7", "max_samples=900")) == first
    assert kind(settings(*TINY, "hidden_dim=6")) != first
    assert kind(settings(*TINY, "evaluator=importance")) != first
