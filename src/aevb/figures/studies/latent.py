"""The latent space of a model: posterior means of test images, each drawn as the glyph of its class.

A two-dimensional latent space is shown directly. For more dimensions the first two principal components
of the posterior means are shown, and the axes are labelled accordingly.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from aevb.figures.common.base import Drawing, Figure
from aevb.figures.common.image_panels import image_panels
from aevb.figures.common.origin import provenance
from aevb.figures.common.run_choice import caption, representatives, with_latent_dim
from aevb.figures.common.style import DIGITS
from aevb.runs.run import Run
from aevb.types import PositiveInt

__all__ = ["Latent", "plane", "scatter"]


class Latent(Figure):
    """A scatter plot of posterior means.

    Args:
        latent_dims: The latent dimensions to show, at least 2.
        count: The number of images, the first of the test split.
        data_root: The folder of the data; None for the folder that the run used.
    """

    name = "latent"
    command = "aevb-train data=mnist latent_dim=2 max_samples=1e6"

    def __init__(
        self, latent_dims: list[PositiveInt] | None = None, count: PositiveInt = 2000, data_root: str | None = None
    ) -> None:
        self.latent_dims, self.count, self.data_root = latent_dims or [2], count, data_root

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs of the selected latent dimensions, at least 2 (see `Figure.wanted`)."""
        return with_latent_dim(runs, [dimension for dimension in self.latent_dims if dimension > 1])

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose a row of panels per data set (see `Figure.compose`)."""
        from aevb.evaluation.trained_model import TrainedModel

        chosen = representatives(runs)
        canvas, axes = image_panels(chosen, "{data}, $N_z = {latent_dim}$", (4.2, 4.2))
        rows: list[dict[str, Any]] = []
        for (data, latent_dim), run in chosen.items():
            model = TrainedModel(run.directory, self.data_root, trusted)
            test = model.test()
            label = test.label[: self.count]
            points, names = plane(model.encode(test.x[: self.count]).mean)
            scatter(axes[data, latent_dim], points, label, names)
            facts = {"data": data, "latent_dim": latent_dim, "axes": ", ".join(names), **provenance(run)}
            for i, (point, value) in enumerate(zip(points.tolist(), label.tolist(), strict=True)):
                rows.append({"test_index": i, "label": value, "horizontal": point[0], "vertical": point[1], **facts})
        return Drawing(rows, canvas, text=caption("Means of q(z|x) of test images, drawn as their class.", chosen))


def plane(mean: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """Project posterior means onto a plane.

    Args:
        mean: The posterior means, (n, J).

    Returns:
        The points, (n, 2), and the labels of the two axes.
    """
    if mean.shape[1] == 2:
        return mean, ("$z_1$", "$z_2$")
    centred = mean - mean.mean(0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    share = s**2 / np.square(s).sum()
    return u[:, :2] * s[:2], (
        f"first principal component ({share[0]:.0%} of variance)",
        f"second principal component ({share[1]:.0%} of variance)",
    )


def scatter(ax: Axes, points: np.ndarray, label: np.ndarray, names: tuple[str, str]) -> None:
    """Draw points as the glyphs of their classes.

    Args:
        ax: The axes to draw on.
        points: The points, (n, 2).
        label: The classes, (n,).
        names: The labels of the two axes.
    """
    classes = np.unique(label)
    for value in classes:
        members = points[label == value]
        marker = f"${value}$" if len(classes) > 1 else "o"
        size = 4.5 if len(classes) > 1 else 2.5
        ax.plot(
            *members.T,
            linestyle="",
            marker=marker,
            markersize=size,
            color=DIGITS[value % len(DIGITS)],
            mew=0.2,
            alpha=0.8,
        )
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    ax.set_aspect("equal", adjustable="datalim")
