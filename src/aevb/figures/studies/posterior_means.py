"""The latent space during training: posterior means of test images by class, as a strip and an animation.

The means are recorded by a run with logger=posterior_means. All frames have the same axes, so that the
growth of the latent space is visible.
"""

import io
from typing import IO, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from PIL import Image

from aevb.errors import UserError
from aevb.figures.common.base import Drawing, Figure
from aevb.figures.common.origin import provenance
from aevb.figures.common.style import DIGITS, dataset
from aevb.loggers.posterior_means import read_posterior_means
from aevb.runs import layout
from aevb.runs.run import Run
from aevb.types import PositiveInt

__all__ = ["PosteriorMeans"]

DOTS = 72  # an inch, in the animation
MILLISECONDS = 600  # a frame
SIDE = 2.2  # of a panel of the strip, inches


class PosteriorMeans(Figure):
    """A strip and a GIF of the longest run that recorded its posterior means.

    The strip shows the beginning, the end and evaluation points between them; the GIF shows all.

    Args:
        panels: The largest number of panels in the strip.
        from_samples: The samples_seen of the first evaluation point that is shown after the beginning.
    """

    name = "posterior_means"
    command = "aevb-train experiment=posterior_means"

    def __init__(self, panels: PositiveInt = 6, from_samples: PositiveInt = 10_000) -> None:
        self.panels, self.from_samples = panels, from_samples

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs with two latent dimensions and recorded means, the longest first.

        See `Figure.wanted`.
        """
        selected = [
            run
            for run in runs
            if run.settings["latent_dim"] == 2 and (run.directory / layout.POSTERIOR_MEANS).is_file()
        ]
        return sorted(selected, key=lambda run: (-run.done["samples_seen"], run.name))

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the strip, the animation and the table of all points (see `Figure.compose`)."""
        run = runs[0]
        seen, means, label = read_posterior_means(run.directory)
        kept = [i for i, count in enumerate(seen) if count == 0 or count >= self.from_samples]
        if not kept:
            raise UserError(
                f"figure.from_samples={self.from_samples}: {run.name} has no evaluation point from there on; try: figure.from_samples=1"
            )
        seen, means = seen[kept], means[kept]
        limit = 1.05 * float(np.abs(means).max())
        n_train = run.settings["data"].get("n_train")
        titles = [_title(int(count), n_train) for count in seen]
        shown = sorted({round(i) for i in np.linspace(0, len(seen) - 1, min(self.panels, len(seen)))})
        canvas = Canvas(figsize=(SIDE * len(shown), SIDE + 0.35))
        for ax, i in zip(canvas.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
            _scatter(ax, means[i], label, limit, titles[i], size=2.6)
        rows: list[dict[str, Any]] = [
            {
                "samples_seen": int(count),
                "test_index": j,
                "label": int(label[j]),
                "z1": round(float(z[0]), 4),
                "z2": round(float(z[1]), 4),
            }
            for count, mean in zip(seen[shown], means[shown], strict=True)
            for j, z in enumerate(mean)
        ]
        rows[0] |= provenance(run)
        text = (
            f"Means of q(z|x) of the first {len(label):,} test images of {dataset(run.settings['choices']['data'])} along "
            f"training, drawn as their class; run {run.name}.{f' An epoch is {n_train:,} samples.' if n_train else ''}\n"
        )
        return Drawing(rows, canvas, text=text, animation=lambda file: _animate(file, means, label, limit, titles))


def _title(samples: int, n_train: int | None) -> str:
    # A user's own data may not say how many images there are.
    return f"{samples:,} samples\n" + (f"{samples / n_train:.2g} epochs" if n_train else "")


def _scatter(ax: Axes, points: np.ndarray, label: np.ndarray, limit: float, title: str, size: float) -> None:
    for value in np.unique(label):
        ax.plot(
            *points[label == value].T,
            linestyle="",
            marker=f"${value}$",
            markersize=size,
            color=DIGITS[value % len(DIGITS)],
            mew=0.15,
        )
    ax.set_xlim(-limit, limit)
    ax.set_ylim(-limit, limit)
    ax.set_aspect("equal")
    ax.set_title(title, fontsize=8)
    ax.set_xlabel("$z_1$", fontsize=7)
    ax.set_ylabel("$z_2$", fontsize=7)
    ax.tick_params(labelsize=6)


def _animate(file: IO[bytes], means: np.ndarray, label: np.ndarray, limit: float, titles: list[str]) -> None:
    frames = []
    for mean, title in zip(means, titles, strict=True):
        canvas = Canvas(figsize=(4, 4.3), dpi=DOTS)
        FigureCanvasAgg(canvas)
        _scatter(canvas.add_subplot(), mean, label, limit, title.replace("\n", ", "), size=4)
        picture = io.BytesIO()
        canvas.savefig(picture, format="png", dpi=DOTS)
        frames.append(Image.open(picture).convert("RGB").quantize(255, kmeans=2))
    frames[0].save(
        file,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=[*[MILLISECONDS] * (len(frames) - 1), 2500],
        loop=0,
    )
