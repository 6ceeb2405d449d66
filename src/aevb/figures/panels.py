"""Panels of pictures: a row for every data set, a column for every latent dimension it has."""

from collections.abc import Collection

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from aevb.figures.style import dataset

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
    canvas = Canvas(figsize=(size[0] * columns, size[1] * len(rows)))
    grid = canvas.add_gridspec(len(rows), columns)
    axes = {}
    for i, (data, latent_dims) in enumerate(rows.items()):
        for j, latent_dim in enumerate(latent_dims):
            axes[data, latent_dim] = canvas.add_subplot(grid[i, j])
            axes[data, latent_dim].set_title(title.format(data=dataset(data), latent_dim=latent_dim))
    return canvas, axes
