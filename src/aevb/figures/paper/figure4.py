"""Figure 4: the manifolds of models with a two-dimensional latent space.

The unit square is divided into an n x n grid. The inverse CDF of the prior's components maps the centres
of the cells to latent values: z = Phi^{-1}((i + 1/2) / n), i = 0..n-1. Every cell has the same probability
under p(z), and every z is finite. The figure shows the means of p(x|z); z_1 increases to the right and
z_2 increases upwards.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas
from scipy.stats import norm

from aevb.data.image_grid import image_grid
from aevb.figures.common.base import Drawing, Figure
from aevb.figures.common.images import GAP, drawn_aspect, show
from aevb.figures.common.origin import provenance
from aevb.figures.common.run_choice import caption, representatives, with_latent_dim, with_standard_normal_prior
from aevb.figures.common.style import dataset
from aevb.runs.run import Run
from aevb.types import PositiveInt

__all__ = ["Figure4", "manifold"]

PAPER_SIDES = {"frey_face": 10, "mnist": 20}
SIDE = 15  # for data sets that are not in the paper
SIZE = 4.0  # height of a panel, inches
CAPTION = "Means of p(x|z) at z = Phi^-1((i + 1/2) / n), the centres of equally probable cells of p(z)."


class Figure4(Figure):
    """Two-dimensional manifolds.

    Args:
        side: The number of images in a row of the grid; None for the paper's 20 (MNIST) and 10 (Frey Face),
            and 15 for other data sets.
    """

    name = "figure4"
    command = "aevb-train experiment=figure4 max_samples=1e6"

    def __init__(self, side: PositiveInt | None = None) -> None:
        self.side = side

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs with a two-dimensional latent space and a normal prior (see `Figure.wanted`)."""
        return with_latent_dim(with_standard_normal_prior(runs), [2])

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose one panel per data set (see `Figure.compose`)."""
        chosen = representatives(runs)
        widths = [SIZE * drawn_aspect(run.done["shape"]) for run in chosen.values()]
        canvas = Canvas(figsize=(sum(widths) + 0.6 * len(widths), SIZE + 0.6))
        grid = canvas.add_gridspec(1, len(widths), width_ratios=widths)
        rows: list[dict[str, Any]] = []
        for i, ((data, _), run) in enumerate(chosen.items()):
            side = self.side or PAPER_SIDES.get(data, SIDE)
            z = manifold(side)
            ax = canvas.add_subplot(grid[i])
            show(ax, image_grid(_means(run, z, trusted), side, 0 if data in PAPER_SIDES else GAP), extent=(0, 1, 0, 1))
            ax.set_title(f"{dataset(data)}, {side}×{side}")
            ax.set_xlabel(r"$\Phi(z_1)$")
            ax.set_ylabel(r"$\Phi(z_2)$")
            ax.set_xticks([0, 0.5, 1], ["0", "½", "1"])
            ax.set_yticks([0, 0.5, 1], ["0", "½", "1"])
            shape = run.done["shape"]
            ax.set_aspect(1 / drawn_aspect(shape))
            facts = {"data": data, "samples_seen": run.done["samples_seen"], **provenance(run)}
            cells = enumerate(z.tolist())
            rows += [{"row": k // side, "column": k % side, "z1": z1, "z2": z2, **facts} for k, (z1, z2) in cells]
        return Drawing(rows, canvas, text=caption(CAPTION, chosen))


def manifold(side: int) -> np.ndarray:
    """Compute the latent values of the cells of the grid.

    Args:
        side: The number of cells in a row, n.

    Returns:
        The latent values, (n^2, 2), row by row: z_1 increases along a row, z_2 decreases from row to row.
    """
    z = norm.ppf((np.arange(side) + 0.5) / side)
    z1, z2 = np.meshgrid(z, z[::-1])
    return np.stack([z1.ravel(), z2.ravel()], axis=1)


def _means(run: Run, z: np.ndarray, trusted: tuple[str, ...]) -> np.ndarray:
    from aevb.evaluation.trained_model import TrainedModel

    model = TrainedModel(run.directory, trusted=trusted)
    return model.decode(z).reshape(-1, *model.shape)
