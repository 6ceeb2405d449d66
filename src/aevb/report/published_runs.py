"""The paper's curves as TensorBoard runs of their own, beside the runs that they are compared with (logger.published=true).

A run with data=mnist latent_dim=5 gets `<output_dir>/runs/paper/mnist-z5-aevb` and `...-wake_sleep`, whose tags bound/train and
bound/test are those of the run, so that one chart shows both. The curves end where the longest such run ends, but not before
1e6 samples (some begin at 2.4e5): TensorBoard has no logarithmic axis, on which all of a curve to 1e8 could be seen.
"""

from pathlib import Path

from aevb.figures.paper import published
from aevb.report.event_files import scalar, text, write_event_file

__all__ = ["write_published_runs"]

FOLDER = "paper"
SHORTEST = 1_000_000
PATTERN = "events.out.tfevents.*.paper"


def write_published_runs(runs: Path, data: str, latent_dim: int, max_samples: int) -> list[Path]:
    """Write the curves of one panel of figure 2.

    Args:
        runs: The folder of the runs.
        data: Name of the data set.
        latent_dim: The dimension of z.
        max_samples: Where the curves end; those that go further already are kept.

    Returns:
        The folders of the curves; none if the paper has no such panel.
    """
    max_samples = max(max_samples, SHORTEST)
    curves: dict[str, dict[str, published.Polyline]] = {}
    for algorithm, split, polyline in published.panel(data, latent_dim, float(max_samples)):
        curves.setdefault(algorithm, {})[split] = polyline
    folders = []
    for algorithm, splits in sorted(curves.items()):
        folder = runs / FOLDER / f"{data}-z{latent_dim}-{algorithm}"
        folders.append(folder)
        existing = sorted(folder.glob(PATTERN))
        if existing and _end(existing[-1]) >= max_samples:
            continue
        events = [text("source", f"{published.SOURCE}, figure 2, read from the vector graphics; see docs/results")]
        for split, polyline in splits.items():
            events += [
                scalar(f"bound/{split}", round(float(x)), float(y))
                for x, y in zip(polyline.samples_seen, polyline.value, strict=True)
            ]
        write_event_file(folder / f"events.out.tfevents.{max_samples:013d}.paper", events)
        for path in existing:
            path.unlink(missing_ok=True)
    return folders


def _end(path: Path) -> int:
    digits = path.name.split(".")[-2]
    return int(digits) if digits.isdecimal() else 0
