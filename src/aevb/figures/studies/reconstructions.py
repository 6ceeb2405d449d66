"""Test images and their reconstructions: the mean of p(x|z) at the mean of q(z|x), by latent_dim."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas

from aevb.data.image_grid import image_grid
from aevb.figures.common.base import Drawing, Figure
from aevb.figures.common.images import GAP, drawn_aspect, show
from aevb.figures.common.origin import provenance
from aevb.figures.common.run_choice import caption, representatives, with_latent_dim
from aevb.figures.common.style import dataset
from aevb.runs.run import Run
from aevb.types import PositiveInt

__all__ = ["Reconstructions", "examples"]

SIZE = 0.5  # height of an image, inches


class Reconstructions(Figure):
    """Originals above their reconstructions; the images are the same for every latent dimension.

    Args:
        count: The number of images.
        latent_dims: The latent dimensions to show; None for all.
        data_root: The folder of the data; None for the folder that the run used.
    """

    name = "reconstructions"
    command = "aevb-train data=mnist latent_dim=2,5,10,20 max_samples=1e6 -m"

    def __init__(
        self, count: PositiveInt = 10, latent_dims: list[PositiveInt] | None = None, data_root: str | None = None
    ) -> None:
        self.count, self.latent_dims, self.data_root = count, latent_dims, data_root

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs of the selected latent dimensions (see `Figure.wanted`)."""
        return with_latent_dim(runs, self.latent_dims)

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose one panel per data set (see `Figure.compose`)."""
        chosen = representatives(runs)
        rows: dict[str, dict[int, Run]] = {}
        for (data, latent_dim), run in chosen.items():
            rows.setdefault(data, {})[latent_dim] = run
        height = sum(0.3 + SIZE * (1 + len(row)) for row in rows.values())
        widest = max(drawn_aspect(run.done["shape"]) for run in chosen.values())
        canvas = Canvas(figsize=(0.8 + SIZE * widest * self.count, height))
        grid = canvas.add_gridspec(len(rows), 1, height_ratios=[1 + len(row) for row in rows.values()])
        numbers: list[dict[str, Any]] = []
        for i, (data, row) in enumerate(rows.items()):
            ax = canvas.add_subplot(grid[i])
            picture = self._panel(data, row, numbers, trusted)
            show(ax, picture)
            ax.set_title(dataset(data))
            ax.set_yticks(
                [(k + 0.5) * picture.shape[0] / (1 + len(row)) for k in range(1 + len(row))],
                ["original", *(f"$N_z = {latent_dim}$" for latent_dim in row)],
            )
            ax.tick_params(left=False)
        return Drawing(
            numbers, canvas, text=caption("Test images above the means of p(x|z) at the mean of q(z|x).", chosen)
        )

    def _panel(
        self, data: str, runs: dict[int, Run], numbers: list[dict[str, Any]], trusted: tuple[str, ...]
    ) -> np.ndarray:
        from aevb.evaluation.trained_model import TrainedModel

        images: list[np.ndarray] = []
        for latent_dim, run in runs.items():
            model = TrainedModel(run.directory, self.data_root, trusted)
            test = model.test()
            index = examples(test.label, self.count)
            x = test.x[index]
            if not images:
                images.append(x)
            images.append(model.reconstruct(x))
            facts = {
                "data": data,
                "latent_dim": latent_dim,
                "samples_seen": run.done["samples_seen"],
                **provenance(run),
            }
            error = np.square(images[-1] - x).mean(-1)
            numbers += [
                {"test_index": int(i), "label": int(test.label[i]), "mean_square_error": float(e), **facts}
                for i, e in zip(index, error, strict=True)
            ]
        return image_grid(np.concatenate(images).reshape(-1, *model.shape), self.count, GAP)


def examples(label: np.ndarray, count: int) -> np.ndarray:
    """Choose images by a fixed rule: the first of every class, then the second of every class, and so on.

    With one class only, the images are evenly spaced in the split.

    Args:
        label: The classes, (N,).
        count: The number of images.

    Returns:
        The positions of the images in their split, (count,).
    """
    classes = np.unique(label)
    if len(classes) == 1:
        return np.linspace(0, len(label) - 1, min(count, len(label))).round().astype(int)
    rank = np.empty(len(label), dtype=int)  # how many of its class come before an image
    for value in classes:
        members = np.flatnonzero(label == value)
        rank[members] = np.arange(len(members))
    return np.lexsort((label, rank))[:count]
