"""Figure 3: the marginal likelihood during training, our runs and the paper's own curves.

There is one panel per size of the training set. Solid lines are the first test images; dashed lines are
the first training images. A line is the mean over seeds, and its band extends from the lowest to the
highest seed. log p(x) is computed by quadrature, which is exact up to its stated error, or
by the paper's own estimator (appendix D) where there is no quadrature. The paper's curves use that
estimator, so the table also gives its value on our models beside the exact number.
"""

import math
from collections.abc import Iterator
from typing import Any

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import Curve
from aevb.figures.common.origin import meanings, provenance, provenances
from aevb.figures.paper import published
from aevb.figures.paper.figure3_canvas import draw
from aevb.figures.paper.figure3_lines import ESTIMATORS, SPLITS, MarginalLine, marginal, marginal_lines
from aevb.figures.paper.seed_statistics import seed_statistics
from aevb.runs.run import Run
from aevb.types import PositiveInt

__all__ = ["Figure3"]


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
            if any(len(marginal(run, split, evaluator)[0]) for split in SPLITS for evaluator in ESTIMATORS)
        ]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the panels, their numbers and the table of evaluation points (see `Figure.compose`)."""
        panels = marginal_lines(runs)
        rows = [row for n_train, lines in panels.items() for line in lines for row in _rows(n_train, line)]
        right = float(self.x_max or max(int(run.metrics()["samples_seen"][-1]) for run in runs))
        caption = (
            "log p(x), nats per image, of the first images of either split: the mean over seeds, with the 95 % t interval of "
            f"the mean over the seeds. The paper's curves are by its own estimator ({published.SOURCE}, appendix D), "
            "interpolated in log samples seen. Where there is quadrature, it is compared: the mean of appendix D over images is decided by "
            "the few images whose chains miss a mode, too low, or sit in different modes, too high. `clock` in the CSV: what Monte Carlo EM counts.\n\n"
        )
        return Drawing(rows, draw(panels, right), text=f"{caption}{meanings(runs)}\n{_table(rows)}")


def _rows(n_train: int, line: MarginalLine) -> Iterator[dict[str, Any]]:
    facts = {"n_train": n_train, "method": line.label, "lr": line.lr, "clock": line.clock}
    for split in SPLITS:
        paper = published.figure3().get((n_train, line.published or "", split))
        # Estimator -> samples seen -> log p(x) of each seed.
        values = {
            name: {int(x): _at(seeds, split, float(x)) for x in points.samples_seen}
            for name in ESTIMATORS
            if (seeds := line.seeds(split, name)) and (points := line.band(split, name))
        }
        for x in sorted(set().union(*values.values())):
            at = {"split": split, "samples_seen": x}
            estimates = {name: column[x] for name, column in values.items() if x in column}
            first = next(iter(estimates.values()))
            statistics = {name: seed_statistics(list(by_seed.values())) for name, by_seed in estimates.items()}
            yield {
                "source": "mean",
                **facts,
                **at,
                **{name: one.mean for name, one in statistics.items()},
                "seeds": len(first),
                "interval": next(iter(statistics.values())).half_width,
                "paper": paper.at(float(x)) if paper is not None else math.nan,
                **provenances([item for item in line.curves if item.seed in first]),
            }
            for item in line.curves:
                if item.seed in first:
                    estimated = {
                        name: by_seed[item.seed] for name, by_seed in estimates.items() if item.seed in by_seed
                    }
                    yield {"source": "run", **facts, **at, **estimated, "seed": item.seed, **provenance(item.run)}


def _at(seeds: list[Curve], split: str, x: float) -> dict[int, float]:
    rows = {item.seed: (item, item.row(x)) for item in seeds}
    return {seed: float(item.bound[split][row]) for seed, (item, row) in rows.items() if row is not None}


def _table(rows: list[dict[str, Any]]) -> str:
    def number(value: float, sign: str = "") -> str:
        return "–" if math.isnan(value) else f"{value:{sign}.2f}"

    def line(row: dict[str, Any]) -> dict[str, Any]:
        exact, sampled = row.get("quadrature", math.nan), row.get("reciprocal", math.nan)
        # The interval is that of the first estimator which has a value.
        interval = "" if math.isnan(row["interval"]) else f" ± {row['interval']:.2f}"
        return {
            "N_train": f"{row['n_train']:,}",
            "method": row["method"],
            "learning rate": f"{row['lr']:g}",
            "split": row["split"],
            "samples seen": f"{row['samples_seen']:,}",
            "seeds": row["seeds"],
            "quadrature": number(exact) + ("" if math.isnan(exact) else interval),
            "appendix D": number(sampled) + (interval if math.isnan(exact) else ""),
            "paper": number(row["paper"]),
            "quadrature − paper": number(exact - row["paper"], "+"),
        }

    return markdown_table([line(row) for row in rows if row["source"] == "mean"])
