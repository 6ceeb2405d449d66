"""The environment variables of aevb, all of them. None has to be set by a user; `DATA` may be.

They carry what a command knows to the processes that it starts. Whatever else a process needs to know is an argument.
"""

from threading import RLock

__all__ = ["BARS", "COMMAND", "DATA", "LAUNCHER", "NO_BARS", "ONE_CALL", "SCRATCH"]

DATA = "AEVB_DATA"
"""Read: the folder of the data sets, for those whose config names none."""

COMMAND = "AEVB_COMMAND"
"""Set by a command: the line that the user typed. Read by the run that writes manifest.json, in whichever process."""

SCRATCH = "AEVB_SCRATCH"
"""Set by a command: its temporary folder, where Hydra keeps its notes on a sweep. Read in conf/*.yaml, by `${oc.env:...}`."""

LAUNCHER = "AEVB_LAUNCHER"
"""Set by a command whose jobs joblib or submitit start: its process id. The processes of those jobs end when it has died."""

BARS = "AEVB_BARS"
"""Set by a command that draws progress bars for its child processes: the folder in which they write how far they are."""

NO_BARS = "none"
"""The value of BARS with which nothing shows its progress."""

ONE_CALL = RLock()
"""Held by a function of the Python API while the environment and the settings of torch are not the caller's: threads wait."""
