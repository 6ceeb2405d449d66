"""What is not finite is found, and named in one line with the step and a remedy."""

from pathlib import Path

import pytest
import torch
from torch import nn

from aevb.training.checkpoints.io import SavedCheckpoint
from aevb.training.divergence import Diverged, DivergenceWatch

NAN, INF = torch.tensor(float("nan")), torch.tensor(float("inf"))
ONE = torch.tensor(1.0)


@pytest.fixture
def watch() -> DivergenceWatch:
    return DivergenceWatch(nn.Linear(2, 3), 7, lambda: None)


def test_bounds_of_a_finite_block(watch: DivergenceWatch) -> None:
    updates = [(10, {"loss": ONE, "bound": -ONE}), (0, {"loss": ONE}), (20, {"loss": ONE, "bound": -3 * ONE})]
    assert watch.finite_bounds(updates) == [(10, -1.0), (20, -3.0)]
    assert watch.finite_bounds([]) == []


@pytest.mark.parametrize("stats", [{"loss": NAN}, {"loss": ONE, "bound": INF}, {"loss": -INF, "bound": ONE}])
def test_a_loss_or_bound_that_is_not_finite(watch: DivergenceWatch, stats: dict[str, torch.Tensor]) -> None:
    assert watch.finite_bounds([(10, {"loss": ONE, "bound": ONE}), (10, stats)]) is None
    with pytest.raises(Diverged, match="diverged at samples_seen=20"):
        watch.check("gradient", {}, stats, 20)


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_a_parameter_that_is_not_finite(watch: DivergenceWatch, value: torch.Tensor) -> None:
    watch.module.get_parameter("weight").data[1, 1] = value
    assert watch.finite_bounds([(10, {"loss": ONE, "bound": ONE})]) is None


def test_the_error_is_one_line_with_step_and_remedy() -> None:
    watch = DivergenceWatch(nn.Linear(2, 3), 7, lambda: SavedCheckpoint(Path("run/last.ckpt"), 500))
    weight, bias = watch.module.parameters()
    watch.check("gradient", {weight: torch.zeros(3, 2), bias: None}, {"loss": ONE}, 600)
    with pytest.raises(Diverged) as error:
        watch.check("gradient", {weight: NAN, bias: torch.zeros(3)}, {"loss": INF, "bound": ONE}, 600)
    assert str(error.value) == (
        "training diverged at samples_seen=600 (seed 7): loss and the gradient of weight not finite; loss=inf, bound=1; "
        "the last good checkpoint is run/last.ckpt, at samples_seen=500; try: a smaller optimizer.lr"
    )
