"""Which run shows what a latent dimension can do, where several could.

At the learning rate that figures select (aevb.figures.common.learning_rate_choice): the longest run, of equals the one of the lowest seed. Of several
methods the one trained longest, of equals the one with the highest training bound at its end.
"""

from collections.abc import Collection

from aevb.figures.common.base import markdown_table
from aevb.figures.common.learning_curves import Curve, convention, curve, with_bound
from aevb.figures.common.method_lines import Line, panels
from aevb.figures.common.style import dataset
from aevb.runs.run import Run

__all__ = ["SELECT_AT", "caption", "representatives", "with_latent_dim"]

SELECT_AT = 1_000_000


def with_latent_dim(runs: list[Run], latent_dims: Collection[int] | None) -> list[Run]:
    """The runs of these latent dimensions; None: of any. They are chosen among by their bounds, so that they have one."""
    return [run for run in with_bound(runs) if latent_dims is None or run.settings["latent_dim"] in latent_dims]


def representatives(runs: list[Run], select_at: int = SELECT_AT) -> dict[tuple[str, int], Run]:
    """One run for every (data set, latent_dim), in the order of the panels."""
    found = panels([curve(run) for run in runs], select_at)
    return {place: max((_longest(line) for line in lines), key=_merit).run for place, lines in found.items()}


def _longest(line: Line) -> Curve:
    return max(line.curves, key=lambda item: (item.last, -item.seed))


def _merit(item: Curve) -> tuple[int, float]:
    return item.last, float(item.bound["train"][-1])


def caption(text: str, chosen: dict[tuple[str, int], Run]) -> str:
    """`text` and the table of the runs that are shown."""
    rows = [
        {
            "data": dataset(data),
            "N_z": latent_dim,
            "samples seen": f"{run.done['samples_seen']:,}",
            "targets": convention(run),
            "run": run.name,
        }
        for (data, latent_dim), run in chosen.items()
    ]
    return f"{text}\n\n{markdown_table(rows)}"
