"""What differs between two runs, and by how much their results do. Without torch, but for the weights.

Names, places and times of day are no differences. A difference of results is given in nats and in standard errors of the
difference of two independent estimates, d / sqrt(se_a^2 + se_b^2); runs that share test images differ by less than that says.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aevb.config import flatten, shown
from aevb.runs import layout
from aevb.runs.csv_table import CLOCK, read_rows
from aevb.runs.evaluation_record import read_evaluation
from aevb.runs.records import read_manifest
from aevb.runs.settings import read_settings

__all__ = ["differences", "environments", "results", "rows"]

NAMES = ("name", "output_dir")
SHARED = (
    *("versions", "packages", "commit", "dirty", "uncommitted_sha256"),
    *("platform", "processor", "device", "threads", "matmul_backend", "data"),
)
NEWER = ("packages", "uncommitted_sha256")  # not in the manifests of older runs


def rows(run: Path) -> dict[int, dict[str, str]]:
    """Read the rows of metrics.csv as they are written.

    Args:
        run: The run directory.

    Returns:
        The rows by samples_seen; none if there is no such file.
    """
    try:
        return {int(line[CLOCK]): line for line in read_rows(run / layout.METRICS)}
    except FileNotFoundError:
        return {}


def environments(a: Path, b: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read the keys of manifest.json that two runs can share.

    Args:
        a: The first run directory.
        b: The second run directory.

    Returns:
        For each run the values by dotted key; none if there is no manifest. What an older manifest does not list is left out
        of both.
    """
    manifests = []
    for run in (a, b):
        try:
            manifests.append(read_manifest(run))
        except FileNotFoundError:
            manifests.append({})
    one, other = manifests
    keys = [key for key in SHARED if key not in NEWER or (key in one and key in other)]
    shared = ({key: each[key] for key in keys if key in each} for each in manifests)
    values, other_values = (dict(flatten(each)) if each else {} for each in shared)
    return _without_repeats(values), _without_repeats(other_values)


def _without_repeats(values: dict[str, Any]) -> dict[str, Any]:
    # The packages that the node `versions` lists too.
    return {
        key: value
        for key, value in values.items()
        if key.replace("packages.", "versions.", 1) not in values or not key.startswith("packages.")
    }


def results(run: Path) -> dict[str, tuple[float, float]]:
    """Read the mean and standard error of every value of the run's evaluations.

    Args:
        run: The run directory.

    Returns:
        (mean, standard error) by name, as in "bound-test bound".
    """
    return {
        f"{path.stem} {name}": (value["mean"], value["standard_error"])
        for path in layout.evaluation_files(run)
        for name, value in read_evaluation(path).get("values", {}).items()
    }


def differences(a: Path, b: Path) -> Iterator[tuple[str, str, str, str]]:
    """Compare two runs: config, environment, curves and evaluations.

    Args:
        a: The first run directory.
        b: The second run directory.

    Yields:
        (what, value in a, value in b, difference) for everything that differs.
    """
    yield from _keys("config", _config(a), _config(b))
    yield from _keys("manifest", *environments(a, b))
    yield from _curves(rows(a), rows(b))
    values_a, values_b = results(a), results(b)
    for key in dict.fromkeys([*values_a, *values_b]):
        if key not in values_a or key not in values_b:
            yield f"evaluation {key}", _there(key, values_a), _there(key, values_b), ""
        elif values_a[key] != values_b[key]:
            (mean, error), (mean_b, error_b) = values_a[key], values_b[key]
            spread = math.hypot(error, error_b)
            units = f" = {(mean_b - mean) / spread:+.2f} standard errors" if spread > 0 else ""
            one, other = (_with_error(*value) for value in (values_a[key], values_b[key]))
            yield f"evaluation {key}", one, other, f"{mean_b - mean:+.6g}{units}"


def _keys(kind: str, a: dict[str, Any], b: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for key in dict.fromkeys([*a, *b]):
        values_a, values_b = a.get(key, "absent"), b.get(key, "absent")
        if values_a != values_b or type(values_a) is not type(values_b):
            yield f"{kind} {key}", shown(values_a), shown(values_b), ""


def _with_error(mean: float, error: float) -> str:
    return f"{mean:.6g} ± {error:.3g}" if math.isfinite(error) else f"{mean:.6g}"  # a single image has no error


def _there(key: str, values: dict[str, Any]) -> str:
    return "there" if key in values else "absent"


def _config(run: Path) -> dict[str, Any]:
    return {key: value for key, value in flatten(read_settings(run)) if key not in NAMES}


def _curves(a: dict[int, dict[str, str]], b: dict[int, dict[str, str]]) -> Iterator[tuple[str, str, str, str]]:
    common = sorted(a.keys() & b.keys())
    if a.keys() != b.keys():
        one, other = (f"{len(each)} to {max(each, default=0):,}" for each in (a, b))
        yield "metrics evaluation points", one, other, f"{len(common)} common"
    for column in dict.fromkeys([*a[common[0]], *b[common[0]]]) if common else ():
        apart = [point for point in common if a[point].get(column) != b[point].get(column)]
        if not apart:
            continue
        gaps = {point: gap for point in apart if (gap := _gap(a, b, point, column)) is not None}
        far = max(gaps, key=lambda point: abs(gaps[point])) if gaps else apart[-1]
        most = f"most at {far:,}: {gaps[far]:+.6g}" if gaps else ""
        last = _gap(a, b, common[-1], column)
        parts = (most, f"first at {apart[0]:,}", "" if last is None else f"{last:+.6g} at {common[-1]:,}")
        one, other = (str(each[far].get(column, "absent")) or "empty" for each in (a, b))
        yield f"metrics {column}", one, other, "; ".join(part for part in parts if part)


def _gap(a: dict[int, dict[str, str]], b: dict[int, dict[str, str]], point: int, column: str) -> float | None:
    try:
        return float(b[point][column]) - float(a[point][column])
    except (KeyError, ValueError, TypeError):
        return None  # one of them was not computed
