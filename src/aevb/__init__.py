"""aevb: Auto-Encoding Variational Bayes (Kingma & Welling, arXiv 1312.6114), reproduced whole.

`import aevb` is light: torch and Hydra are imported only when `aevb.train` or `aevb.load` is called.
"""

from collections.abc import Iterable
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from aevb.api.trained_run import TrainedRun

__all__ = ["__version__", "load", "runs", "train"]
__version__ = "0.2.0"


def train(
    *overrides: str,
    trusted: str | tuple[str, ...] = (),
    config_dir: str | PathLike[str] | None = None,
    progress: bool = True,
    **settings: Any,
) -> "TrainedRun":
    """Train a run as `aevb-train` does, with the same name, the same checks and the same bits, and return it.

    A finished run is returned at once; an interrupted run is resumed from its last checkpoint.

    Args:
        overrides: `key=value` each, as on the command line: "objective=iwae", "optimizer.lr=0.02".
        trusted: Your own modules that the config may name, as `--trust` on the command line; text is one module.
        config_dir: A folder of configs of your own, searched beside aevb's, as `--config-dir` on the command line.
        progress: Whether to show a progress bar.
        settings: Keys and their values: `data="digits", latent_dim=2`; for a dotted key
            `**{"optimizer.lr": 0.02}`.

    Returns:
        The finished run, what `load` returns.

    Raises:
        aevb.errors.UserError: In one line, as the command would print it.
        KeyboardInterrupt: After an interruption; the run has saved a checkpoint, and the same call resumes it.

    Example:
        >>> run = aevb.train(data="digits", latent_dim=2, max_samples=2e5)
        >>> run.metrics().plot(x="samples_seen", y="test_bound", logx=True)
    """
    from aevb.cli.train_function import train_run

    modules = _modules(trusted)
    return load(train_run(overrides, settings, modules, progress, config_dir), trusted=modules)


def load(
    run: str | PathLike[str],
    data_root: str | None = None,
    trusted: str | tuple[str, ...] = (),
    weights: Literal["final", "best"] = "final",
) -> "TrainedRun":
    """Load a finished run.

    Args:
        run: The run directory, or `ARCHIVE.zip:NAME` for a run in an archive of `aevb-weights`.
        data_root: The directory of the data, if it is not the one that the run used.
        trusted: Your own modules that the config of the run may name; text is one module.
        weights: Those at the end of training, or the best ones of a run with early stopping.

    Returns:
        The run: its model, settings, curves and evaluations.

    Raises:
        aevb.errors.UserError: If `run` is no run, is not finished, or is damaged.

    Example:
        >>> vae = aevb.load("outputs/runs/digits-sgvb_b-adagrad-z2-s0")
        >>> mean, log_var = vae.encode(x)
        >>> images = vae.decode(mean)
    """
    from aevb.api.trained_run import TrainedRun

    return TrainedRun(run, data_root, _modules(trusted), weights)


def _modules(trusted: str | Iterable[str]) -> tuple[str, ...]:
    # Without its comma, ("mymodels",) is text, whose letters are no modules.
    return (trusted,) if isinstance(trusted, str) else tuple(trusted)


def __getattr__(name: str) -> Any:
    # The package `aevb.runs`, which can be called: the table of all runs in a folder.
    if name == "runs":
        return import_module("aevb.runs")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
