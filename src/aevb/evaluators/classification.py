r"""How often a conditional model gets the class of an image wrong.

    by q(y|x)     of a model with a classifier (aevb.models.semi_supervised)
    by the bound  p(y|x) ~ exp L(x, y) / sum_y' exp L(x, y'),   L(x, y) the bound of log p(x|y), and p(y) = 1/C

The class with the highest probability is compared with the label. By the bound every conditional model is a classifier,
although it was not trained as one (Bayes' rule; L in the place of log p(x|y) is an approximation).
"""

from typing import Any, Literal, cast

import torch
from torch import Tensor

from aevb.estimators.bound_of_classes import bound_of_classes
from aevb.evaluators.evaluator import Evaluator
from aevb.models.conditional import ConditionalVAE
from aevb.models.semi_supervised import SemiSupervisedVAE
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["Classification"]

Rule = Literal["classifier", "bound"]


class Classification(Evaluator):
    """Whether the class of each image is wrong, and the cross-entropy of its label.

    Args:
        rule: "classifier": q(y|x); "bound": Bayes' rule; None: q(y|x) if the model has one, otherwise Bayes' rule.
        samples: Number of draws of z per image and class, L, for the bound.
        batch_size: Number of images per block.
    """

    name = "classification"
    primary_value = "error"
    needs_labels = True

    def __init__(self, rule: Rule | None = None, samples: PositiveInt = 1, batch_size: PositiveInt = 200) -> None:
        self.rule, self.samples, self.images = rule, samples, batch_size

    @property
    def needs_encoder(self) -> bool:
        """Whether the evaluator uses q(z|x)."""
        return True

    def unsupported(self, model: VAE) -> tuple[str, tuple[str, ...]] | None:
        """Return why a model cannot be asked for classes (see `Evaluator.unsupported`).

        Args:
            model: The model.
        """
        if self.rule == "classifier" and model.conditional and not isinstance(model, SemiSupervisedVAE):
            return "rule=classifier needs q(y|x), and this model has none", ("bound",)
        return super().unsupported(model)

    def _rule(self, model: VAE) -> Rule:
        return self.rule or ("classifier" if isinstance(model, SemiSupervisedVAE) else "bound")

    @torch.no_grad()
    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Classify each image.

        Args:
            model: The conditional model.
            x: Rows (x, y), (M, D + C).
            noise: The random stream of each image.

        Returns:
            error (0 or 1) and cross_entropy (-log p(y|x), nats), each (M,).
        """
        pixels, y = model.split(x)
        if self._rule(model) == "classifier":
            log_py_x = cast(SemiSupervisedVAE, model).log_qy_x(pixels)
        else:
            bounds = bound_of_classes(cast(ConditionalVAE, model), pixels, noise, self.samples).bound
            log_py_x = torch.log_softmax(bounds.T, -1)
        wrong = log_py_x.argmax(-1) != y.argmax(-1)
        return {"error": wrong.to(x.dtype), "cross_entropy": -log_py_x.gather(-1, y.argmax(-1, keepdim=True))[:, 0]}

    def summary(self, model: VAE, x: Tensor, values: dict[str, Tensor]) -> dict[str, Any]:
        """Count the errors of each class.

        Args:
            model: The model.
            x: All rows of the split, (n, D + C).
            values: The values of all images by name, each (n,).

        Returns:
            verdict: one sentence; rule; error_of_class: the share of wrong images of each class, null for a class without
            images.
        """
        y, wrong = model.split(x)[1].argmax(-1).cpu(), values["error"].cpu()
        classes = range(cast(ConditionalVAE, model).num_classes)
        shares = [wrong[y == c].mean().item() if (y == c).any() else None for c in classes]
        how = "q(y|x)" if (rule := self._rule(model)) == "classifier" else "the bound of each class"
        verdict = f"by {how} {100 * wrong.mean():.2f} % of {len(wrong):,} images are of another class"
        return {"verdict": verdict, "rule": rule, "error_of_class": shares}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """The rule and the number of draws L."""
        return {"rule": self.rule or "auto", "samples": self.samples}

    @property
    def suffix(self) -> str:
        """The rule, if one is chosen."""
        return "" if self.rule is None else f"-{self.rule}"
