"""Figure 5: random samples from the generative model, by the dimension of the latent space.

The samples are shown at draws z ~ p(z): the means of p(x|z), draws of the pixels, or the most likely
pixels.
"""

from typing import Literal

from aevb.data.image_grid import image_grid
from aevb.figures.common.base import Drawing, Figure
from aevb.figures.common.image_panels import image_panels
from aevb.figures.common.images import GAP, drawn_aspect, show
from aevb.figures.common.origin import provenance
from aevb.figures.common.run_choice import caption, representatives, with_latent_dim
from aevb.runs.run import Run
from aevb.types import PositiveInt, Seed

__all__ = ["Figure5"]

SIZE = 2.5  # height of a panel, inches
SHOWN = {"means": "Means of p(x|z)", "draws": "Draws of p(x|z)", "mode": "The likeliest x of p(x|z)"}


class Figure5(Figure):
    """A panel of side x side samples per latent dimension.

    Args:
        latent_dims: The latent dimensions to show; those without runs are left out.
        side: The number of samples in a row.
        seed: The seed of the draws.
        pixels: The means of p(x|z), draws from it, or its mode (for Bernoulli pixels the threshold 1/2).
    """

    name = "figure5"
    command = "aevb-train experiment=figure5 max_samples=1e6"

    def __init__(
        self,
        latent_dims: list[PositiveInt] | None = None,
        side: PositiveInt = 10,
        seed: Seed = 0,
        pixels: Literal["means", "draws", "mode"] = "means",
    ) -> None:
        self.latent_dims, self.side, self.seed, self.pixels = latent_dims or [2, 5, 10, 20], side, seed, pixels

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs of the selected latent dimensions (see `Figure.wanted`)."""
        return with_latent_dim(runs, self.latent_dims)

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose a row of panels per data set (see `Figure.compose`)."""
        from aevb.evaluation.trained_model import TrainedModel

        chosen = representatives(runs)
        widest = max(drawn_aspect(run.done["shape"]) for run in chosen.values())
        canvas, axes = image_panels(chosen, "{data}, {latent_dim}-D latent space", (SIZE * widest + 0.1, SIZE + 0.25))
        rows = []
        for (data, latent_dim), run in chosen.items():
            model = TrainedModel(run.directory, trusted=trusted)
            images = model.sample(self.side**2, self.seed, self.pixels).reshape(-1, *model.shape)
            show(axes[data, latent_dim], image_grid(images, self.side, GAP))
            facts = {
                "data": data,
                "latent_dim": latent_dim,
                "samples": self.side**2,
                "seed": self.seed,
                "pixels": self.pixels,
            }
            rows.append({**facts, "samples_seen": run.done["samples_seen"], **provenance(run)})
        return Drawing(rows, canvas, text=caption(f"{SHOWN[self.pixels]} at random draws z ~ p(z).", chosen))
