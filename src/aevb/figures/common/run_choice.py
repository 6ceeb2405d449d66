"""The choice of the run that represents a data set and latent_dim.

For each method the longest run at the selected learning rate is taken (see
`aevb.figures.common.learning_rate_choice`); among runs of equal length, the one with the lowest seed.
Among several methods the one with the longest run is taken; if the lengths are equal, the one with the
highest training bound at the end. A run with a pitfall, whose training bound may be wrong, is taken only if there is no other.
"""

from collections.abc import Collection

from aevb.config import pitfall_of
from aevb.config.families import CLOSED_FORM, CORRELATED
from aevb.config.family_rules import family
from aevb.config.resolved import Settings
from aevb.figures.common.base import markdown_table
from aevb.figures.common.learning_curves import Curve, curve, with_bound
from aevb.figures.common.method_lines import Line, panels
from aevb.figures.common.origin import convention
from aevb.figures.common.style import dataset
from aevb.runs.run import Run

__all__ = [
    "SELECT_AT",
    "caption",
    "representatives",
    "with_closed_form_kl",
    "with_continuous_latents",
    "with_diagonal_normal_posterior",
    "with_latent_dim",
    "with_standard_normal_prior",
]

SELECT_AT = 1_000_000


def with_latent_dim(runs: list[Run], latent_dims: Collection[int] | None) -> list[Run]:
    """Return the runs of the given latent dimensions that have a lower bound, by which they are compared.

    Args:
        runs: Finished runs.
        latent_dims: The latent dimensions; None for all.

    Returns:
        Those runs, in the same order.
    """
    return [run for run in with_bound(runs) if latent_dims is None or run.settings["latent_dim"] in latent_dims]


def with_standard_normal_prior(runs: list[Run]) -> list[Run]:
    """Return the runs whose prior is N(0, I).

    Args:
        runs: Finished runs.
    """
    return [run for run in runs if Settings(run.settings).class_name("model.prior") == "StandardNormal"]


def with_diagonal_normal_posterior(runs: list[Run]) -> list[Run]:
    """Return the runs whose q(z|x) is not known to be another family than a diagonal normal.

    Args:
        runs: Finished runs.
    """
    return [run for run in runs if family(Settings(run.settings), "model.encoder") in ("normal", "")]


def with_closed_form_kl(runs: list[Run]) -> list[Run]:
    """Return the runs whose KL(q(z|x) || p(z)) is not known to have no closed form, by their families.

    Args:
        runs: Finished runs.
    """
    chosen = []
    for run in runs:
        encoder, prior = (family(Settings(run.settings), f"model.{part}") for part in ("encoder", "prior"))
        if not encoder or not prior or prior in (CLOSED_FORM | CORRELATED).get(encoder, ()):
            chosen.append(run)
    return chosen


def with_continuous_latents(runs: list[Run]) -> list[Run]:
    """Return the runs without those of discrete latent variables, between whose values the decoder is not defined.

    Args:
        runs: Finished runs.
    """
    return [run for run in runs if not Settings(run.settings).states("model.encoder", "discrete")]


def representatives(runs: list[Run], select_at: int = SELECT_AT) -> dict[tuple[str, int], Run]:
    """Choose one run for every data set and latent dimension.

    Args:
        runs: Finished runs with a lower bound.
        select_at: The samples_seen at which learning rates are compared.

    Returns:
        The runs by (data set, latent_dim), in the order of the panels.
    """
    by_panel = panels([curve(run) for run in runs], select_at)
    return {key: max((_longest(line) for line in lines), key=_merit).run for key, lines in by_panel.items()}


def _longest(line: Line) -> Curve:
    return max(line.curves, key=lambda item: (item.last, -item.seed))


def _merit(item: Curve) -> tuple[bool, int, float]:
    is_right = not any(pitfall_of(item.run.settings.get(group)) for group in ("data", "objective", "optimizer"))
    return is_right, item.last, float(item.bound["train"][-1])


def caption(text: str, chosen: dict[tuple[str, int], Run]) -> str:
    """Append a table of the runs that are shown to a caption.

    Args:
        text: The caption.
        chosen: The runs by (data set, latent_dim).

    Returns:
        The caption as Markdown.
    """
    rows = [
        {
            "data": dataset(data),
            "latent_dim": latent_dim,
            "samples seen": f"{run.done['samples_seen']:,}",
            "targets": convention(run),
            "run": run.name,
        }
        for (data, latent_dim), run in chosen.items()
    ]
    return f"{text}\n\n{markdown_table(rows)}"
