"""The estimators of log p(x) beside quadrature, on AEVB and wake-sleep: `python picture.py` draws differences.png.

Reads aevb.csv and wake_sleep.csv beside this file, and the values of seed 0 and of the paper at 1e7 training samples in
docs/results/figure3.csv. The estimator of appendix D is shown with the Gaussian density; the CSVs have the others too.
"""

import csv
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from aevb.figures.common.fonts import add_bundled_fonts
from aevb.figures.common.style import RC

FOLDER = Path(__file__).parent
PANELS = {"AEVB": "aevb.csv", "wake-sleep": "wake_sleep.csv"}
COLOURS = {"lower bound": "#0072B2", "upper bound": "#D55E00"}
LABELS = {
    "lower bound": "importance sampling: a lower bound",
    "upper bound": "appendix D: an upper bound if no mode is missed",
}
LINEAR = 0.1
"""Nats, where the horizontal axis turns from linear to logarithmic."""


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def paper_minus_ours(method: str) -> float:
    """Return the paper's log p(x) minus the exact one of our seed 0, N = 50,000, test, at 1e7 samples, nats."""
    rows = read(FOLDER.parent / "results" / "figure3.csv")
    key = {"n_train": "50000", "method": method, "split": "test", "samples_seen": "10000000"}
    at = [row for row in rows if key.items() <= row.items()]
    (paper,) = (float(row["paper"]) for row in at if row["source"] == "mean")
    (log_px,) = (float(row["quadrature"]) for row in at if row["source"] == "run" and row["seed"] == "0")
    return paper - log_px


def panel(ax: Axes, method: str, names: list[str]) -> None:
    """Draw the paired differences of one model, ± 2 standard errors over images."""
    for row in read(FOLDER / PANELS[method]):
        if row["estimator"] in names:
            error = 2 * float(row["difference_standard_error"])
            style = {"fmt": "o", "color": COLOURS[row["side"]], "markersize": 3.5, "capsize": 2, "linewidth": 1}
            ax.errorbar(float(row["difference"]), names.index(row["estimator"]), xerr=error, **style)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.axvline(paper_minus_ours(method), color="black", linewidth=0.8, linestyle="--")
    ax.set_xscale("symlog", linthresh=LINEAR)
    ax.set_xlim(-60, 1)
    ticks = (-30, -10, -3, -1, -0.1, 0, 0.1)
    ax.set_xticks(ticks, [f"{tick:g}".replace("-", "\N{MINUS SIGN}") for tick in ticks])
    ax.minorticks_off()
    ax.grid(axis="y", linewidth=0.3)
    ax.set_title(f"{method}, 200 test images")
    ax.set_xlabel("estimate \N{MINUS SIGN} exact log p(x), nats per image, ± 2 standard errors")


def main() -> None:
    """Draw the picture."""
    names = [
        row["estimator"] for row in read(FOLDER / "aevb.csv") if row["difference"] and "KDE" not in row["estimator"]
    ]
    add_bundled_fonts()
    with rc_context(RC):
        figure = Figure(figsize=(8.2, 4.4), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        for ax, method in zip(axes, PANELS, strict=True):
            panel(ax, method, names)
        axes[0].set_yticks(range(len(names)), names)
        axes[0].set_ylim(len(names) - 0.5, -0.5)
        for side, label in LABELS.items():
            axes[0].plot([], [], "o", color=COLOURS[side], markersize=3.5, label=label)
        axes[0].plot([], [], "--", color="black", linewidth=0.8, label="the paper's value")
        figure.legend(loc="outside upper center", ncols=3, fontsize=8)
        figure.savefig(FOLDER / "differences.png", metadata={"Software": None})


if __name__ == "__main__":
    main()
