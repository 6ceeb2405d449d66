"""Training seen as EM: exact log p(x) of the training images, the lower bound, and the gap between them.

An M-step on a tight bound cannot decrease log p(x). If q is out of date, or if its family does not contain
the posterior, the bound may increase while log p(x) decreases. A triangle marks every evaluation point at
which log p(x) is lower than at the one before; where that is below the axis, it stands on the axis with its value.
"""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import curve
from aevb.figures.common.legends import add_legend
from aevb.figures.common.method_labels import distinct_names
from aevb.figures.common.method_lines import colours_of
from aevb.figures.common.origin import meanings, provenance
from aevb.figures.common.style import dataset, method
from aevb.runs.run import Run

__all__ = ["EMView"]

LOG_PX = "train_quadrature_log_px"
BOUNDS = ("train_information_bound", "train_fitted_bound_bound")  # encoder's q, q fitted per image
WIDTH = 1.3


class Climb(NamedTuple):
    """One run with R evaluation points.

    Attributes:
        run: The run.
        label: The name of the method, with what sets it apart from other runs.
        samples_seen: The number of training samples seen, (R,).
        log_px: log p(x), (R,), nats per training image.
        bound: The lower bound, (R,), nats per training image.
    """

    run: Run
    label: str
    samples_seen: np.ndarray
    log_px: np.ndarray
    bound: np.ndarray

    @property
    def falls(self) -> np.ndarray:
        """Whether log p(x) is lower than at the evaluation point before, (R,)."""
        return np.diff(self.log_px, prepend=-np.inf) < 0

    @property
    def gap(self) -> np.ndarray:
        """The gap log p(x) minus the lower bound, (R,), nats per training image."""
        return self.log_px - self.bound


class EMView(Figure):
    """Runs with `evaluation.splits=both` and the evaluators quadrature and information, or fitted_bound."""

    name = "em_view"
    command = "aevb-train experiment=em_view"

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs that have the columns (see `Figure.wanted`)."""
        return [run for run in runs if LOG_PX in run.metrics() and _bound_of(run) is not None]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose panels of log p(x) with the bound and of the gap, and a table of the decreases of log p(x).

        See `Figure.compose`.
        """
        climbs = _climbs(runs)
        colours = colours_of({climb.label: str(climb.run.settings["choices"]["objective"]) for climb in climbs})
        canvas = Canvas(figsize=(7.6, 3.2))
        left, right = canvas.subplots(1, 2)
        for climb in climbs:
            _draw(left, right, climb, colours[climb.label])
        left.set_ylabel("nats per training image")
        left.set_title("log p(x), solid; the bound, dashed")
        right.set_title("log p(x) − bound, nats")
        right.set_yscale("symlog", linthresh=0.01)  # an estimated bound may be above
        low = min(float(climb.log_px[len(climb.log_px) // 8]) for climb in climbs)
        left.set_ylim(bottom=low)
        for climb in climbs:
            _draw_falls(left, climb, colours[climb.label], low)
        for ax in (left, right):
            ax.set_xlabel("training samples seen by θ")
        left.plot([], [], linestyle="", marker="v", color="#000000", markersize=5, label="log p(x) has fallen")
        add_legend(canvas, left.get_legend_handles_labels()[0], "outside lower center", len(climbs) + 1)
        rows = [row for climb in climbs for row in _rows(climb)]
        data = ", ".join(dict.fromkeys(dataset(str(run.settings["choices"]["data"])) for run in runs))
        text = (
            f"{data}, training images; log p(x) by quadrature. A step is from one evaluation point to the next; presented: "
            "training samples at which theta or an encoder took a gradient, not those of E-steps without one.\n\n"
            f"{meanings(runs)}\n{markdown_table([_shown(climb) for climb in climbs])}"
        )
        return Drawing(rows, canvas, text=text)


def _bound_of(run: Run) -> str | None:
    metrics = run.metrics()
    return next((name for name in BOUNDS if name in metrics), None)


def _climbs(runs: list[Run]) -> list[Climb]:
    curves = [curve(run) for run in runs]
    names = distinct_names(curves, [method(item.objective).label for item in curves])
    labels = [
        name if names.count(name) == 1 else f"{name}, seed {item.seed}"
        for name, item in zip(names, curves, strict=True)
    ]
    return sorted(map(_climb, runs, labels), key=lambda climb: climb.label)


def _climb(run: Run, label: str) -> Climb:
    metrics = run.metrics()
    name = _bound_of(run)
    assert name is not None
    return Climb(run, label, metrics["samples_seen"], metrics[LOG_PX], metrics[name])


def _draw(left: Axes, right: Axes, climb: Climb, colour: str) -> None:
    left.plot(climb.samples_seen, climb.log_px, color=colour, linewidth=WIDTH, label=climb.label)
    left.plot(climb.samples_seen, climb.bound, color=colour, linewidth=0.8, linestyle=(0, (3, 2)))
    right.plot(climb.samples_seen, climb.gap, color=colour, linewidth=WIDTH)


def _draw_falls(left: Axes, climb: Climb, colour: str, low: float) -> None:
    at, fallen = climb.samples_seen[climb.falls], climb.log_px[climb.falls]
    if not len(at):
        return  # an empty line that is not clipped would have no place in the layout
    left.plot(
        at, np.maximum(fallen, low), linestyle="", marker="v", color=colour, markersize=5, clip_on=False, zorder=3
    )
    style: dict[str, Any] = {"color": colour, "fontsize": "small", "zorder": 3}
    box = {"facecolor": "white", "linewidth": 0, "pad": 1}
    for x, y in zip(at[fallen < low], fallen[fallen < low], strict=True):
        text = f"{y:.0f}".replace("-", "\N{MINUS SIGN}")
        left.annotate(text, (x, low), (5, 4), textcoords="offset points", bbox=box, **style)


def _rows(climb: Climb) -> list[dict[str, Any]]:
    facts = {"method": climb.label, "seed": climb.run.settings["seed"]}
    return [
        {
            **facts,
            "samples_seen": int(climb.samples_seen[i]),
            "log_px": float(climb.log_px[i]),
            "bound": float(climb.bound[i]),
            "gap": float(climb.gap[i]),
            "falls": bool(climb.falls[i]),
            **provenance(climb.run),
        }
        for i in range(len(climb.samples_seen))
    ]


def _shown(climb: Climb) -> dict[str, Any]:
    change = np.diff(climb.log_px)
    presented = climb.run.metrics().get("train_presented", climb.samples_seen)[-1]
    return {
        "": climb.label,
        "steps": len(change),
        "log p(x) falls in": int(climb.falls.sum()),
        "largest fall": f"{max(0.0, -float(change.min())):.2f}",
        "log p(x) at the end": f"{climb.log_px[-1]:.2f}",
        "bound": f"{climb.bound[-1]:.2f}",
        "gap": f"{climb.gap[-1]:.2f}",
        "presented": f"{presented:,.0f}",
    }
