"""A wrong evaluator of a user is refused in one line that names it; the right one has the same values with a graph."""

from typing import Any

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
