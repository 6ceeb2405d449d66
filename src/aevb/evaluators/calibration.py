"""Calibration of q(z|x) on data simulated from the model: ranks, coverage of intervals, TARP."""

from typing import Any

import numpy as np
from scipy.special import kolmogorov
from torch import Tensor

from aevb.console.counts import counted
from aevb.console.printable import with_error
from aevb.estimators.calibration import calibration
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["Calibration"]

LEVELS = (0.5, 0.8, 0.9, 0.95)
BINS = 20
REJECT = 0.01
"""p-value of the whole evaluation below which q is called miscalibrated."""


class Calibration(Evaluator):
    """Simulation-based calibration of q(z|x).

    The evaluator simulates one image from the model for every image of the split and does not use the
    pixels of the split. The estimator and its references are in `aevb.estimators.calibration`.

    Args:
        samples: Number of draws of q(z|x) per simulation, S.
        batch_size: Number of latent samples that are held at the same time; it limits the memory.
    """

    name = "calibration"
    draws_images = True
    primary_value = "coverage_90"

    def __init__(self, samples: PositiveInt = 200, batch_size: PositiveInt = 100_000) -> None:
        self.samples, self.images = samples, max(1, batch_size // samples)

    @property
    def needs_encoder(self) -> bool:
        """True: q(z|x) is what is judged."""
        return True

    @property
    def needs_density(self) -> bool:
        """False: draws of q(z|x) are enough."""
        return False

    @property
    def latents(self) -> tuple[str, ...]:
        """The supported kinds of z (see `Evaluator.latents`): intervals of a binary z say nothing."""
        return ("normal", "other")

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Rank the true z of len(x) simulated images.

        Args:
            model: The model.
            x: Images, (M, D); only their number is used.
            noise: The random stream of each image.

        Returns:
            coverage_50, coverage_80, coverage_90 and coverage_95: the share of latent dimensions whose central
            interval holds z; tarp; rank_1 to rank_J; each (M,).
        """
        ranks, tarp = calibration(model, len(x), noise, self.samples)
        covered = {
            f"coverage_{100 * level:g}": ((ranks - 0.5).abs() <= level / 2).double().mean(-1) for level in LEVELS
        }
        return {**covered, "tarp": tarp, **{f"rank_{j + 1}": ranks[:, j] for j in range(ranks.shape[1])}}

    def summary(self, model: VAE, x: Tensor, values: dict[str, Tensor]) -> dict[str, Any]:
        """Test the ranks and TARP for uniformity.

        Args:
            model: The model.
            x: All images of the split, (n, D).
            values: The values of all simulations by name, each (n,).

        Returns:
            verdict; rank_histograms: counts in 20 bins, (J, 20); tarp_levels and tarp_coverage: the expected
            coverage curve; p_value: of Kolmogorov's test of the J ranks and TARP, with Bonferroni's correction.
        """
        ranks = [value.numpy() for name, value in values.items() if name.startswith("rank_")]
        p_value = min(1.0, (len(ranks) + 1) * min(_uniform_p(item) for item in [*ranks, values["tarp"].numpy()]))
        levels = np.linspace(0, 1, BINS + 1)
        tarp = np.sort(values["tarp"].numpy())
        return {
            "verdict": _verdict(values["coverage_90"], ranks, p_value),
            "p_value": p_value,
            "rank_histograms": [np.histogram(item, BINS, (0, 1))[0].tolist() for item in ranks],
            "tarp_levels": levels.tolist(),
            "tarp_coverage": (np.searchsorted(tarp, levels, side="right") / len(tarp)).tolist(),
        }

    @property
    def settings(self) -> dict[str, int | float | str]:
        """The number of draws S."""
        return {"samples": self.samples}


def _uniform_p(values: np.ndarray) -> float:
    """The asymptotic p-value of Kolmogorov's test that the values are uniform over [0, 1]."""
    n, ordered = len(values), np.sort(values)
    above, below = np.arange(1, n + 1) / n - ordered, ordered - np.arange(n) / n
    return float(kolmogorov(np.sqrt(n) * max(above.max(), below.max())))


def _verdict(coverage: Tensor, ranks: list[np.ndarray], p_value: float) -> str:
    share = 100 * coverage.mean().item()
    error = 100 * (coverage.std() / len(coverage) ** 0.5).item() if len(coverage) > 1 else float("nan")
    held = f"90 % intervals of q(z|x) hold {with_error(share, error, 1)} % of the true z (p = {p_value:.2g})"
    if p_value >= REJECT:
        return f"calibrated, as far as can be told from {counted(len(coverage), 'simulation')}: {held}"
    if abs(share - 90) <= 3 * error:
        return f"miscalibrated in shape or location, with the right width: {held}"
    if share > 90:
        return f"q is too wide: {held}"
    # A mean rank that is not 1/2 shows a bias, and a biased q holds too few of the true z whatever its width.
    shifts = [abs(item.mean() - 0.5) > 3 * item.std() / len(item) ** 0.5 for item in ranks]
    return f"q is off centre, too narrow, or both: {held}" if any(shifts) else f"q is too narrow: {held}"
