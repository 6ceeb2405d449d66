"""An autoencoder with a mixture of Gaussians fitted to its codes, beside a VAE, whose codes have a prior.

    p(z) = sum_k w_k N(z; m_k, S_k)

The mixture is fitted to the codes of the training images (scikit-learn, EM, full covariances).

Each model has a row: codes of test images with the ellipses of the mixture (two standard deviations),
samples from the mixture, and samples from N(0, I). The table gives the log-density of test codes under
each p(z), which is comparable within one model only, because the scale of the codes depends on the
model. It also gives log p(x) = log of the integral of p(z) p(x|z), which needs no q(z|x) and is
comparable across models. This is computed by simple Monte Carlo with draws that all images share (see
`aevb.estimators.simple_monte_carlo`).
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Ellipse
from torch import Tensor

from aevb.data.image_grid import image_grid
from aevb.estimators.simple_monte_carlo import shared_draws
from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.images import GAP, show
from aevb.figures.common.origin import provenance
from aevb.figures.common.style import dataset, method
from aevb.figures.studies.latent import scatter
from aevb.runs.run import Run
from aevb.types import PositiveInt, Seed

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

__all__ = ["Mixture"]

SIZE = 3.1  # of a panel, inches


class Mixture(Figure):
    """The longest runs of objective=autoencoder and objective=sgvb_b with two latent dimensions.

    Args:
        components: The number of components of the mixture.
        count: The number of test images in the scatter plot.
        side: The number of samples in a row.
        draws: The number of draws of z for log p(x), K.
        images: The number of test images for log p(x), the first of the split.
        seed: The seed of the fit and of the draws.
        data_root: The folder of the data; None for the folder that the run used.
    """

    name = "mixture"
    command = "aevb-train experiment=autoencoder_mixture"

    def __init__(
        self,
        components: PositiveInt = 10,
        count: PositiveInt = 2000,
        side: PositiveInt = 10,
        draws: PositiveInt = 20000,
        images: PositiveInt = 1000,
        seed: Seed = 0,
        data_root: str | None = None,
    ) -> None:
        self.components, self.count, self.side = components, count, side
        self.draws, self.images, self.seed, self.data_root = draws, images, seed, data_root

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return those runs; an empty list if none of them is an autoencoder (see `Figure.wanted`)."""
        planar = [run for run in runs if run.settings["latent_dim"] == 2]
        served = [run for run in planar if run.settings["choices"]["objective"] in ("autoencoder", "sgvb_b")]
        return served if any(run.settings["choices"]["objective"] == "autoencoder" for run in served) else []

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose three panels per model, on the data set of the longest autoencoder.

        See `Figure.compose`.
        """
        ordered = sorted(runs, key=lambda run: (-run.done["samples_seen"], run.settings["seed"]))
        first = next(run for run in ordered if run.settings["choices"]["objective"] == "autoencoder")
        data = first.settings["choices"]["data"]
        others = [
            run
            for run in ordered
            if (run.settings["choices"]["objective"], run.settings["choices"]["data"]) == ("sgvb_b", data)
        ]
        chosen = [first, *others[:1]]
        canvas = Canvas(figsize=(3 * SIZE, (SIZE + 0.25) * len(chosen)))
        axes = canvas.subplots(len(chosen), 3, squeeze=False)
        rows: list[dict[str, Any]] = []
        values: list[Tensor] = []
        for panels, run in zip(axes, chosen, strict=True):
            for row, log_px in self._row(panels, run, trusted):
                rows.append(row)
                values.append(log_px)
        for row, log_px in zip(rows, values, strict=True):
            difference = log_px - values[-1]
            row["above_last"] = difference.mean().item()
            row["above_last_standard_error"] = difference.std().item() / len(difference) ** 0.5
        shown = [
            {
                "": f"{row['model']}, {row['latent_distribution']}",
                "code of a test image, nats": f"{row['test_code']:.3f}",
                "of a training image": f"{row['train_code']:.3f}",
                "log p(x), test": f"{row['log_px']:.2f} ± {row['standard_error']:.2f}",
                "above the last row": f"{row['above_last']:.2f} ± {row['above_last_standard_error']:.2f}",
                "draws that count (ESS), median": f"{row['effective_samples']:.1f} of {row['draws']:,}",
                "error an image": f"{row['squared_error']:.2f}",
            }
            for row in rows
        ]
        caption = (
            f"{dataset(data)}, {first.done['samples_seen']:,} samples. Codes: mean log-density, comparable within a model only. "
            f"log p(x): a stochastic lower bound of the first {rows[0]['images']:,} test images, above the last row in pairs; "
            "error: |x - x'|² of the same images."
        )
        return Drawing(rows, canvas, text=f"{caption}\n\n{markdown_table(shown)}")

    def _row(self, panels: list[Axes], run: Run, trusted: tuple[str, ...]) -> list[tuple[dict[str, Any], Tensor]]:
        """One row of numbers per p(z) of a model, each with log p(x) of the images, (images,)."""
        from aevb.evaluation.trained_model import TrainedModel

        model = TrainedModel(run.directory, self.data_root, trusted)
        train, test = model.load_data().train, model.test()
        codes = {"train": model.encode(train.x).mean, "test": model.encode(test.x).mean}
        name = method(str(run.settings["choices"]["objective"])).label
        mixture = _fit(codes["train"], self.components, self.seed)
        scatter(panels[0], codes["test"][: self.count], test.label[: self.count], ("$z_1$", "$z_2$"))
        _ellipses(panels[0], mixture)
        panels[0].set_title(f"{name}: codes, mixture of {self.components}")
        generator = np.random.Generator(np.random.Philox(key=self.seed))
        distributions = {
            "mixture": (_draw(mixture, generator, self.draws), mixture.score_samples),
            "N(0, I)": (generator.standard_normal((self.draws, 2)), _standard_normal),
        }
        x = test.x[: self.images]
        error = np.square(model.reconstruct(x) - x).sum(1).mean()
        rows = []
        for ax, (title, (z, log_density)) in zip(panels[1:], distributions.items(), strict=True):
            values = torch.from_numpy(z).to(model.dtype)
            images = model.decode(values[: self.side**2].numpy())
            show(ax, image_grid(images.reshape(-1, *model.shape), self.side, GAP))
            ax.set_title(f"{name}: samples, z from {'the mixture' if title == 'mixture' else '$N(0, I)$'}")
            estimate = shared_draws(model.model.decoder, values, torch.from_numpy(x))
            facts = {
                "model": name,
                "latent_distribution": title,
                "components": self.components,
                "train_code": float(log_density(codes["train"]).mean()),
                "test_code": float(log_density(codes["test"]).mean()),
                "log_px": estimate.log_px.mean().item(),
                "standard_error": estimate.log_px.std().item() / len(x) ** 0.5,
                "effective_samples": estimate.effective_samples.median().item(),
                "draws": self.draws,
                "images": len(x),
                "squared_error": float(error),
                "samples_seen": run.done["samples_seen"],
                "seed": self.seed,
                **provenance(run),
            }
            rows.append((facts, estimate.log_px))
        return rows


def _fit(codes: np.ndarray, components: int, seed: int) -> "GaussianMixture":
    from sklearn.mixture import GaussianMixture

    return GaussianMixture(components, random_state=seed, reg_covar=1e-6, n_init=1).fit(codes.astype(np.float64))


def _draw(mixture: "GaussianMixture", generator: np.random.Generator, count: int) -> np.ndarray:
    # Its own `sample` gives draws component by component, so that the first hundred are all of one.
    chosen = generator.choice(len(mixture.weights_), count, p=mixture.weights_)
    roots = np.linalg.cholesky(mixture.covariances_)
    normal = generator.standard_normal((count, mixture.means_.shape[1]))
    return mixture.means_[chosen] + np.einsum("nij,nj->ni", roots[chosen], normal)


def _standard_normal(z: np.ndarray) -> np.ndarray:
    return -0.5 * np.square(z).sum(1) - 0.5 * z.shape[1] * np.log(2 * np.pi)


def _ellipses(ax: Axes, mixture: "GaussianMixture") -> None:
    for mean, covariance in zip(mixture.means_, mixture.covariances_, strict=True):
        variances, axes = np.linalg.eigh(covariance)
        angle = np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
        width, height = 4 * np.sqrt(variances[::-1])
        ax.add_patch(Ellipse(mean, width, height, angle=angle, fill=False, edgecolor="black", linewidth=0.9))
