"""aevb: Auto-Encoding Variational Bayes (Kingma & Welling, arXiv 1312.6114), reproduced whole.

`import aevb` is light: torch is imported only when `aevb.load` is called.
"""

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aevb.evaluation.trained_model import TrainedModel

__all__ = ["__version__", "load"]
__version__ = "0.1.0"


def load(run: str | PathLike[str], data_root: str | None = None, trusted: tuple[str, ...] = ()) -> "TrainedModel":
    """The model of a finished run.

    run: its directory. data_root: where the data lie now, if not where the run found them. trusted: your own modules that the
    run's config may name. Raises aevb.errors.UserError if `run` is no run, or not finished.

    Example:
        vae = aevb.load("outputs/runs/digits-sgvb_b-adagrad-z2-s0")
        mean, log_var = vae.encode(x)
        images = vae.decode(mean)
    """
    from aevb.evaluation.trained_model import TrainedModel

    return TrainedModel(run, data_root, trusted)
