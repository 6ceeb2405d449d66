"""What a conditional model draws: a row for each class, a column for each z; the z of a column is the same in all rows.

Only the label changes down a column. What stays the same there (slant, width of the stroke) is in z, and what changes is in y.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas

from aevb.data.image_grid import image_grid
from aevb.figures.common.base import Drawing, Figure
from aevb.figures.common.images import GAP, drawn_aspect, show
from aevb.figures.common.origin import provenance
from aevb.figures.common.run_choice import caption
from aevb.figures.common.style import dataset
from aevb.runs.run import Run
from aevb.types import PositiveInt, Seed

__all__ = ["Conditional"]

CAPTION = "Means of p(x|z, y): a row has one label, a column one draw z ~ p(z)."

SIZE = 0.45  # height of an image, inches


class Conditional(Figure):
    """A panel per data set and latent dimension, of its longest conditional run; of equal ones, the lowest seed.

    Args:
        columns: The number of draws z ~ p(z).
        classes: The classes to show; None: the first twenty.
        seed: The seed of the draws.
        latent_dims: The latent dimensions to show; None for all.
    """

    name = "conditional"
    command = "aevb-train model=conditional max_samples=1e6"
    conditional_runs = True

    def __init__(
        self,
        columns: PositiveInt = 10,
        classes: list[int] | None = None,
        seed: Seed = 0,
        latent_dims: list[PositiveInt] | None = None,
    ) -> None:
        self.columns, self.classes, self.seed, self.latent_dims = columns, classes, seed, latent_dims

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the conditional runs of the selected latent dimensions (see `Figure.wanted`)."""
        drawn = [run for run in runs if "num_classes" in run.done]
        return [run for run in drawn if self.latent_dims is None or run.settings["latent_dim"] in self.latent_dims]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the panels (see `Figure.compose`)."""
        from aevb.evaluation.trained_model import TrainedModel

        chosen: dict[tuple[str, int], Run] = {}
        for run in sorted(runs, key=lambda run: (-run.done["samples_seen"], run.settings["seed"], run.name)):
            chosen.setdefault((str(run.settings["choices"]["data"]), run.settings["latent_dim"]), run)
        classes = {key: self.classes or list(range(min(20, run.done["num_classes"]))) for key, run in chosen.items()}
        aspect = max(drawn_aspect(run.done["shape"]) for run in chosen.values())
        height = SIZE * max(map(len, classes.values())) + 0.5
        canvas = Canvas(figsize=((0.5 + SIZE * aspect * self.columns) * len(chosen), height))
        rows: list[dict[str, Any]] = []
        for i, (key, run) in enumerate(chosen.items()):
            model = TrainedModel(run.directory, trusted=trusted)
            images = [model.sample(self.columns, self.seed, labels=label) for label in classes[key]]
            picture = image_grid(np.concatenate(images).reshape(-1, *model.shape), self.columns, GAP)
            ax = canvas.add_subplot(1, len(chosen), i + 1)
            show(ax, picture)
            step = picture.shape[0] / len(classes[key])
            ax.set_yticks([(k + 0.5) * step for k in range(len(classes[key]))], list(map(str, classes[key])))
            ax.tick_params(left=False)
            ax.set_ylabel("label y")
            ax.set_xlabel("draws of z")
            ax.set_title(f"{dataset(key[0])}, $N_z = {key[1]}$")
            facts = {"data": key[0], "latent_dim": key[1], "samples_seen": run.done["samples_seen"]}
            rows += [
                {**facts, "label": label, "mean_pixel": float(part.mean()), **provenance(run)}
                for label, part in zip(classes[key], images, strict=True)
            ]
        return Drawing(rows, canvas, text=caption(CAPTION, chosen))
