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
    """Load the trained model of a finished run.

    Args:
        run: The run directory.
        data_root: The folder of the data, if it has moved since the run.
        trusted: The names of your own modules that the config of the run may use.

    Returns:
        The trained model.

    Raises:
        UserError: `run` is not a run directory, or the run is not finished.

    Example:
        vae = aevb.load("outputs/runs/digits-sgvb_b-adagrad-z2-s0")
        mean, log_var = vae.encode(x)
        images = vae.decode(mean)
    """
    from aevb.evaluation.trained_model import TrainedModel

    return TrainedModel(run, data_root, trusted)
