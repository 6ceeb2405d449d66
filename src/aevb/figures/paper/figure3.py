"""Figure 3: the marginal likelihood during training, our runs and the paper's own curves.

There is one panel per size of the training set. Solid lines are the first test images; dashed lines are
the first training images. log p(x) is computed by quadrature, which is exact up to its stated error, or
by the paper's own estimator (appendix D) where there is no quadrature. The paper's curves use that
estimator, so the table also gives its value on our models beside the exact number.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import meanings, provenance
from aevb.figures.common.style import METHODS, PAPER_COLOURS, method
from aevb.figures.paper import published
from aevb.runs.run import Run
from aevb.types import PositiveInt

__all__ = ["ESTIMATORS", "Figure3", "marginal"]

ESTIMATORS = {"quadrature": "quadrature", "reciprocal": "appendix D"}
"""Evaluators whose columns are shown; the exact one comes first."""

DASHES: dict[str, Any] = {"test": "-", "train": (0, (4, 1.6))}
SIZE = (3.6, 3.0)
OUR_WIDTH, PAPER_WIDTH = 1.9, 0.9


def marginal(run: Run, split: str, evaluator: str) -> tuple[np.ndarray, np.ndarray]:
    """Read the marginal likelihood at the evaluation points that have it.

    Args:
        run: A finished run.
        split: "train" or "test".
        evaluator: The name of the evaluator.

    Returns:
        samples_seen and log p(x), nats per image, (R,) each; empty if there are no values.
    """
    metrics = run.metrics()
    values = metrics.get(f"{split}_{evaluator}_log_px", np.full(len(metrics["samples_seen"]), np.nan))
    kept = np.isfinite(values)
    return metrics["samples_seen"][kept], values[kept]


class Figure3(Figure):
    """The marginal likelihood against samples_seen.

    Args:
        x_max: The right end of the axis, samples; None for the longest run.
    """

    name = "figure3"
    command = "aevb-train experiment=figure3 max_samples=1e6"

    def __init__(self, x_max: PositiveInt | None = None) -> None:
        self.x_max = x_max

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs with log p(x) of either split by one of the estimators (see `Figure.wanted`)."""
        return [
            run
            for run in runs
            if any(len(marginal(run, split, evaluator)[0]) for split in DASHES for evaluator in ESTIMATORS)
        ]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the panels, their numbers and the table of evaluation points (see `Figure.compose`)."""
        by_latent_dim: dict[int, list[Run]] = {}
        for run in sorted(runs, key=_order):
            by_latent_dim.setdefault(_n_train(run), []).append(run)
        rows = [row for n_train, group in sorted(by_latent_dim.items()) for row in _rows(n_train, group)]
        right = float(self.x_max or max(int(run.metrics()["samples_seen"][-1]) for run in runs))
        caption = (
            "log p(x), nats per image, of the first images of either split. The paper's curves are by its own estimator "
            f"({published.SOURCE}, appendix D), interpolated in log samples seen; `clock`: what Monte Carlo EM counts.\n\n"
        )
        return Drawing(rows, _draw(by_latent_dim, right), text=f"{caption}{meanings(runs)}\n{_table(rows)}")


def _n_train(run: Run) -> int:
    return int(run.settings["data"].get("n_train") or 0)


def _order(run: Run) -> tuple[int, str]:
    objective = str(run.settings["choices"]["objective"])
    known = list(METHODS)
    return (known.index(objective) if objective in known else len(known), run.name)


def _label(run: Run, group: list[Run]) -> str:
    objective = str(run.settings["choices"]["objective"])
    alike = [other for other in group if other.settings["choices"]["objective"] == objective]
    more = []
    for key, read in (("learning_rate ", _lr), ("seed ", lambda item: item.settings["seed"]), ("clock: ", _clock)):
        if len({read(other) for other in alike}) > 1:
            more.append(f"{key}{read(run)}")
    return ", ".join([method(objective).label, *more])


def _lr(run: Run) -> Any:
    return run.done.get("learning_rate", run.settings["optimizer"].get("lr"))


def _clock(run: Run) -> str:
    return str(run.settings["objective"].get("count", "samples"))


def _rows(n_train: int, group: list[Run]) -> Iterator[dict[str, Any]]:
    for run in group:
        algorithm = method(str(run.settings["choices"]["objective"])).published
        for split in DASHES:
            paper = published.figure3().get((n_train, algorithm or "", split))
            columns = {name: dict(zip(*marginal(run, split, name), strict=True)) for name in ESTIMATORS}
            for x in sorted(set().union(*columns.values())):
                yield {
                    "n_train": n_train,
                    "method": _label(run, group),
                    "lr": _lr(run),
                    "clock": _clock(run),
                    "split": split,
                    "samples_seen": int(x),
                    **{name: values.get(x) for name, values in columns.items()},
                    "paper": paper.at(float(x)) if paper is not None else float("nan"),
                    **provenance(run),
                }


def _draw(by_latent_dim: dict[int, list[Run]], right: float) -> Canvas:
    canvas = Canvas(figsize=(SIZE[0] * len(by_latent_dim), SIZE[1] + 0.8))
    labels: dict[str, str] = {}
    first: Axes | None = None
    for i, (n_train, group) in enumerate(sorted(by_latent_dim.items())):
        ax = canvas.add_subplot(1, len(by_latent_dim), i + 1)
        ax.set_title(f"$N_{{train}} = {n_train:,}$".replace(",", "{,}"))
        for (size, algorithm, split), line in published.figure3().items():
            if size == n_train and line.samples_seen[0] < right:
                shown = line.until(right)
                ax.plot(
                    *shown, color=PAPER_COLOURS[algorithm], linestyle=DASHES[split], linewidth=PAPER_WIDTH, zorder=4
                )
        for run in group:
            objective = str(run.settings["choices"]["objective"])
            colour = labels.setdefault(method(objective).label, method(objective).colour)
            for split, dashes in DASHES.items():
                x, y = marginal(run, split, "quadrature")
                if not len(x):
                    x, y = marginal(run, split, "reciprocal")
                ax.plot(x, y, color=colour, linestyle=dashes, linewidth=OUR_WIDTH, marker="o", markersize=2.6, zorder=3)
        ax.set_xscale("log")
        ax.set_xlim(_left(ax, right), right)
        low, high = _heights(ax)
        ax.set_ylim(low, high)
        for curve in ax.lines:
            if curve.get_marker() == "o" and float(np.min(curve.get_ydata())) >= low:
                curve.set_clip_on(False)  # whole markers at the right end
        _below(ax, group, low)
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.grid(axis="y", linewidth=0.3, color="#DDDDDD", zorder=0)
        ax.set_xlabel("training samples seen")
        first = first or ax
    assert first is not None
    first.set_ylabel("log p(x) (nats)")
    handles: list[Any] = [
        Line2D([], [], color=colour, lw=OUR_WIDTH, label=f"{name}, ours") for name, colour in labels.items()
    ]
    for algorithm, colour in PAPER_COLOURS.items():
        name = next(item.label for item in METHODS.values() if item.published == algorithm)
        handles.append(Line2D([], [], color=colour, lw=PAPER_WIDTH, label=f"{name}, paper"))
    handles += [Line2D([], [], color="black", lw=1.2, ls=dashes, label=split) for split, dashes in DASHES.items()]
    canvas.legend(handles=handles, loc="outside upper center", ncols=min(4, 1 + len(by_latent_dim)))
    return canvas


def _left(ax: Axes, right: float) -> float:
    # No later than 4e5 samples before the first curve of the panel, so that no half of a panel is empty.
    first = min(float(np.min(line.get_xdata())) for line in ax.lines)
    return max(4e5 if right > 1e6 else right / 10, 0.8 * first)


def _below(ax: Axes, group: list[Run], low: float) -> None:
    # A run below the axis is named with its last value on the test images.
    for run in group:
        x, y = marginal(run, "test", "quadrature")
        if len(x) and max(y) < low:
            shown = method(str(run.settings["choices"]["objective"]))
            text = f"{shown.label}, test: {y[-1]:.0f} nats \N{BLACK DOWN-POINTING SMALL TRIANGLE}".replace(
                "-", "\N{MINUS SIGN}"
            )
            ax.annotate(
                text, (x[-1], low), (0, 3), textcoords="offset points", fontsize=7, color=shown.colour, ha="center"
            )


def _heights(ax: Axes) -> tuple[float, float]:
    # What lies far below the best curves early is cut, as the paper does at -160.
    left, right = ax.get_xlim()
    values = []
    for line in ax.lines:
        x, y = np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)
        values += list(y[(x >= left) & (x <= right) & (y > -160)])
    low, high = (min(values), max(values)) if values else (-160.0, -100.0)
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _table(rows: list[dict[str, Any]]) -> str:
    def number(value: Any, sign: str = "") -> str:
        return "–" if value is None or np.isnan(value) else f"{value:{sign}.2f}"

    return markdown_table(
        [
            {
                "N_train": f"{row['n_train']:,}",
                "method": row["method"],
                "learning rate": f"{row['lr']:g}",
                "split": row["split"],
                "samples seen": f"{row['samples_seen']:,}",
                "quadrature": number(row["quadrature"]),
                "appendix D": number(row["reciprocal"]),
                "paper": number(row["paper"]),
                "quadrature − paper": number(
                    None if row["quadrature"] is None else row["quadrature"] - row["paper"], "+"
                ),
            }
            for row in rows
        ]
    )
