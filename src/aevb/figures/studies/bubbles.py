"""The posterior of each image as an ellipse mu(x) +- sigma(x) of q(z|x), in two latent dimensions.

KL(q(z|x) || p(z)) = sum 1/2 (V - log V - 1 + E^2), with V = sigma^2 and E = mu. This term pulls every
ellipse to the origin and to the radius of the prior, which is drawn as a dashed circle. The reconstruction
term moves the ellipses apart and shrinks them, so that they do not overlap.
"""

from typing import Any

import numpy as np
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgba_array

from aevb.figures.common.base import Drawing, Figure
from aevb.figures.common.image_panels import image_panels
from aevb.figures.common.origin import provenance
from aevb.figures.common.run_choice import (
    caption,
    representatives,
    with_diagonal_normal_posterior,
    with_latent_dim,
    with_standard_normal_prior,
)
from aevb.figures.common.style import DIGITS
from aevb.runs.run import Run
from aevb.types import PositiveInt

__all__ = ["Bubbles", "layers"]

OPACITY = 0.55
"""Of an ellipse, where they hardly overlap."""


class Bubbles(Figure):
    """A panel per data set.

    Args:
        count: The number of images, the first of the test split.
        data_root: The folder of the data; None for the folder that the run used.
    """

    name = "bubbles"
    command = "aevb-train latent_dim=2 max_samples=1e6"

    def __init__(self, count: PositiveInt = 300, data_root: str | None = None) -> None:
        self.count, self.data_root = count, data_root

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs with two latent dimensions, a diagonal normal q(z|x) and p(z) = N(0, I) (see `Figure.wanted`).

        The ellipse of another q(z|x) may have a slope.
        """
        chosen = with_latent_dim(with_standard_normal_prior(runs), [2])  # with a bound, and so with an encoder
        return with_diagonal_normal_posterior(chosen)

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the panels (see `Figure.compose`)."""
        from aevb.evaluation.trained_model import TrainedModel

        chosen = representatives(runs)
        canvas, axes = image_panels(chosen, "{data}", (4.6, 4.6))
        rows: list[dict[str, Any]] = []
        for (data, latent_dim), run in chosen.items():
            model = TrainedModel(run.directory, self.data_root, trusted)
            test = model.test()
            label = test.label[: self.count]
            q = model.encode(test.x[: self.count])
            sigma = np.exp(0.5 * q.log_var)
            ax = axes[data, latent_dim]
            colours = [DIGITS[value % len(DIGITS)] for value in label]
            ellipses = EllipseCollection(
                2 * sigma[:, 0],
                2 * sigma[:, 1],
                np.zeros(len(sigma)),
                units="xy",
                offsets=q.mean,
                offset_transform=ax.transData,
                facecolors=to_rgba_array(colours, OPACITY / max(1.0, layers(q.mean, sigma))),
                edgecolors=to_rgba_array(colours, OPACITY),
                linewidth=0.4,
            )
            ax.add_collection(ellipses)
            classes = np.unique(label)
            for value in classes if len(classes) > 1 else []:
                ax.plot([], [], "o", color=DIGITS[value % len(DIGITS)], markersize=5, label=str(value))
            angle = np.linspace(0, 2 * np.pi, 200)
            ax.plot(np.cos(angle), np.sin(angle), "--", color="black", linewidth=0.9, label="p(z), ±1 s.d.")
            limit = 1.05 * float((np.abs(q.mean) + sigma).max())
            ax.set_xlim(-limit, limit)
            ax.set_ylim(-limit, limit)
            ax.set_aspect("equal")
            ax.set_xlabel("$z_1$")
            ax.set_ylabel("$z_2$")
            ax.legend(
                fontsize=7, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.13), handletextpad=0.4, columnspacing=1
            )
            for i in range(len(label)):
                facts = {"data": data, "test_index": i, "label": int(label[i])}
                numbers = {
                    "z1": float(q.mean[i, 0]),
                    "z2": float(q.mean[i, 1]),
                    "sigma1": float(sigma[i, 0]),
                    "sigma2": float(sigma[i, 1]),
                }
                rows.append({**facts, **numbers, **provenance(run)})
        return Drawing(
            rows, canvas, text=caption("Ellipses mu ± sigma of q(z|x) of test images, coloured by class.", chosen)
        )


def layers(mean: np.ndarray, sigma: np.ndarray) -> float:
    """Return how many ellipses lie over a point of the smallest box that holds them all, on average.

    Args:
        mean: Their centres, (n, 2).
        sigma: Their half-axes, (n, 2).
    """
    box = np.prod((mean + sigma).max(0) - (mean - sigma).min(0))
    return float(np.pi * np.prod(sigma, axis=1).sum() / box)
