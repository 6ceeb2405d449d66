"""The verdict: our curves compared with the paper's, and the targets and learning rate nearest to it.

A difference is ours minus the paper's, nats per datapoint, at the same samples_seen. It is compared with

    tolerance = 1 nat + digitisation error + half the spread over seeds

The paper says of its own curves that the "estimator variance was small (< 1)". The digitisation error is
0.05 nat (MNIST) or 0.5 nat (Frey Face). The spread is the highest minus the lowest seed, at the last
evaluation point up to there that the largest number of seeds has reached. A curve within the tolerance
matches; above it, it is better; below it, it is worse.

For a curve that does not match, the table lists which other runs of the method lie within 1 nat plus the
digitisation error of the paper: a single seed, another learning rate, or other targets. The standard error
in the table is that of the mean over test images at the end of the run. The paper's test images are the
same, so this error is not part of the tolerance.

Of all learning rates and targets of a panel, the one whose TEST curve is nearest to the paper's is named
too (root mean square over the evaluation points that all of them have reached). This is evidence about
what the paper used; it does not select the learning rate.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import Curve, convention, curve, meanings, provenances
from aevb.figures.common.learning_rate_choice import RULE, Candidate
from aevb.figures.common.method_lines import Line, panels
from aevb.figures.common.style import dataset, method, number, panel
from aevb.figures.paper import published
from aevb.runs.run import Run
from aevb.types import PositiveInt

__all__ = ["Verdict"]

DIGITISATION = {"mnist": 0.05, "frey_face": 0.5}
VARIANCE = 1.0  # of the paper's own curves, in its words, nats
COLOURS = {"matches": "#009E73", "better": "#0072B2", "worse": "#D55E00"}
MARKERS = "osD^v"


class Verdict(Figure):
    """A table, a JSON file and a picture.

    Args:
        at: The samples_seen to compare at.
        select_at: The samples_seen at which learning rates are compared (see
            `aevb.figures.common.learning_rate_choice`).
    """

    name = "verdict"
    command = "aevb-train experiment=figure2_mnist max_samples=1e6"

    def __init__(self, at: list[PositiveInt] | None = None, select_at: PositiveInt = 1_000_000) -> None:
        self.at, self.select_at = sorted(at or [1_000_000, 3_000_000, 10_000_000]), select_at

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the finished runs of a panel of figure 2 that have test bounds (see `Figure.wanted`)."""
        known = {(data, latent_dim) for data, latent_dim, _, _ in published.figure2()}
        return [
            run
            for run in runs
            if (str(run.settings["choices"]["data"]), run.settings["latent_dim"]) in known
            and np.isfinite(run.metrics()["test_bound"]).any()
        ]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose a row per curve and evaluation point, and the table of evidence (see `Figure.compose`)."""
        rows: list[dict[str, Any]] = []
        evidence: list[dict[str, Any]] = []
        for place, lines in panels([curve(run) for run in runs], self.select_at).items():
            for line in lines:
                rows += self.comparisons(place, line, lines)
            evidence += self._evidence(place, lines)
        numbers = {"curves": [_plain(row) for row in rows], "evidence": [_plain(row) for row in evidence]}
        return Drawing(rows, _draw(rows), {"evidence": evidence}, self._text(runs, rows, evidence), numbers)

    def comparisons(self, place: tuple[str, int], line: Line, lines: list[Line]) -> Iterator[dict[str, Any]]:
        """Yield a row for every split and evaluation point at which both a line and the paper have a value.

        Args:
            place: The data set and latent_dim of the panel.
            line: The line to compare.
            lines: All lines of the panel, which are searched for other curves near the paper's.

        Yields:
            One row of the table.
        """
        algorithm = method(line.objective).published
        for split in ("test", "train"):
            paper = published.figure2().get((*place, algorithm or "", split))
            if paper is None:
                continue
            for samples_seen in self.at:
                reached = [item for item in line.curves if item.row(samples_seen) is not None]
                theirs = paper.at(samples_seen)
                if not reached or np.isnan(theirs):
                    continue
                bounds = [item.at(split, samples_seen) for item in reached]
                ours = float(np.mean(bounds))
                spread, spread_at, seeds = _spread(line.curves, split, samples_seen)
                tolerance = VARIANCE + DIGITISATION[place[0]] + spread / 2
                difference = ours - theirs
                verdict = "matches" if abs(difference) <= tolerance else "better" if difference > 0 else "worse"
                yield {
                    "data": place[0],
                    "latent_dim": place[1],
                    "method": line.label,
                    "targets": convention(line.curves[0].run),
                    "lr": line.selection.chosen.lr,
                    "split": split,
                    "samples_seen": samples_seen,
                    "seeds": len(reached),
                    "ours": ours,
                    "paper": theirs,
                    "difference": difference,
                    "standard_error": _standard_error(reached) if split == "test" else float("nan"),
                    "spread": spread if seeds > 1 else float("nan"),
                    "spread_at": spread_at if seeds > 1 else None,
                    "spread_seeds": seeds,
                    "tolerance": tolerance,
                    "verdict": verdict,
                    "why": "" if verdict == "matches" else _why(line, lines, split, samples_seen, theirs),
                    **provenances(reached),
                }

    def _evidence(self, place: tuple[str, int], lines: list[Line]) -> list[dict[str, Any]]:
        found = []
        for line in lines:
            algorithm = method(line.objective).published
            paper = published.figure2().get((*place, algorithm or "", "test"))
            for candidate in line.selection.candidates if paper is not None else ():
                at = {mark: _mean(candidate, mark) - paper.at(mark) for mark in self.at}  # type: ignore[union-attr]
                differences = {mark: value for mark, value in at.items() if np.isfinite(value)}
                if differences:
                    found.append((algorithm, line, candidate, differences))
        distances = [_rms(item, [other for other in found if other[0] == item[0]]) for item in found]
        nearest = {a: min(rms for (b, *_), rms in zip(found, distances, strict=True) if b == a) for a, *_ in found}
        return [
            {
                "data": place[0],
                "latent_dim": place[1],
                "method": line.label,
                "targets": convention(candidate.curves[0].run),
                "lr": candidate.lr,
                "seeds": len(candidate.curves),
                **{f"difference_at_{mark}": differences.get(mark) for mark in self.at},
                "rms": rms,
                "nearest": "nearest" if rms == nearest[algorithm] else "",
                "selected": candidate.verdict,
                "remark": candidate.remark,
                **provenances(candidate.curves),
            }
            for (algorithm, line, candidate, differences), rms in zip(found, distances, strict=True)
        ]

    def _text(self, runs: list[Run], rows: list[dict[str, Any]], evidence: list[dict[str, Any]]) -> str:
        head = (
            f"Ours minus the paper's ({published.SOURCE}, figure 2, interpolated in log samples seen), nats per datapoint, mean "
            f"over seeds. Tolerance: {VARIANCE:g} nat (the paper's own word on its curves) + digitisation error + half the "
            "spread over seeds, at the last mark that they all have; s.e.: of the mean over test images at the run's end. "
            f"{RULE.format(at=self.select_at)}.\n\n"
        )
        counts = {word: sum(row["verdict"] == word for row in rows) for word in COLOURS}
        tally = ", ".join(f"{count} {word}" for word, count in counts.items())
        ends = markdown_table([_shown(row) for row in rows]) if rows else ""
        proofs = markdown_table([self._shown_evidence(row) for row in evidence]) if evidence else ""
        return (
            f"{head}{meanings(runs)}\nOf {len(rows)} comparisons: {tally}.\n\n{ends}\n"
            f"## Which learning rate and targets come nearest to the paper's test curve\n\n{proofs}"
        )

    def _shown_evidence(self, row: dict[str, Any]) -> dict[str, Any]:
        shown = {
            "data": dataset(row["data"]),
            "N_z": row["latent_dim"],
            "method": row["method"],
            "targets": row["targets"],
        }
        shown |= {"learning_rate": "" if row["lr"] is None else f"{row['lr']:g}", "seeds": row["seeds"]}
        shown |= {f"at {mark:,}": number(row[f"difference_at_{mark}"], "+") for mark in self.at}
        return shown | {"rms": number(row["rms"]), "": row["nearest"], "by training bound": row["selected"]}


def _why(line: Line, lines: list[Line], split: str, samples_seen: int, paper: float) -> str:
    """Other runs of the same method that lie near the paper's curve at this evaluation point."""

    def near(value: float) -> bool:
        return abs(value - paper) <= VARIANCE + DIGITISATION[line.curves[0].data]

    lucky = [item.seed for item in line.curves if near(item.at(split, samples_seen))]
    found = [f"seed {', '.join(map(str, lucky))} alone matches"] if lucky else []
    for other in (other for other in lines if method(other.objective).published == method(line.objective).published):
        for candidate in other.selection.candidates:
            shown = other is line and candidate is line.selection.chosen
            if not shown and near(_mean(candidate, samples_seen, split)):
                name = "" if other is line else f"{other.label}, "
                seeds = sum(item.row(samples_seen) is not None for item in candidate.curves)
                found.append(f"{name}learning rate {candidate.lr:g} matches ({seeds} seed{'s' * (seeds > 1)})")
    return "; ".join(found)


def _mean(candidate: Candidate, samples_seen: int, split: str = "test") -> float:
    reached = [item.at(split, samples_seen) for item in candidate.curves if item.row(samples_seen) is not None]
    return float(np.mean(reached)) if reached else float("nan")


def _spread(curves: list[Curve], split: str, samples_seen: int) -> tuple[float, int | None, int]:
    """The highest minus the lowest seed, the evaluation point it is taken at, and the number of seeds."""
    places = [int(x) for item in curves for x in item.samples_seen if x <= samples_seen]
    counts = {x: sum(item.row(x) is not None for item in curves) for x in places}
    most = max(counts.values(), default=0)
    if most < 2:
        return 0.0, None, most
    at = max(x for x, count in counts.items() if count == most)
    values = [item.at(split, at) for item in curves if item.row(at) is not None]
    return max(values) - min(values), at, most


def _standard_error(curves: list[Curve]) -> float:
    errors = [item.run.done.get("test", {}).get("bound", {}).get("standard_error", np.nan) for item in curves]
    return float(np.mean(errors))


def _rms(item: Any, rivals: list[Any]) -> float:
    """The root mean square over the evaluation points common to all rivals; else over the item's own."""
    common = set.intersection(*(set(differences) for *_, differences in rivals)) or set(item[-1])
    return float(np.sqrt(np.mean([item[-1][mark] ** 2 for mark in common])))


def _draw(rows: list[dict[str, Any]]) -> Canvas:
    """The differences of the test curves: one panel per data set, one line per curve."""
    tests = [row for row in rows if row["split"] == "test"]
    data = list(dict.fromkeys(row["data"] for row in tests))
    keys = {name: list(dict.fromkeys(_key(row) for row in tests if row["data"] == name)) for name in data}
    marks = sorted({row["samples_seen"] for row in tests})
    tallest = max((len(found) for found in keys.values()), default=1)
    canvas = Canvas(figsize=(4.3 * max(1, len(data)), 0.27 * tallest + 1.5))
    for i, name in enumerate(data):
        ax = canvas.add_subplot(1, len(data), i + 1)
        ax.set_title(dataset(name))
        band = VARIANCE + DIGITISATION[name]
        ax.axvspan(-band, band, color="#EEEEEE", zorder=0)
        ax.axvline(0, color="black", linewidth=0.6, zorder=1)
        for row in (row for row in tests if row["data"] == name):
            shift = 0.16 * (marks.index(row["samples_seen"]) - (len(marks) - 1) / 2)
            half = 0 if np.isnan(row["spread"]) else row["spread"] / 2
            y = keys[name].index(_key(row)) + shift
            style: dict[str, Any] = {"color": COLOURS[row["verdict"]], "markersize": 4, "linewidth": 1}
            marker = MARKERS[marks.index(row["samples_seen"]) % len(MARKERS)]
            ax.errorbar(row["difference"], y, xerr=half, marker=marker, linestyle="none", zorder=3, **style)
        ax.set_xscale("symlog", linthresh=2)  # a miss of a hundred nats must not hide one of two
        ax.set_yticks(range(len(keys[name])), keys[name])
        ax.set_ylim(len(keys[name]) - 0.5, -0.5)
        ax.grid(axis="y", linewidth=0.3, color="#DDDDDD", zorder=0)
        ax.set_xlabel("test bound, ours − paper (nats)")
    handles = [
        Line2D(
            [],
            [],
            marker=MARKERS[i % len(MARKERS)],
            color="black",
            linestyle="none",
            markersize=4,
            label=f"at {mark:,}",
        )
        for i, mark in enumerate(marks)
    ]
    handles += [
        Line2D([], [], marker="s", color=colour, linestyle="none", markersize=5, label=word)
        for word, colour in COLOURS.items()
    ]
    if data:
        canvas.legend(handles=handles, loc="outside upper center", ncols=3 if len(data) == 1 else 6)
    return canvas


def _key(row: dict[str, Any]) -> str:
    return f"$N_z = {row['latent_dim']}$, {row['method']}"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    # JSON has no nan, and numpy's numbers are not its own.
    values = {key: value.item() if isinstance(value, np.generic) else value for key, value in row.items()}
    return {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in values.items()}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **panel(row),
        "split": row["split"],
        "samples seen": f"{row['samples_seen']:,}",
        "seeds": row["seeds"],
        "ours": number(row["ours"]),
        "paper": number(row["paper"]),
        "difference": number(row["difference"], "+"),
        "s.e.": number(row["standard_error"]),
        "spread (seeds)": f"{number(row['spread'])} ({row['spread_seeds']})" if row["spread_seeds"] > 1 else "one seed",
        "verdict": row["verdict"],
        "why, as far as runs tell": row["why"],
    }
