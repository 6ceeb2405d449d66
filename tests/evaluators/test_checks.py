"""A wrong evaluator of a user is refused in one line that names it; the right one has the same values with a graph."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.evaluators.blocks import run_over
from aevb.evaluators.checks import built
from aevb.evaluators.evaluator import Evaluator
from aevb.models.linear import LinearGaussianDecoder, LinearGaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE

MODULE = "evaluators.test_checks"


class Squares(Evaluator):
    """The squared error of each image, with the graph of its computation."""

    name, primary_value, images = "squares", "square", 3

    def values(self, model: VAE, x: Tensor, noise: Any) -> dict[str, Tensor]:
        return {"square": ((model.decoder(model.encoder(x).mean).mean - x) ** 2).sum(1)}

    @property
    def settings(self) -> dict[str, int | float | str]:
        return {}


class MeanOfAll(Squares):
    def values(self, model: VAE, x: Tensor, noise: Any) -> dict[str, Tensor]:
        return {"square": super().values(model, x, noise)["square"].mean().detach()}


class ForEachPixel(Squares):
    def values(self, model: VAE, x: Tensor, noise: Any) -> dict[str, Tensor]:
        return {"square": x**2}


class NoNames(Squares):
    def values(self, model: VAE, x: Tensor, noise: Any) -> Any:
        return super().values(model, x, noise)["square"]


class OtherName(Squares):
    primary_value = "error"


class OfNumpy(Squares):
    def values(self, model: VAE, x: Tensor, noise: Any) -> Any:
        return {"square": super().values(model, x, noise)["square"].detach().numpy()}


class NoBlocks(Squares):
    images = 0


class InAFolder(Squares):
    name = "my/squares"


class NoProperty(Squares):
    def settings(self) -> dict[str, int | float | str]:  # type: ignore[override]
        return {}


class TensorAsSetting(Squares):
    @property
    def settings(self) -> Any:
        return {"scale": torch.ones(2)}


class NotNamed(Evaluator):
    primary_value, images, values, settings = "square", 3, Squares.values, Squares.settings


class NoEvaluator:
    pass


@pytest.fixture
def model() -> VAE:
    return VAE(LinearGaussianEncoder(4, 2), LinearGaussianDecoder(4, 2), StandardNormal(2), "glorot")


def test_values_with_a_graph_are_taken_without_it(model: VAE) -> None:
    x = torch.rand(8, 4, generator=torch.Generator().manual_seed(0))
    values = run_over(Squares(), model, x, seed=0).values["square"]
    assert not values.requires_grad
    torch.testing.assert_close(values.float(), Squares().values(model, x, None)["square"].detach())


@pytest.mark.parametrize(
    ("evaluator", "returned"),
    [
        (MeanOfAll, "square as a tensor () for 3 images; allowed: a dictionary of tensors (3,)"),
        (ForEachPixel, "square as a tensor (3, 4) for 3 images"),
        (NoNames, "a tensor (3,) for 3 images"),
        (
            OtherName,
            "values named square for 3 images; allowed: a dictionary of tensors (3,), one number for each image, with error",
        ),
        (OfNumpy, "square as a ndarray for 3 images"),
    ],
)
def test_what_is_not_one_number_for_each_image_is_refused(
    evaluator: type[Evaluator], returned: str, model: VAE
) -> None:
    with pytest.raises(UserError) as refusal:
        run_over(evaluator(), model, torch.rand(8, 4), seed=0)
    assert str(refusal.value).startswith(f"evaluator=squares: {evaluator.__name__}.values returned {returned}")
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("NoBlocks", "evaluator.own: NoBlocks has images=0, which is no number of images in a block"),
        ("InAFolder", "evaluator.own: InAFolder has the name 'my/squares', and files are named by it"),
        ("NoProperty", "evaluator.own: NoProperty has a method settings, which is no property"),
        ("TensorAsSetting", "evaluator.own: TensorAsSetting has settings of which scale is a tensor (2,)"),
        ("NotNamed", "evaluator.own: NotNamed has no name"),
        (
            "NoEvaluator",
            f"evaluator.own._target_={MODULE}.NoEvaluator: makes a NoEvaluator; allowed: a subclass of Evaluator",
        ),
    ],
)
def test_a_class_that_is_no_evaluator_is_refused(name: str, wrong: str) -> None:
    assert list(built({"own": {"_target_": f"{MODULE}.Squares"}}, (MODULE,))) == ["own"]
    with pytest.raises(UserError) as refusal:
        built({"own": {"_target_": f"{MODULE}.{name}"}}, (MODULE,))
    assert str(refusal.value).startswith(wrong)


class Summarised(Squares):
    """States about the split what a test gives."""

    def __init__(self, stated: Any, marked: tuple[str, ...] = ()) -> None:
        self.stated, self.marked = stated, marked

    def summary(self, model: VAE, x: Tensor, values: dict[str, Tensor]) -> Any:
        return self.stated


def test_a_summary_of_numpy_and_torch_is_stored(model: VAE) -> None:
    """It ended in a traceback of json after the training."""
    stated = {"a": np.float32(0.5), "b": torch.tensor(2.0), "c": np.arange(2), "d": [np.int64(3)], "e": {"f": (1, "x")}}
    summary = run_over(Summarised(stated), model, torch.rand(4, 4), seed=0).summary
    assert summary == {"a": 0.5, "b": 2.0, "c": [0, 1], "d": [3], "e": {"f": [1, "x"]}}
    assert type(summary["a"]) is float


@pytest.mark.parametrize(
    ("stated", "marked", "returned"),
    [
        (3.0, (), "a float"),
        ({"mean": 3.0}, (), "mean, which is an entry of every evaluation"),
        ({}, ("largest",), "no largest, which is one of `marked`"),
        ({"model": object()}, (), "model as a object"),
    ],
)
def test_a_summary_that_cannot_be_recorded_is_refused(
    stated: Any, marked: tuple[str, ...], returned: str, model: VAE
) -> None:
    """`mean` took the place of the mean over the images."""
    with pytest.raises(UserError) as refusal:
        run_over(Summarised(stated, marked), model, torch.rand(4, 4), seed=0)
    assert str(refusal.value).startswith(f"evaluator=squares: Summarised.summary returned {returned}; allowed: ")


class SomeBlocks(Squares):
    def values(self, model: VAE, x: Tensor, noise: Any) -> dict[str, Tensor]:
        square = super().values(model, x, noise)
        return {**square, "whole": square["square"]} if len(x) == 3 else square


def test_values_of_some_blocks_only_are_refused(model: VAE) -> None:
    """The images of other blocks counted with 0."""
    with pytest.raises(UserError, match=r"SomeBlocks\.values returned whole for some blocks of images only"):
        run_over(SomeBlocks(), model, torch.rand(8, 4), seed=0)


def test_two_evaluators_that_write_the_same_files_are_refused() -> None:
    """The second replaced what the first had written."""
    bound = {"_target_": "aevb.evaluators.bound.Bound"}
    few, many = ({"_target_": "aevb.evaluators.importance.Importance", "samples": k} for k in (5, 50))
    assert len(built({"few": few, "many": many, "bound": bound, "parts": bound}, ())) == 4
    with pytest.raises(UserError, match=r"^evaluator\.ten: writes the files of evaluator\.bound, bound-SPLIT\.json"):
        built({"bound": bound, "ten": {**bound, "samples": 10}}, ())
