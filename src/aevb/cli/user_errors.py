"""Which exceptions say that a command line cannot be composed."""

import traceback
from pathlib import Path

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from aevb.errors import UserError

__all__ = ["is_user_error"]


def is_user_error(error: Exception) -> bool:
    """Return whether an exception means that a command line cannot be composed.

    Any other exception is a fault of the program.

    Args:
        error: The exception.
    """
    if isinstance(error, HydraException | OmegaConfBaseException | YAMLError | UserError):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    in_job = any(frame.name == "__call__" and Path(frame.filename).name == "hydra_app.py" for frame in frames)
    if isinstance(error, OSError) and error.filename and not in_job:
        return True  # not from a job: a path given for Hydra's own files
    # Hydra raises bare ValueErrors and assertions at some command lines (model=1): those that come from its own files.
    return bool({"hydra", "omegaconf", "antlr4"} & set(Path(frames[-1].filename).parts))
