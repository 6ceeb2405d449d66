"""How the cost grows: of a training step with hidden width, latent size and N, of importance sampling with K, of an ensemble with
its members; the matrix products alone beside it.

Only what an axis says differs from the specification. Turns are taken as in the table, with fewer rounds. Matrix products take
over at the first measured point from which on they are half of the time or more; nothing is interpolated.
"""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from aevb.figures.common.style import RC
from aevb.files.atomic import write_atomically, write_json
from benchmarks import machine
from benchmarks.children import Method
from benchmarks.groups import ensemble
from benchmarks.matmul import available
from benchmarks.plan import FEW_EVALUATIONS, Plan
from benchmarks.rounds import Taker, rounds
from benchmarks.trainee import Trainee

__all__ = ["AXES", "Curve", "Point", "main", "takes_over"]

ROUNDS = 3


class Axis(NamedTuple):
    """key: of the specification. values: where it is measured; quick: of these, without --quick too. per: what the time is of."""

    key: str
    label: str
    values: tuple[int, ...]
    quick: tuple[int, ...]
    per: str = "step"


AXES = (
    Axis("hidden_dim", "hidden units", (50, 100, 200, 500, 1000, 2000), (100, 500)),
    Axis("latent_dim", "latent dimensions J", (2, 5, 10, 20, 50, 200), (2, 200)),
    Axis("n_train", "training images N", (1000, 5000, 20_000, 50_000), (1000, 50_000)),
    Axis("samples", "importance samples K", (10, 50, 200, 1000, 5000), (50, 5000), "image"),
)
MEMBERS = (1, 2, 4, 8)
DECADE = 10.0
GEMM_LABELS = {"torch": "matrix products alone", "onednn": "matrix products alone, by oneDNN"}
COLOURS = {"aevb": "#0072B2", GEMM_LABELS["torch"]: "#D55E00", GEMM_LABELS["onednn"]: "#E69F00"}


class Point(NamedTuple):
    """Seconds at one value of an axis, one a round, by method."""

    value: int
    seconds: dict[str, list[float]]

    def median(self, method: str) -> float:
        """Over rounds."""
        return statistics.median(self.seconds[method])

    @property
    def gemm_seconds(self) -> float:
        """Seconds of the matrix products alone, by the faster library."""
        return min(self.median(method) for method in self.seconds if method in GEMM_LABELS.values())


class Curve(NamedTuple):
    """One axis. per: step or image."""

    key: str
    label: str
    per: str
    points: list[Point]


def takes_over(points: list[Point]) -> int | None:
    """The first value from which on the matrix products are at least half of the time; None if at the last they are not."""
    crossing = None
    for point in reversed(points):
        if 2 * point.gemm_seconds < point.median("aevb"):
            break
        crossing = point.value
    return crossing


def main(plan: Plan, output: Path, report_progress: Callable[[str], None]) -> int:
    """Measures, prints, and writes scaling.json and scaling.png."""
    plan = replace(plan, rounds=min(plan.rounds, ROUNDS), until=min(plan.until, 50_000), extra=FEW_EVALUATIONS)
    curves: list[Curve] = []
    record: dict[str, Any] = {"machine": machine.describe(), "recipe": plan.spec.describe(), "rounds": plan.rounds}
    record |= {"threads": plan.threads[0], "load": {"begin": machine.load()}}
    for curve in _curves(plan, report_progress):
        curves.append(curve)
        points = {c.label: [{"value": p.value, "seconds": p.seconds} for p in c.points] for c in curves}
        record["load"]["end"] = machine.load()
        write_json(output / "scaling.json", {**record, "curves": points})
        print(_words(curve), flush=True)
    _draw(output / "scaling.png", curves, plan)
    print(output / "scaling.json", output / "scaling.png", sep="\n")
    return 0


def _curves(plan: Plan, report_progress: Callable[[str], None]) -> Iterator[Curve]:
    threads, brief = plan.threads[0], plan.steps <= 100
    for axis in AXES:
        if axis.key == "n_train" and plan.spec.data != "mnist":
            continue
        points = []
        for value in axis.quick if brief else axis.values:
            changed: dict[str, Any] = {axis.key: value}
            here = replace(plan, spec=replace(plan.spec, **changed))
            seconds = rounds(
                _takers(here, axis, threads), plan.rounds, partial(_report, report_progress, f"{axis.label} {value}")
            )
            if axis.per == "step":
                seconds["aevb"] = [one * here.spec.batch_size for one in seconds["aevb"]]
            points.append(Point(value, seconds))
        yield Curve(axis.key, axis.label, axis.per, points)
    if ensemble.available():
        counts = MEMBERS[:2] if brief else MEMBERS
        points = [Point(count, {"aevb": ensemble.members(plan, count, report_progress)}) for count in counts]
        yield Curve("members", "members of an ensemble", "ensemble", points)


def _report(report_progress: Callable[[str], None], where: str, text: str) -> None:
    report_progress(f"scaling, {where}, {text}")


def _takers(plan: Plan, axis: Axis, threads: int) -> dict[str, Taker]:
    image = axis.per == "image"
    spec = plan.at(plan.images if image else min(plan.steps, 300))
    takers: dict[str, Taker] = {
        "aevb": Method("importance", spec, threads) if image else Trainee(plan.run(), plan.since, threads)
    }
    for by, words in GEMM_LABELS.items():
        if by == "torch" or available():
            method = "importance_gemm" if image else "gemm"
            takers[words] = Method(method, replace(spec, matmul_backend=by), threads)
    return takers


def _words(curve: Curve) -> str:
    scale = 1.0 if curve.key == "members" else 1e3
    values = ", ".join(f"{point.value}: {scale * point.median('aevb'):.3g}" for point in curve.points)
    if curve.key == "members":
        return f"{curve.label}: {values} times the time of one run"
    return f"{curve.label}: ms per {curve.per} at {values}; {_over(takes_over(curve.points))}"


def _over(value: int | None) -> str:
    return (
        "matrix products stay below half of the time"
        if value is None
        else f"matrix products: half or more from {value} on"
    )


def _draw(path: Path, curves: list[Curve], plan: Plan) -> None:
    columns = 3
    rows = -(-(len(curves) + 1) // columns)  # the legend takes a place too
    with matplotlib.rc_context(RC):  # type: ignore[arg-type]
        canvas = Figure(figsize=(2.6 * columns, 2.7 * rows))
        panels = canvas.subplots(rows, columns, squeeze=False).flat
        for axes, curve in zip(panels, curves, strict=False):
            _panel(axes, curve)
        for axes in panels[len(curves) :]:
            axes.axis("off")
        named = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
        panels[len(curves)].legend(named.values(), named.keys(), loc="center", frameon=False)
        spec = plan.spec.describe()
        canvas.suptitle(f"{spec['model']}, {spec['data']}, threads: {plan.threads[0]}", fontsize=9)
        write_atomically(path, partial(canvas.savefig, format="png", metadata={"Software": None}))


def _panel(axes: Axes, curve: Curve) -> None:
    values = [point.value for point in curve.points]
    single = curve.key == "members"
    for method in curve.points[0].seconds:
        scale = 1.0 if single else 1e3
        middle = [scale * point.median(method) for point in curve.points]
        low, high = ([scale * end(point.seconds[method]) for point in curve.points] for end in (min, max))
        axes.plot(values, middle, "o-", color=COLOURS[method], markersize=3, linewidth=1.2, label=method)
        axes.fill_between(values, low, high, color=COLOURS[method], alpha=0.2, linewidth=0)
    if single:
        axes.plot(values, values, ":", color="black", linewidth=0.9, label="one run after another")
    over = None if single else takes_over(curve.points)
    if over is not None:
        axes.axvline(over, color="black", linewidth=0.7, linestyle=":")
    axes.set(xscale="log", yscale="log", xlabel=curve.label)
    axes.set_ylabel("time / time of one run" if single else f"ms per {curve.per}")
    axes.set_xticks(values, [f"{value:,}" for value in values], rotation=45)
    bottom, top = axes.get_ylim()
    axes.set_ylim(min(bottom, top / DECADE), top)  # what is flat looks flat
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.minorticks_off()
    if not single:
        axes.set_title(_over(over), fontsize=8)
