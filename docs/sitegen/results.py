"""The numbers of the reproduction, read from the committed CSVs: no number on the pages is typed.

A page has blocks between `<!-- generated: NAME -->` and `<!-- end -->`; `python -m sitegen --numbers` fills them, and a test
fails if a page and the CSVs disagree.
"""

import csv
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from sitegen.markdown import table
from sitegen.repository import DOCS

__all__ = ["Comparison", "at_one_rate", "bound_panels", "filled", "likelihood_panels", "signed"]

BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
DATA = {"mnist": "MNIST", "frey_face": "Frey Face"}
LAST = 10_000_000
"""Training samples to which every panel of Figure 2 has been trained."""


class Comparison(NamedTuple):
    """Ours and the paper's, at one number of training samples."""

    panel: str
    method: str
    lr: str
    samples: int
    seeds: int
    ours: float
    paper: float
    spread: float | None
    tolerance: float | None
    verdict: str

    @property
    def difference(self) -> float:
        """Ours minus the paper's, nats."""
        return self.ours - self.paper


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a CSV of docs/results."""
    with (DOCS / "results" / name).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def bound_panels(split: str = "test") -> Iterator[Comparison]:
    """Yield the bounds of Figure 2 with grey targets, at LAST training samples and beyond.

    The learning rate of each is the one with the highest training bound (see aevb.figures.paper.verdict).
    """
    for row in rows("verdict.csv"):
        if row["method"] in ("AEVB", "wake-sleep") and row["split"] == split and int(row["samples_seen"]) >= LAST:
            yield Comparison(
                f"{DATA[row['data']]}, {row['latent_dim']}",
                row["method"],
                row["lr"],
                int(row["samples_seen"]),
                int(row["seeds"]),
                float(row["ours"]),
                float(row["paper"]),
                float(row["spread"]) if row["spread"] else None,
                float(row["tolerance"]),
                row["verdict"],
            )


def likelihood_panels() -> Iterator[Comparison]:
    """Yield log p(x) of Figure 3, each curve at the last evaluation point that the paper has too. One seed each."""
    last = dict[tuple[str, str, str], dict[str, str]]()
    for row in rows("figure3.csv"):
        if row["paper"]:
            last[row["n_train"], row["method"], row["split"]] = row
    for (n_train, method, split), row in last.items():
        ours, paper = float(row["quadrature"]), float(row["paper"])
        panel = f"N = {int(n_train):,}, {split}"
        yield Comparison(panel, method, row["lr"], int(row["samples_seen"]), 1, ours, paper, None, None, "")


def at_one_rate(data: str, latent_dim: int, lr: str, samples: int = LAST, method: str = "AEVB") -> Comparison:
    """Return the test bound at one learning rate, mean over the seeds that have been trained so far."""
    key = {"data": data, "latent_dim": str(latent_dim), "method": method}
    (paper,) = {
        float(row["paper"])
        for row in rows("verdict.csv")
        if key.items() <= row.items() and (row["split"], row["samples_seen"]) == ("test", str(samples))
    }
    (row,) = (row for row in rows("verdict-evidence.csv") if (key | {"lr": lr}).items() <= row.items())
    difference = float(row[f"difference_at_{samples}"])
    seeds = sum(reaches(run, samples) for run in row["run"].split(";"))
    return Comparison(f"{DATA[data]}, {latent_dim}", method, lr, samples, seeds, paper + difference, paper, None, None, "")


def reaches(run: str, samples: int) -> bool:
    """Return whether a committed run has an evaluation point at so many training samples."""
    path = DOCS.parent / "results" / "runs" / run / "metrics.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return any(int(row["samples_seen"]) == samples for row in csv.DictReader(file))


def signed(value: float, digits: int = 2) -> str:
    """Return a number with its sign, and with a minus sign instead of a hyphen."""
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def plain(value: float, digits: int = 2) -> str:
    """Return a number with a minus sign where it is negative."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def samples_seen(value: int) -> str:
    """Return a number of samples as 1e7 or 5e6."""
    mantissa, exponent = f"{value:.0e}".split("e+")
    return f"{mantissa}e{int(exponent)}" if int(float(mantissa) * 10 ** int(exponent)) == value else f"{value:,}"


def panel_table() -> str:
    """Return the table of Figure 2, a line for each panel, method and evaluation point."""
    lines = []
    for one in bound_panels():
        digits = 2 if one.panel.startswith("MNIST") else 1
        spread = "" if one.spread is None else plain(one.spread, 1)
        verdict = f"**{one.verdict}**" if one.verdict == "matches" else one.verdict
        numbers = (plain(one.ours, digits), plain(one.paper, digits), signed(one.difference, digits))
        lines.append((one.panel, one.method, samples_seen(one.samples), one.lr, str(one.seeds), *numbers, spread, verdict))
    header = ("panel, latent_dim", "method", "at", "lr", "seeds", "ours", "paper", "difference", "seed spread", "verdict")
    return table(header, lines, "llrrrrrrrl")


def likelihood_table() -> str:
    """Return the table of Figure 3, a line for each curve."""
    lines = [
        (one.panel, one.method, samples_seen(one.samples), plain(one.ours), plain(one.paper), signed(one.difference))
        for one in likelihood_panels()
    ]
    return table(("panel", "method", "at", "ours", "paper", "difference"), lines, "llrrrr")


BLOCKS = {"panels": panel_table, "likelihoods": likelihood_table}


def filled(text: str) -> str:
    """Return a page with its generated blocks filled."""
    return BLOCK.sub(lambda match: f"{match[1]}\n{BLOCKS[match[2]]()}\n\n{match[3]}", text)
