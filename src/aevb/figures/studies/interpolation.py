"""Interpolation between two test images: means of p(x|z) on the line between the means of their q(z|x)."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas

from aevb.data.image_grid import image_grid
from aevb.errors import UserError
from aevb.figures.common.base import Drawing, Figure
from aevb.figures.common.images import drawn_aspect, show
from aevb.figures.common.origin import provenance
from aevb.figures.common.run_choice import caption, representatives, with_continuous_latents, with_latent_dim
from aevb.figures.common.style import dataset
from aevb.runs.run import Run
from aevb.types import NonNegativeInt, PositiveInt

__all__ = ["Interpolation", "line"]

SIZE = 0.55  # of an image, inches


class Interpolation(Figure):
    """A row per data set and latent dimension: the first image, the decoded line, the second image.

    Args:
        labels: The classes of the two images, which are the first of their class in the test split. Of a data
            set without these classes the first and the last image are used.
        steps: The number of points on the line, including its ends.
        latent_dims: The latent dimensions to show; None for all.
        data_root: The folder of the data; None for the folder that the run used.
    """

    name = "interpolation"
    command = "aevb-train latent_dim=2,20 max_samples=1e6 -m"

    def __init__(
        self,
        labels: tuple[NonNegativeInt, NonNegativeInt] = (3, 8),
        steps: PositiveInt = 11,
        latent_dims: list[PositiveInt] | None = None,
        data_root: str | None = None,
    ) -> None:
        if steps < 2:
            raise UserError(
                f"figure.steps={steps}: a line has two ends; allowed: an integer >= 2; try: figure.steps=11"
            )
        self.labels, self.steps, self.latent_dims, self.data_root = labels, steps, latent_dims, data_root

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs of the selected latent dimensions, with continuous z (see `Figure.wanted`)."""
        return with_latent_dim(with_continuous_latents(runs), self.latent_dims)

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the rows (see `Figure.compose`)."""
        from aevb.evaluation.trained_model import TrainedModel

        chosen = representatives(runs)
        widest = max(drawn_aspect(run.done["shape"]) for run in chosen.values())
        canvas = Canvas(figsize=(1.3 + SIZE * widest * (self.steps + 2), (SIZE + 0.12) * len(chosen) + 0.45))
        rows: list[dict[str, Any]] = []
        for i, ((data, latent_dim), run) in enumerate(chosen.items()):
            model = TrainedModel(run.directory, self.data_root, trusted)
            test = model.test()
            index = self._ends(test.label)
            x = test.x[index]
            means = model.encode(x).mean
            z = line(means[0], means[1], self.steps)
            pictures = np.concatenate([x[:1], model.decode(z), x[1:]]).reshape(-1, *model.shape)
            ax = canvas.add_subplot(len(chosen), 1, i + 1)
            picture = image_grid(pictures, self.steps + 2, 2)
            show(ax, picture)
            ax.set_ylabel(f"{dataset(data)}\n$N_z = {latent_dim}$", rotation=0, ha="right", va="center")
            if i == 0:
                width = picture.shape[1] / (self.steps + 2)
                ax.set_xticks(
                    [width / 2, width * (self.steps + 2) / 2, width * (self.steps + 1.5)],
                    ["image", "decoded line", "image"],
                )
                ax.tick_params(top=False, bottom=False, labeltop=True, labelbottom=False)
            for share, value in zip(np.linspace(0, 1, self.steps), z, strict=True):
                facts = {
                    "data": data,
                    "latent_dim": latent_dim,
                    "from": int(index[0]),
                    "to": int(index[1]),
                    "share": float(share),
                }
                rows.append({**facts, "z": " ".join(map(str, value.tolist())), **provenance(run)})
        text = caption(
            "Means of p(x|z) on the line between the means of q(z|x) of two test images, which stand at the ends.",
            chosen,
        )
        return Drawing(rows, canvas, text=text)

    def _ends(self, label: np.ndarray) -> np.ndarray:
        classes = np.unique(label)
        if len(classes) == 1:
            return np.array([0, len(label) - 1])
        missing = [value for value in self.labels if value not in classes]
        if missing:
            allowed = ", ".join(map(str, classes))
            present = list(dict.fromkeys([*(value for value in self.labels if value in classes), *classes.tolist()]))
            raise UserError(
                f"figure.labels={list(self.labels)}: no test image is a {missing[0]}; allowed: {allowed}; "
                f"try: figure.labels=[{present[0]},{present[1]}]"
            )
        first, second = (np.flatnonzero(label == value) for value in self.labels)
        return np.array([first[0], second[1 if self.labels[0] == self.labels[1] and len(second) > 1 else 0]])


def line(start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    """Return evenly spaced points on a line, including its ends.

    Args:
        start: The first point, (J,).
        end: The last point, (J,).
        steps: The number of points.

    Returns:
        The points, (steps, J).
    """
    share = np.linspace(0, 1, steps, dtype=start.dtype)[:, None]
    return (1 - share) * start + share * end
