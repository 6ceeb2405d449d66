"""Panels of pictures: a row for every data set, a column for every latent dimension it has; or all in one row."""

from collections.abc import Collection

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from aevb.figures.common.style import dataset

__all__ = ["image_panels"]


def image_panels(
    places: Collection[tuple[str, int]], title: str, size: tuple[float, float]
) -> tuple[Canvas, dict[tuple[str, int], Axes]]:
    """A canvas and its axes by (data set, latent_dim).

    title: of a panel, with {data} and {latent_dim}. size: of a panel, inches.
    """
    rows: dict[str, list[int]] = {}
    for data, latent_dim in places:
        rows.setdefault(data, []).append(latent_dim)
    columns = max(map(len, rows.values()))
    upright = columns == 1  # one panel each: side by side
    down, across = (1, len(rows)) if upright else (len(rows), columns)
    canvas = Canvas(figsize=(size[0] * across, size[1] * down))
    grid = canvas.add_gridspec(down, across)
    axes = {}
    for i, (data, latent_dims) in enumerate(rows.items()):
        for j, latent_dim in enumerate(latent_dims):
            axes[data, latent_dim] = canvas.add_subplot(grid[j, i] if upright else grid[i, j])
            axes[data, latent_dim].set_title(title.format(data=dataset(data), latent_dim=latent_dim))
    return canvas, axes
