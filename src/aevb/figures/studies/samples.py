"""Samples from models with different objectives: means of p(x|z) at the same draws z ~ p(z).

An autoencoder defines no distribution of z and is left out (figure=mixture fits one). With a stated
Gaussian observation noise every generator, including a GAN, has a likelihood: the table gives the
results of evaluator=ais with observation_sigma.
"""

from typing import Any

from aevb.data.image_grid import image_grid
from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.image_panels import image_panels
from aevb.figures.common.images import GAP, drawn_aspect, show
from aevb.figures.common.origin import convention, provenance
from aevb.figures.common.style import dataset, estimate, method
from aevb.runs.run import Run
from aevb.types import PositiveInt, Seed

__all__ = ["Samples"]

SIZE = 2.3  # height of a panel, inches
WARNING = (
    "log p(x) is that of p(x|z) = N(mean of the decoder, sigma² I), by AIS, a stochastic lower bound. A GAN has no likelihood "
    "without such a noise, and the number is a function of sigma: compare rows of one sigma only."
)


class Samples(Figure):
    """A panel of side x side samples per objective, from its longest run; of equal ones, the lowest seed.

    Args:
        latent_dims: The latent dimensions to show; None for all.
        side: The number of samples in a row.
        seed: The seed of the draws.
    """

    name = "samples"
    command = "aevb-train experiment=gan"

    def __init__(self, latent_dims: list[PositiveInt] | None = None, side: PositiveInt = 8, seed: Seed = 0) -> None:
        self.latent_dims, self.side, self.seed = latent_dims, side, seed

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs whose prior describes their codes (see `Figure.wanted`)."""
        drawn = [run for run in runs if run.settings["choices"]["objective"] != "autoencoder"]
        return [run for run in drawn if self.latent_dims is None or run.settings["latent_dim"] in self.latent_dims]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose a row of panels per data set and latent dimension (see `Figure.compose`)."""
        from aevb.evaluation.trained_model import TrainedModel

        chosen: dict[tuple[str, int], Run] = {}
        for run in sorted(runs, key=lambda run: (_setting_key(run), -run.done["samples_seen"], run.settings["seed"])):
            setting = f"{run.settings['choices']['data']}, {run.settings['latent_dim']}"
            before = [name for name, _ in chosen if name == setting]
            known = {chosen[setting, i].settings["choices"]["objective"] for i in range(len(before))}
            if run.settings["choices"]["objective"] not in known:
                chosen[setting, len(before)] = run
        widest = max(drawn_aspect(run.done["shape"]) for run in chosen.values())
        canvas, axes = image_panels(chosen, "{data}", (SIZE * widest + 0.1, SIZE + 0.4))
        rows = []
        for panel, run in chosen.items():
            model = TrainedModel(run.directory, trusted=trusted)
            images = model.sample(self.side**2, self.seed).reshape(-1, *model.shape)
            show(axes[panel], image_grid(images, self.side, GAP))
            data, objective = run.settings["choices"]["data"], run.settings["choices"]["objective"]
            name = f"{dataset(data)}, $N_z = {run.settings['latent_dim']}$"
            axes[panel].set_title(f"{method(objective).label}\n{name}")
            facts = {"data": data, "latent_dim": run.settings["latent_dim"], "objective": objective}
            facts |= {"samples_seen": run.done["samples_seen"], "targets": convention(run)}
            rows += [{**facts, **likelihood, **provenance(run)} for likelihood in _likelihoods(run)]
        return Drawing(rows, canvas, text=f"Means of p(x|z) at random draws z ~ p(z). {WARNING}\n\n{_table(rows)}")


def _setting_key(run: Run) -> tuple[str, int, str]:
    choices = run.settings["choices"]
    return str(choices["data"]), run.settings["latent_dim"], method(str(choices["objective"])).label


def _likelihoods(run: Run) -> list[dict[str, Any]]:
    """The log-likelihoods of a run, one row per sigma; a single row without numbers if there are none."""
    records = [item for item in run.evaluations() if item["name"] == "ais" and "observation_sigma" in item["settings"]]
    return [
        {
            "sigma": item["settings"]["observation_sigma"],
            "split": item["split"],
            "log_px": item["mean"],
            "standard_error": item["standard_error"],
            "images": item["n"],
            "effective_samples": item["values"]["effective_samples"]["mean"],
            **{key: item["settings"][key] for key in ("temperatures", "chains")},
        }
        for item in sorted(records, key=lambda item: (item["settings"]["observation_sigma"], item["split"], item["n"]))
    ] or [{"sigma": None}]


def _table(rows: list[dict[str, Any]]) -> str:
    return markdown_table(
        [
            {
                "": method(row["objective"]).label,
                "data": dataset(row["data"]),
                "samples seen": f"{row['samples_seen']:,}",
                "sigma": "–" if row["sigma"] is None else f"{row['sigma']:g}",
                "log p(x)": "–"
                if row["sigma"] is None
                else f"{estimate(row['log_px'], row['standard_error'], ',.1f')} ({row['images']:,} {row['split']} images)",
                "chains left (ESS)": "–"
                if row["sigma"] is None
                else f"{row['effective_samples']:.1f} of {row['chains']}",
                "run": row["run"],
            }
            for row in rows
        ]
    )
