"""Drawn shapes: the same network trained with the lower bound, with MMD, and against a discriminator.

The figure shows reconstructions and samples side by side, and a table of both. The shares are those of
the evaluator `shapes` on the whole test split. A row of the table is a configuration, with the mean, the
smallest and the largest value over seeds. The errors of all configurations have the same scale, |x - x'|^2 of
grey levels in [0, 1].
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas

from aevb.data.image_grid import image_grid
from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.images import GAP, show
from aevb.figures.common.learning_curves import curve, once_per_seed
from aevb.figures.common.method_labels import distinct_names
from aevb.figures.common.origin import provenance
from aevb.figures.common.style import method
from aevb.runs.run import Run
from aevb.types import PositiveInt, Seed

__all__ = ["Shapes"]

SIZE = 1.75  # of a panel, inches
ACROSS = 6  # columns beside each other; further ones go below
QUANTITIES = (
    ("mean_square_error", "error a pixel", "{:.5f}"),
    ("squared_error", "error an image", "{:.2f}"),
    ("recognisable_reconstruction", "recognisable reconstructions", "{:.1%}"),
    ("recognisable_sample", "recognisable samples", "{:.1%}"),
    ("sample_overlap", "overlap of samples", "{:.3f}"),
    ("seconds", "seconds", "{:.0f}"),
)


class Shapes(Figure):
    """A column per configuration, from its lowest seed: reconstructions above samples.

    Args:
        side: The number of images in a row of a panel.
        seed: The seed of the samples.
    """

    name = "shapes"
    command = "aevb-train experiment=shapes"

    def __init__(self, side: PositiveInt = 5, seed: Seed = 0) -> None:
        self.side, self.seed = side, seed

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs of data=shapes with both evaluations of the test split (see `Figure.wanted`)."""
        return [run for run in runs if run.settings["choices"]["data"] == "shapes" and len(_evaluations(run)) == 2]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the originals, then the configurations ordered by name (see `Figure.compose`)."""
        from aevb.evaluation.trained_model import TrainedModel

        once = [item for item, _ in once_per_seed(map(curve, runs))]  # a seed must not count twice in a mean
        curves = sorted(once, key=lambda item: (_order(item.run), item.seed))
        groups: dict[str, list[Run]] = {}
        for item, name in zip(curves, distinct_names(curves, [label(item.run) for item in curves]), strict=True):
            groups.setdefault(name, []).append(item.run)
        bands, across = -(-(1 + len(groups)) // ACROSS), min(1 + len(groups), ACROSS)
        canvas = Canvas(figsize=(SIZE * across, bands * (2 * SIZE + 0.45)))
        panels = canvas.subplots(2 * bands, across, squeeze=False)
        axes = np.concatenate([panels[2 * band : 2 * band + 2] for band in range(bands)], 1)
        for ax in axes[:, 1 + len(groups) :].flat:
            ax.axis("off")
        count = self.side**2
        rows: list[dict[str, Any]] = []
        table = []
        for i, (name, members) in enumerate(groups.items(), start=1):
            model = TrainedModel(members[0].directory, trusted=trusted)
            x = model.test().x
            pictures = [model.reconstruct(x[:count]), model.sample(count, self.seed)]
            if i == 1:
                pictures = [x[:count], x[count : 2 * count], *pictures]
                for ax, title in zip(axes[:, 0], ("test images", "more test images"), strict=True):
                    ax.set_title(title)
            shown = np.array([axes[0, 0], axes[1, 0], axes[0, 1], axes[1, 1]] if i == 1 else axes[:, i])
            for ax, picture in zip(shown, pictures, strict=True):
                show(ax, image_grid(picture.reshape(-1, *model.shape), self.side, GAP))
            own_rows = [{"recipe": name, **_numbers(run)} for run in members]
            rows += own_rows
            axes[0, i].set_title(f"{_broken(name)}\nreconstructions")
            axes[1, i].set_title("samples")
            table.append(_shown(name, own_rows))
        return Drawing(rows, canvas, text=f"{_caption(rows)}\n\n{markdown_table(table)}")


def label(run: Run) -> str:
    """Name the method of a run and the settings that distinguish its variants.

    Args:
        run: A finished run.

    Returns:
        The name.
    """
    objective, encoder = run.settings["objective"], run.settings["model"]["encoder"]
    name = run.settings["choices"]["objective"]
    words = ["VAE" if name == "sgvb_b" else method(str(name)).label]
    words += [f"λ = {objective['weight']:g}"] if "weight" in objective else []
    variance = encoder.get("variance")
    words += [] if variance is None else ["no noise" if variance == 0 else f"noise {variance:g}"]
    return ", ".join(words)


def _broken(name: str) -> str:
    """The name with its third part, if there is one, on a new line, so that it fits the panel."""
    *first, last = name.split(", ")
    return f"{', '.join(first)},\n{last}" if len(first) > 1 else name


def _order(run: Run) -> tuple[Any, ...]:
    variance = run.settings["model"]["encoder"].get("variance")
    weight = run.settings["objective"].get("weight", 0)
    name = method(str(run.settings["choices"]["objective"])).label
    return "weight" in run.settings["objective"], name, -1 if variance is None else variance, weight, label(run)


def _evaluations(run: Run) -> dict[str, dict[str, Any]]:
    """The evaluations of the most images of the test split."""
    names = ("reconstruction", "shapes")
    records = [item for item in run.evaluations() if item["name"] in names and item["split"] == "test"]
    return {item["name"]: item for item in sorted(records, key=lambda item: item["n"])}


def _numbers(run: Run) -> dict[str, Any]:
    evaluations = _evaluations(run)
    values = {name: value["mean"] for item in evaluations.values() for name, value in item["values"].items()}
    kinds = {f"samples_{name}": count for name, count in evaluations["shapes"]["sample_kinds"].items()}
    return {
        "seed": run.settings["seed"],
        "samples_seen": run.done["samples_seen"],
        "images": evaluations["shapes"]["n"],
        "threshold": evaluations["shapes"]["threshold"],
        **{name: values[name] for name, _, _ in QUANTITIES if name in values},
        "reconstruction_overlap": values["reconstruction_overlap"],
        "recognisable_original": values["recognisable_original"],
        **kinds,
        "seconds": run.done["training_seconds"],
        **provenance(run),
    }


def _shown(name: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"": name, "seeds": len(records)}
    for quantity, heading, form in QUANTITIES:
        values = [item[quantity] for item in records]
        mean, low, high = (form.format(value) for value in (np.mean(values), min(values), max(values)))
        row[heading] = f"{mean} ({low} to {high})" if len(records) > 1 else mean
    return row


def _caption(rows: list[dict[str, Any]]) -> str:
    first = rows[0]
    return (
        f"Means over seeds, and their smallest and largest value; {first['images']:,} test images and as many samples. "
        f"Recognisable: the best drawn shape, fitted by moments, overlaps by {first['threshold']:g} at least, and is for a "
        f"reconstruction of its original's kind; of the originals {first['recognisable_original']:.1%} are."
    )
