"""The figures of a re-implementation in Keras (KTH 2021): its bounds and its "marginal likelihood".

The first row shows the lower bound against training samples by latent_dim. The second row shows what that
implementation calls the marginal likelihood, which is the cross-entropy E_q log p(x|z), beside the
importance-sampled log p(x) and the lower bound, for a small and a large training set. The third row
shows the source of its overfitting: train minus test of each part of the bound.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.figure import SubFigure

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import has_fallen
from aevb.figures.common.origin import meanings, provenance
from aevb.figures.common.style import SPARE, dataset
from aevb.runs.run import Run

__all__ = ["Keras"]

CLAIM = "pitfall_bce_as_marginal_likelihood_claimed_log_px"
QUANTITIES = {  # name -> (column of a split, label, colour)
    "claim": ("{split}_" + CLAIM, "cross-entropy, called log p(x)", "#D55E00"),
    "log_px": ("{split}_log_px", "log p(x), importance", "#0072B2"),
    "bound": ("{split}_parts_bound", "lower bound", "#000000"),
}
FROM = 10_000  # samples, where the axes of the likelihood begin
COLOURS = ("#0072B2", "#D55E00", *SPARE)


class Keras(Figure):
    """Three rows of panels, from the runs of both experiments; panels without runs are left out."""

    name = "keras"
    command = "aevb-train experiment=keras_reproduction, then aevb-train experiment=keras_likelihood"

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs trained by Adam with a lower bound at their evaluation points.

        See `Figure.wanted`.
        """
        return [
            run
            for run in runs
            if run.settings["choices"]["optimizer"] == "adam" and np.isfinite(run.metrics()["test_bound"]).any()
        ]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the panels, their numbers and the table of final values (see `Figure.compose`)."""
        likelihood = sorted((run for run in runs if _has_parts(run)), key=_few)
        bounds = [run for run in runs if run not in likelihood]
        data = sorted({run.settings["choices"]["data"] for run in bounds}, reverse=True)
        sizes = sorted({_n_train(run) for run in likelihood})
        down = bool(bounds) + 2 * bool(likelihood)
        canvas = Canvas(figsize=(9.2, 2.6 * down))
        parts = iter(canvas.subfigures(down, 1, squeeze=False)[:, 0])
        if bounds:
            axes = next(parts).subplots(1, len(data), squeeze=False)[0]
            for ax, name in zip(axes, data, strict=True):
                _bounds(ax, [run for run in bounds if run.settings["choices"]["data"] == name], dataset(name))
        if likelihood:
            part = next(parts)
            axes = part.subplots(1, len(sizes), squeeze=False, sharey=True)[0]
            for ax, size in zip(axes, sizes, strict=True):
                _claims(ax, [run for run in likelihood if _n_train(run) == size], size)
            _name(part, axes[0], "nats per image")
            shown = np.concatenate([line.get_ydata()[line.get_xdata() >= FROM] for ax in axes for line in ax.lines])
            if np.isfinite(shown).any():  # a run may be shorter, or have evaluated the test images alone
                axes[0].set_ylim(bottom=float(shown[np.isfinite(shown)].min()) - 5)
            part = next(parts)
            axes = part.subplots(1, len(sizes), squeeze=False, sharey=True)[0]
            for ax, size in zip(axes, sizes, strict=True):
                _gaps(ax, [run for run in likelihood if _n_train(run) == size], size)
            _name(part, axes[0], "train − test, nats")
        return Drawing(
            [row for run in [*bounds, *likelihood] for row in _rows(run)],
            canvas,
            text=f"{_words(likelihood)}{meanings(runs)}\n{_ends(likelihood) if likelihood else ''}",
        )


def _name(part: SubFigure, ax: Axes, words: str) -> None:
    ax.set_ylabel(words)
    part.legend(*ax.get_legend_handles_labels(), fontsize=7, loc="outside right center")


def _n_train(run: Run) -> int:
    return int(run.settings["data"].get("n_train") or 0)  # 0: the data do not say


def _has_parts(run: Run) -> bool:
    """Whether the run has what the second and third row show, by the evaluators of experiment=keras_likelihood."""
    claimed = f"test_{CLAIM}" in run.metrics() and "importance" in run.settings["evaluator"]
    return claimed and bool(np.isfinite(_column(run, "test_parts_bound")).any())


def _prior(run: Run) -> bool:
    return bool(run.settings["objective"].get("weight_prior", 0.0) > 0)


def _few(run: Run) -> tuple[int, bool]:
    return _n_train(run), _prior(run)


def _column(run: Run, name: str) -> np.ndarray:
    metrics = run.metrics()
    return metrics.get(name, np.full(len(metrics["samples_seen"]), np.nan))


def _stop(run: Run) -> int:
    """The evaluation point with the highest lower bound of the test images."""
    return int(np.nanargmax(_column(run, "test_parts_bound")))


def _bounds(ax: Axes, runs: list[Run], title: str) -> None:
    latent_dims = sorted({run.settings["latent_dim"] for run in runs})
    named, heights = set[int](), []
    lasting = [run for run in runs if not has_fallen(run)] or runs  # a run that diverged does not set the scale
    for run in sorted(runs, key=lambda run: run.settings["latent_dim"]):
        metrics, latent_dim = run.metrics(), run.settings["latent_dim"]
        label = "_" if latent_dim in named else f"$N_z = {latent_dim}$"  # the notation of the paper; once in the legend
        named.add(latent_dim)
        shown = metrics["samples_seen"] >= 1000
        seen, bound = metrics["samples_seen"][shown], metrics["test_bound"][shown]
        ax.plot(seen, bound, color=COLOURS[latent_dims.index(latent_dim) % len(COLOURS)], linewidth=1.2, label=label)
        heights += [bound[np.isfinite(bound)]] if run in lasting else []
    inside = np.concatenate(heights)
    if len(inside):
        margin = 0.05 * float(np.ptp(inside)) or 1.0
        ax.set_ylim(inside.min() - margin, inside.max() + margin)
    ax.set_xscale("log")
    ax.set_xlabel("training samples")
    ax.set_ylabel("lower bound, nats")
    ax.set_title(f"{title}, test images", fontsize=9)
    ax.legend(fontsize=8, loc="lower right", frameon=True, framealpha=1, edgecolor="none")  # over the grid
    ax.grid(linewidth=0.3)


def _claims(ax: Axes, runs: list[Run], size: int) -> None:
    plain = next((run for run in runs if not _prior(run)), runs[0])
    seen = plain.metrics()["samples_seen"]
    for column, label, colour in QUANTITIES.values():
        for split, style in (("train", (0, (4, 2))), ("test", "-")):
            values = _column(plain, column.format(split=split))
            ax.plot(seen, values, color=colour, linestyle=style, linewidth=1.1, label=f"{label}, {split}")
    stop = _stop(plain)
    bound = _column(plain, "test_parts_bound")[stop]
    ax.plot(seen[stop], bound, "v", color="#000000", markersize=6, label="highest test bound")
    ax.set_xscale("log")
    ax.set_xlim(left=FROM)
    ax.set_xlabel("training samples")
    prior = "prior" if _prior(plain) else "no prior"
    ax.set_title(f"$N_{{train}}$ = {size:,}, {prior} on the weights", fontsize=9)
    ax.grid(linewidth=0.3)


GAPS = {
    "reconstruction": ("parts_reconstruction", "reconstruction", "#D55E00"),
    "kl": ("parts_kl", "KL", "#009E73"),
    "log_px": ("log_px", "log p(x)", "#0072B2"),
    "gap": ("", "log p(x) − bound", "#000000"),
}


def _difference(run: Run, name: str) -> np.ndarray:
    """Train minus test of one quantity."""

    def of(split: str) -> np.ndarray:
        if name == "gap":
            return _column(run, f"{split}_log_px") - _column(run, f"{split}_parts_bound")
        return _column(run, f"{split}_{GAPS[name][0]}")

    return of("train") - of("test")


def _gaps(ax: Axes, runs: list[Run], size: int) -> None:
    for run in runs:
        for name, (_, label, colour) in GAPS.items():
            words = f"{label}{', with the prior' if _prior(run) else ''}"
            style = (0, (1, 1.5)) if _prior(run) else "-"
            ax.plot(
                run.metrics()["samples_seen"],
                _difference(run, name),
                color=colour,
                linestyle=style,
                linewidth=1.1,
                label=words,
            )
    ax.axhline(0, color="#6B6B6B", linewidth=0.6)
    ax.set_xscale("log")
    ax.set_xlim(left=FROM)
    ax.set_xlabel("training samples")
    ax.set_title(f"$N_{{train}}$ = {size:,}: train minus test", fontsize=9)
    ax.grid(linewidth=0.3)


def _words(runs: list[Run]) -> str:
    if not runs:
        return ""
    return (
        "The cross-entropy is E_q log p(x|z): the bound plus the KL divergence. Nats per image over the first "
        f"{runs[0].settings['evaluation']['num_images']:,} images of each split; log p(x) importance-sampled with K = "
        f"{runs[0].settings['evaluator']['importance']['samples']}, a lower bound. Stopped: at the evaluation point of the highest bound "
        "of the test images, which is looking at them.\n\n"
    )


def _ends(runs: list[Run]) -> str:
    shown = []
    for run in runs:
        seen = run.metrics()["samples_seen"]
        stop = _stop(run)
        for when, i in (("end", len(seen) - 1), *([("stopped", stop)] if stop < len(seen) - 1 else [])):
            row = {
                "N_train": f"{_n_train(run):,}",
                "prior": "MAP" if _prior(run) else "none",
                "at": f"{when}, {seen[i]:,}",
            }
            for split in ("train", "test"):
                for name, (column, _, _) in QUANTITIES.items():
                    row[f"{split} {name.replace('_px', ' p(x)')}"] = (
                        f"{_column(run, column.format(split=split))[i]:.2f}"
                    )
                row[f"{split} KL"] = f"{_column(run, f'{split}_parts_kl')[i]:.2f}"
            shown.append(row)
    return markdown_table(shown)


def _rows(run: Run) -> list[dict[str, Any]]:
    metrics, settings = run.metrics(), run.settings
    facts = {
        "data": settings["choices"]["data"],
        "latent_dim": settings["latent_dim"],
        "n_train": settings["data"].get("n_train"),
        "weight_prior": settings["objective"].get("weight_prior"),
    }
    return [
        {**facts, **{name: values[i].item() for name, values in metrics.items()}, **provenance(run)}
        for i in range(len(metrics["samples_seen"]))
        if metrics["samples_seen"][i] >= 1000
    ]
