"""Panels of images: one row per data set and one column per latent_dim, or all panels in one row."""

from collections.abc import Collection

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from aevb.figures.common.style import dataset

__all__ = ["image_panels"]


def image_panels(
    panels: Collection[tuple[str, int]], title: str, size: tuple[float, float]
) -> tuple[Canvas, dict[tuple[str, int], Axes]]:
    """Create a canvas with one panel per data set and latent dimension.

    If every data set has one panel only, the panels are placed side by side.

    Args:
        panels: The panels as pairs (data set, latent_dim).
        title: The title of a panel, with the fields {data} and {latent_dim}.
        size: The width and height of one panel, inches.

    Returns:
        The canvas, and its axes by (data set, latent_dim).
    """
    rows: dict[str, list[int]] = {}
    for data, latent_dim in panels:
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
