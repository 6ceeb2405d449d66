"""A finished run whose extension was refused, or stopped before it began, is what it was before."""

from contextlib import suppress
from pathlib import Path

from omegaconf import OmegaConf

from aevb.errors import UserError
from aevb.files.atomic import write_text
from aevb.runs import layout
from aevb.runs.lock import lock
from aevb.runs.records import read_done, sha256_of
from aevb.runs.run import state
from aevb.runs.settings import read_settings

__all__ = ["restore", "unextended"]


def restore(directory: Path) -> None:
    """Give a finished run its config.yaml back, after an extension was refused that had changed nothing else.

    That is so if DONE is there still. FAILED stays, with the reason of the refusal.

    Args:
        directory: The run directory.
    """
    if state(directory) != "done":
        return
    with suppress(UserError):
        read_settings(directory)  # a damaged config.yaml is no config of an extension, and stays as it is
        copy = read_done(directory).get("config") or {}
        text = OmegaConf.to_yaml(OmegaConf.create(copy.get("settings")))
        if sha256_of(text.encode()) == copy.get("sha256"):
            write_text(directory / layout.CONFIG, text)


def unextended(directory: Path) -> None:
    """Give a finished run its config.yaml back (see `restore`), unless a process is at work in it.

    Args:
        directory: The run directory.
    """
    with suppress(UserError), lock(directory):
        restore(directory)
