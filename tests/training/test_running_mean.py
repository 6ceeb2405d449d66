"""The window of the training curve: the last minibatches that cover it, each by its number of datapoints."""

import math

from aevb.training.running_mean import RunningMean


def test_no_more_minibatches_than_cover_the_window() -> None:
    window = RunningMean(200)
    assert math.isnan(window.mean)
    means = []
    for bound in (1.0, 2.0, 4.0, 8.0):
        window.add(100, bound)
        means.append(window.mean)
    assert means == [1.0, 1.5, 3.0, 6.0]
    assert window.held == 200


def test_a_window_that_no_whole_number_of_minibatches_fills() -> None:
    window = RunningMean(150)
    for bound in (1.0, 2.0, 4.0):
        window.add(100, bound)
    assert (window.mean, window.held) == (3.0, 200)


def test_a_minibatch_counts_by_its_datapoints() -> None:
    window = RunningMean(1_000)
    window.add(300, -10.0)
    window.add(100, -30.0)
    assert window.mean == -15.0
    again = RunningMean(1_000)
    again.load_state_dict(window.state_dict())
    assert (again.mean, again.held) == (-15.0, 400)
