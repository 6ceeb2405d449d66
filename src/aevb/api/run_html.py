"""A run as HTML for a notebook: what it is, its learning curves, samples of its model, and its numbers."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from aevb.api.html import curves, number_with_error, picture, rows_table
from aevb.data.image_grid import grey_levels, image_grid
from aevb.data.target_convention import log_px_of
from aevb.errors import UserError
from aevb.runs.evaluation_record import read_evaluation
from aevb.runs.units import unit

if TYPE_CHECKING:
    from aevb.api.trained_run import TrainedRun

__all__ = ["run_html"]

SAMPLES = 25
"""Images drawn from the model."""


def run_html(run: "TrainedRun") -> str:
    """Return the HTML of a run; a part that cannot be read is replaced by the reason.

    Args:
        run: The run.
    """
    parts = [_part(run, part) for part in (_summary, _curves, _samples, _numbers)]
    summary, *rest = parts
    block = Markup("").join(Markup('<div style="margin-right: 24px">{}</div>').format(part) for part in rest if part)
    row = Markup('<div style="display: flex; flex-wrap: wrap; align-items: flex-start">{}</div>').format(block)
    return str(Markup("<div>{}{}</div>").format(summary, row))


def _part(run: "TrainedRun", part: Callable[["TrainedRun"], Markup]) -> Markup:
    try:
        return part(run)
    except (UserError, OSError) as error:
        return Markup("<p>{}</p>").format(" ".join(str(error).split()))


def _summary(run: "TrainedRun") -> Markup:
    settings, done = run.settings, run.checked_record().done
    choices = settings.get("choices", {})
    facts = {name: choices.get(name) for name in ("data", "objective", "optimizer")}
    facts |= {"latent_dim": settings["latent_dim"], "seed": settings["seed"]}
    text = ", ".join(f"{key}={value}" for key, value in facts.items() if value is not None)
    seen = f"{done['samples_seen']:,} training samples"
    seconds = f" in {done['training_seconds']:,.1f} s" if "training_seconds" in done else ""
    return Markup("<p><b>{}</b><br>{}<br>{}</p>").format(run.directory.name, text, seen + seconds)


def _curves(run: "TrainedRun") -> Markup:
    metrics = run.checked_record().metrics()
    names = {"test": "test_bound", "train": "train_bound"}
    lines = {label: metrics[name] for label, name in names.items() if np.isfinite(metrics.get(name, np.nan)).any()}
    if not lines:
        return Markup("")
    return curves(
        metrics["samples_seen"], lines, f"The lower bound of {run.directory.name} against training samples seen"
    )


def _samples(run: "TrainedRun") -> Markup:
    if min(run.shape) == 1:
        return Markup("")  # not images
    means = run.sample(SAMPLES, seed=0).reshape(-1, *run.shape)
    levels = image_grid(grey_levels(means, means), 5, gap=2, width=40)
    text = "Means of p(x|z) at z drawn from the prior"
    if run.num_classes is not None:
        text = f"Means of p(x|z, y) at z drawn from the prior, y = 0 to {run.num_classes - 1} in turn"
    return Markup("{}<br><small>{}</small>").format(picture(levels, text), text)


def _numbers(run: "TrainedRun") -> Markup:
    rows = []
    for path in run.evaluation_files():
        facts = read_evaluation(path)
        settings = ", ".join(f"{key}={value}" for key, value in facts.get("settings", {}).items())
        value = number_with_error(facts.get("mean", np.nan), facts.get("standard_error", np.nan))
        direction = facts.get("direction") or ""
        quantity = facts.get("quantity", "")
        of = unit(facts["name"], quantity)
        rows.append((facts["name"], settings, facts["split"], f"{facts['n']:,}", quantity, value, of, direction))
    if not rows:
        return Markup("")
    heads = (
        "evaluator",
        "settings",
        "split",
        "images",
        "value",
        "mean ± standard error",
        "unit",
        f"of {log_px_of(run.settings)}",
    )
    targets = run.inputs.targets
    meaning = "" if targets is None else f"targets {targets}: {targets.meaning(run.inputs.likelihood)}"
    return Markup('{}<small style="display: block; max-width: 60em">{}</small>').format(
        rows_table(heads, rows), meaning
    )
