"""The gradient noise of each estimator, at the parameters of trained models.

The estimators are the score function of section 2.2, with and without baselines, estimators A and B,
and the importance-weighted bound. For models with binary latent variables they are the score function,
NVIL, ARM, DisARM and VIMCO, at an equal number of evaluations of p(x, z).

The gradients are drawn at fixed parameters and fixed minibatches of the run's training data, by
parameter group. The figure shows the variance divided by the squared norm of the mean gradient: at 1
the noise of one step is as large as the step. All estimators except the importance-weighted bound
estimate the same gradient. They share the mean given by estimator B at its largest number of samples,
which has the least noise; with at most twelve binary latent variables the exact gradient is used. The
importance-weighted bound has a different gradient and is divided by its own mean.
"""

import copy
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from torch import Tensor

from aevb.console.progress import Bar, bar
from aevb.distributions import Bernoulli
from aevb.estimators.enumeration import MAX_LATENT_DIM
from aevb.estimators.gradient_variance import GradientMoments, gradient_moments
from aevb.estimators.model_queries import latent_dim
from aevb.evaluation.loading import load_run
from aevb.evaluators.targets import float_type
from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import with_bound
from aevb.figures.common.legends import add_legend
from aevb.figures.common.origin import convention, meanings, provenance
from aevb.figures.common.run_choice import with_closed_form_kl
from aevb.figures.common.style import SPARE
from aevb.figures.studies.gradient_estimators import Estimator, binary_estimators, estimators, with_past
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.exact_bound import ExactBound
from aevb.objectives.objective import Batch, Objective
from aevb.runs.run import Run
from aevb.training.minibatches import Stream
from aevb.types import PositiveInt

__all__ = ["GradientVariance"]

GROUPS = {"phi": "φ, recognition model", "theta": "θ, generative model"}
LINE = 0.27  # height of an estimator's line, inches


class GradientVariance(Figure):
    """A panel per parameter group; each estimator has a line and each run a colour.

    Args:
        draws: The number of draws of each gradient, S.
        minibatches: The number of minibatches from the beginning of the run's stream, with its batch_size.
        samples: The number of samples, L and K, that is compared with 1.
        data_root: The folder of the data; None for the folder that the run used.
    """

    name = "gradient_variance"
    command = "aevb-train max_samples=100 name=initialisation, aevb-train max_samples=1e6 name=trained"

    def __init__(
        self,
        draws: PositiveInt = 200,
        minibatches: PositiveInt = 3,
        samples: PositiveInt = 5,
        data_root: str | None = None,
    ) -> None:
        self.draws, self.minibatches, self.samples, self.data_root = draws, minibatches, samples, data_root

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs with an encoder, KL(q || p) in closed form and a point estimate of theta, ordered by length.

        Estimator B needs the closed form. See `Figure.wanted`.
        """
        models = {run.name: run.settings["model"] for run in runs}
        served = [run for run in with_closed_form_kl(with_bound(runs)) if models[run.name].get("theta_log_var") is None]
        return sorted(served, key=lambda run: run.done["samples_seen"])

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the panels and the table (see `Figure.compose`)."""
        rows = [row for run in runs for row in self._measured(run, trusted)]
        means = _over_minibatches(rows)
        lines = sorted({(row["samples"], row["estimator"]) for row in means}, key=lambda line: _order(means, line))
        canvas = Canvas(figsize=(9.2, LINE * len(lines) * max(1, 0.6 * len(runs)) + 1.2))
        for ax, (group, title) in zip(canvas.subplots(1, 2, sharey=True), GROUPS.items(), strict=True):
            _panel(ax, [row for row in means if row["group"] == group], lines, [run.name for run in runs])
            ax.set_title(title)
        canvas.axes[0].set_yticks(range(len(lines)), [f"{name}, {_samples(name, n)}" for n, name in lines])
        canvas.axes[0].set_ylim(len(lines) - 0.5, -0.5)
        add_legend(canvas, canvas.axes[0].get_legend_handles_labels()[0], "outside upper center", len(runs))
        text = (
            f"Variance (trace of the covariance) of the gradient of the loss, nats per datapoint, over {self.draws} draws of z "
            f"at fixed parameters: mean of {self.minibatches} fixed minibatch(es), ± bootstrap standard error over draws. "
            "Relative: divided by the squared norm of the mean gradient, for the importance-weighted bound (VIMCO) its own, "
            "otherwise that of the lower bound.\n\n"
        )
        return Drawing(rows, canvas, text=f"{text}{meanings(runs)}\n{markdown_table(_shown(means, lines, runs))}")

    def _measured(self, run: Run, trusted: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        settings = run.settings
        loaded = load_run(Path(run.directory), self.data_root, trusted)
        x = torch.from_numpy(loaded.load_data().train.x).to(float_type(settings))
        dynamic, size = loaded.dataset.dynamic, settings["batch_size"]
        facts = {"samples_seen": run.done["samples_seen"], "targets": convention(run), **provenance(run)}
        chosen = self._estimators(loaded.model, x)
        with bar(self.minibatches * len(chosen) * self.draws, run.name, "draws") as progress:
            for k in range(self.minibatches):
                lower_bound = self._exact(loaded.model, Stream(x, size, settings["seed"], dynamic=dynamic), k)
                for estimator in chosen:
                    stream = Stream(x, size, settings["seed"], dynamic=dynamic)
                    stream.position = self.minibatches
                    objective = with_past(estimator.objective, loaded.model, stream)
                    stream.position = k
                    for group, moments in self._moments(objective, loaded.model, next(stream), progress).items():
                        mean = moments if estimator.own_mean else lower_bound.setdefault(group, moments)
                        yield {
                            "estimator": estimator.name,
                            "samples": estimator.samples,
                            "group": group,
                            "minibatch": k,
                            "draws": self.draws,
                            **moments._asdict(),
                            **_relative(moments, mean),
                            **facts,
                        }

    def _estimators(self, model: VAE, x: Tensor) -> list[Estimator]:
        if isinstance(model.prior(), Bernoulli):
            return binary_estimators(max(2, self.samples), x.shape[1])
        return estimators(self.samples)

    def _exact(self, model: VAE, stream: Stream, k: int) -> dict[str, GradientMoments]:
        """The exact gradient if all codes can be enumerated; otherwise nothing."""
        if not isinstance(model.prior(), Bernoulli) or latent_dim(model) > MAX_LATENT_DIM:
            return {}
        stream.position = k
        (update,) = ExactBound()(model, stream)
        groups = {"phi": model.phi, "theta": model.theta}
        norms = {
            name: sum(
                g.double().square().sum().item() for g in torch.autograd.grad(update.loss, group, retain_graph=True)
            )
            for name, group in groups.items()
        }
        return {name: GradientMoments(0.0, 0.0, norm, 0.0) for name, norm in norms.items()}

    def _moments(self, objective: Objective, model: VAE, batch: Batch, progress: Bar) -> dict[str, GradientMoments]:
        groups = {"phi": model.phi, "theta": model.theta}
        sizes = {name: sum(parameter.numel() for parameter in group) for name, group in groups.items()}
        draws = {name: batch.x.new_empty(self.draws, size) for name, size in sizes.items()}
        past = copy.deepcopy(objective.state_dict())
        for s in range(self.draws):
            objective.load_state_dict(past)  # what a baseline saw of this minibatch is not its past
            (update,) = objective(model, iter([batch._replace(noise=Noise(0, "gradient variance", s))]))
            gradients = torch.autograd.grad(update.loss, [*model.phi, *model.theta])
            torch.cat([gradient.flatten() for gradient in gradients[: len(model.phi)]], out=draws["phi"][s])
            torch.cat([gradient.flatten() for gradient in gradients[len(model.phi) :]], out=draws["theta"][s])
            progress.advance(1)
        return {name: gradient_moments(values) for name, values in draws.items()}


def _relative(moments: GradientMoments, mean: GradientMoments) -> dict[str, float]:
    """The variance over the squared norm; its error by the delta method treats the two as independent."""
    if mean.squared_norm <= 0:
        return {"relative": math.nan, "relative_error": math.nan}
    ratio = moments.variance / mean.squared_norm
    parts = (moments.variance_error / moments.variance, mean.squared_norm_error / mean.squared_norm)
    return {"relative": ratio, "relative_error": ratio * math.hypot(*parts)}


def _over_minibatches(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for all minibatches: the means and their standard errors."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["run"], row["samples"], row["estimator"], row["group"]), []).append(row)
    means = []
    for moments in groups.values():
        mean = dict(moments[0])
        for name in ("variance", "squared_norm", "relative"):
            mean[name] = float(np.mean([row[name] for row in moments]))
            mean[f"{name}_error"] = math.hypot(*(row[f"{name}_error"] for row in moments)) / len(moments)
        means.append(mean)
    return means


def _order(means: list[dict[str, Any]], line: tuple[int, str]) -> tuple[int, float]:
    """One sample before several; then by decreasing noise of the encoder's gradient in the longest run."""
    own_rows = [row for row in means if (row["samples"], row["estimator"]) == line and row["group"] == "phi"]
    return line[0], -max(own_rows, key=lambda row: row["samples_seen"])["relative"]


def _samples(name: str, samples: int) -> str:
    return f"{'K' if name.startswith(('importance', 'VIMCO')) else 'L'} = {samples}"


def _panel(ax: Axes, means: list[dict[str, Any]], lines: list[tuple[int, str]], runs: list[str]) -> None:
    positions = {line: i for i, line in enumerate(lines)}
    height = 0.7 / len(runs)
    for j, run in enumerate(runs):
        rows = [row for row in means if row["run"] == run]
        at = [positions[row["samples"], row["estimator"]] + (j - (len(runs) - 1) / 2) * height for row in rows]
        label = f"{run} ({rows[0]['samples_seen']:,} samples)"
        colour = ("#0072B2", *SPARE)[j % 6]
        ratio, error = ([row[name] for row in rows] for name in ("relative", "relative_error"))
        ax.errorbar(ratio, at, xerr=error, fmt="os^Dv"[j % 5], color=colour, markersize=4.5, capsize=2, label=label)
    ax.axvline(1, color="#6B6B6B", linewidth=0.8, linestyle=(0, (4, 2)))
    for i in (i for i in range(1, len(lines)) if lines[i][0] != lines[i - 1][0]):
        ax.axhline(i - 0.5, color="#6B6B6B", linewidth=0.5)  # between one number of samples and the next
    ax.set_xscale("log")
    ax.set_xlabel("variance / squared norm of the mean gradient")
    ax.grid(axis="x", linewidth=0.3)


def _shown(means: list[dict[str, Any]], lines: list[tuple[int, str]], runs: list[Run]) -> list[dict[str, str]]:
    def number(row: dict[str, Any], name: str) -> str:
        return f"{row[name]:.3g} ± {row[f'{name}_error']:.1g}"

    table = []
    for run in runs:
        for line in lines:
            by_group = {
                row["group"]: row
                for row in means
                if (row["run"], row["samples"], row["estimator"]) == (run.name, *line)
            }
            if not by_group:
                continue  # of another kind of model
            shown = {"run": f"{run.name} ({run.done['samples_seen']:,} samples)", "estimator": line[1]}
            shown["samples"] = _samples(line[1], line[0])
            for group, symbol in (("phi", "φ"), ("theta", "θ")):
                shown[f"variance, {symbol}"] = number(by_group[group], "variance")
                shown[f"relative, {symbol}"] = number(by_group[group], "relative")
            table.append(shown)
    return table
