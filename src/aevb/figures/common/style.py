"""The style of all figures: the table of methods, the colours, the fonts and the sizes.

The colours are those of Okabe and Ito ("Color Universal Design", 2008), which remain distinct under
the common forms of colour blindness. Where it matters, the line style or the glyph makes the same
distinction. The font is STIX, which is part of matplotlib, so that a figure is the same on every
machine.
"""

import math
from typing import Any, NamedTuple

__all__ = [
    "DATASETS",
    "DIGITS",
    "METHODS",
    "MORE",
    "PANEL",
    "PAPER_COLOURS",
    "RC",
    "SPARE",
    "Method",
    "dataset",
    "estimate",
    "method",
    "number",
    "panel",
]


class Method(NamedTuple):
    """How figures show an objective.

    Attributes:
        label: The name in legends and tables.
        colour: The colour of its lines.
        published: The algorithm of the paper to compare with; None if there is none.
    """

    label: str
    colour: str
    published: str | None


METHODS = {
    "sgvb_b": Method("AEVB", "#0072B2", "aevb"),
    "sgvb_a": Method("AEVB, estimator A", "#56B4E9", "aevb"),
    "wake_sleep": Method("wake-sleep", "#009E73", "wake_sleep"),
    "mcem": Method("Monte Carlo EM", "#CC79A7", "mcem"),
    "full_vb": Method("full variational Bayes", "#E69F00", None),
    "score_function": Method("score function", "#000000", None),
    "iwae": Method("importance-weighted", "#7A5195", None),
    "dreg": Method("importance-weighted, DReG", "#D55E00", None),
    "beta_vae": Method("β-VAE", "#E69F00", None),
    "beta_tcvae": Method("β-TCVAE", "#CC79A7", None),
    "factor_vae": Method("FactorVAE", "#009E73", None),
    "lagging": Method("lagging inference network", "#D55E00", None),
    "variational_em": Method("variational EM", "#8C6D31", None),
    "nvil": Method("NVIL", "#009E73", None),
    "vimco": Method("VIMCO", "#CC79A7", None),
    "arm": Method("DisARM", "#56B4E9", None),
    "exact_bound": Method("exact gradient", "#6B6B6B", None),
    "mmd": Method("MMD-VAE", "#8C6D31", None),
    "adversarial_autoencoder": Method("AAE", "#0072B2", None),
    "semi_supervised": Method("semi-supervised, M2", "#56B4E9", None),
    "autoencoder": Method("autoencoder", "#6B6B6B", None),
    "gan": Method("GAN", "#882255", None),
}
KL_WEIGHTED = ("sgvb_a", "sgvb_b", "beta_vae")
"""Objectives whose beta is the weight of the whole KL divergence."""

SPARE = ("#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Colours, in this order, for methods that are not in the table and for further variants of a method."""

MORE = (
    *("#0072B2", "#D55E00", "#7A5195", "#8C6D31", "#882255", "#6B6B6B", "#B5179E", "#5A8F00"),
    *("#00A6A6", "#5C1A00", "#1B4332", "#3355FF", "#FF4D4D", "#A8A800", "#A9A9A9"),
)
"""Colours that are left after those, for figures of many lines."""

PAPER_COLOURS = {"aevb": "#00246B", "wake_sleep": "#00602B", "mcem": "#7A1F55"}
"""Colours of the paper's curves: the hue of the method, dark. They are thin lines over our thick ones."""

DIGITS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#E69F00",
    "#000000",
    "#7A5195",
    "#8C6D31",
    "#6B6B6B",
)
"""Colours of the classes 0 to 9; the glyph is the digit itself."""

DATASETS = {"mnist": "MNIST", "frey_face": "Frey Face", "digits": "Digits 8×8", "shapes": "Drawn shapes"}
"""Names of the data sets in titles, in the order of the rows."""

PANEL = (2.15, 1.85)
"""Width and height of one panel of curves, inches."""

RC: dict[str, Any] = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.solid_capstyle": "round",
    "figure.dpi": 100,
    "savefig.dpi": 220,
    "pdf.fonttype": 42,  # TrueType: text in the PDF stays text
    "figure.constrained_layout.use": True,
}


def method(objective: str) -> Method:
    """Return the style of an objective; one that is not in the table is shown under its own name.

    Args:
        objective: The name of the objective in conf/objective.

    Returns:
        Its label, colour and published counterpart.
    """
    return METHODS.get(objective, Method(objective, SPARE[0], None))


def dataset(name: str) -> str:
    """Return the name of a data set in titles.

    Args:
        name: The name of the data set in conf/data.

    Returns:
        The title; the name itself if it is not in the table.
    """
    return DATASETS.get(name, name)


def number(value: float | None, sign: str = "") -> str:
    """Format a number for a table, most often in nats.

    Args:
        value: The number; None or nan if there is none.
        sign: "+" to show the sign of positive numbers too.

    Returns:
        The text; a dash if there is no number.
    """
    if value is None or math.isnan(value):
        return "–"
    text = f"{value:{sign}.2f}" if abs(value) < 1e5 else f"{value:{sign}.3g}"
    return "0.00" if text == "-0.00" and not sign else text


def estimate(mean: float | None, error: float | None, form: str = "") -> str:
    """Format an estimate with its standard error for a table.

    Args:
        mean: The estimate; None or nan if there is none.
        error: Its standard error; None or nan if it has none, as over a single image.
        form: How the numbers are formatted, as in "+.3f"; the error without sign and comma. Empty: as by `number`.

    Returns:
        "mean ± error", the mean alone, or a dash.
    """
    shown = [
        number(value) if value is None or math.isnan(value) or not form else f"{value:{kind}}"
        for value, kind in ((mean, form), (error, form.strip("+,")))
    ]
    return " ± ".join(shown) if "–" not in shown else shown[0]


def panel(row: dict[str, Any]) -> dict[str, Any]:
    """Return the first columns of a table of curves, which identify the curve.

    Args:
        row: A row with "data", "latent_dim", "method" and "lr".

    Returns:
        The columns as text.
    """
    learning_rate = "" if row["lr"] is None else f"{row['lr']:g}"
    return {
        "data": dataset(row["data"]),
        "latent_dim": row["latent_dim"],
        "method": row["method"],
        "learning rate": learning_rate,
    }
