"""What is said of an option, or of a launcher, that there is not."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from aevb.cli.synonyms import option_meant, option_to_try, own_data
from aevb.config import CONF, options
from aevb.config.migration import renamed_option

__all__ = ["missing_option", "unknown_launcher", "unknown_option"]

EXTRAS = {"joblib": "parallel", "submitit": "cluster", "slurm": "cluster"}  # launcher -> extra that installs it
LAUNCHERS = ["basic", "cores", "ensemble"]  # without the presets that others build on


def missing_option(group: str, option: str, root: str, searched: str) -> str:
    """Return the message for an option that is neither in aevb's configs nor in those of the user's own folder.

    Args:
        group: The configuration group.
        option: What was typed.
        root: The command: "train", "evaluate" or "figure".
        searched: The message of Hydra, which names the folders that it searched.
    """
    folder = re.search(r"provider=command-line, path=file://(.+)$", searched, re.MULTILINE)
    own = Path(folder[1]) if folder else None
    if own and own.as_posix().endswith(f"/{group}") and (own / f"{option}.yaml").is_file():
        above = own.as_posix()[: -len(group) - 1] or "/"
        return (
            f"--config-dir={own}: the folder of one group; allowed: a folder that has {group}/{option}.yaml; "
            f"try: --config-dir={above}"
        )
    here = Path("conf")  # the folder of own configs in the pages
    if own is None and (here / group / f"{option}.yaml").is_file() and here.resolve() != CONF.resolve():
        return (
            f"{group}={option}: not searched for in {here}; allowed: options of aevb, and of a folder that is named; "
            f"try: --config-dir={here}"
        )
    return unknown_option(group, option, root, [path.stem for path in (own / group).glob("*.yaml")] if own else [])


def unknown_option(group: str, option: str, root: str, added: Sequence[str] = ()) -> str:
    """Return the message for an option that a group does not have.

    Args:
        group: The configuration group.
        option: What was typed.
        root: The command: "train", "evaluate" or "figure".
        added: Options of the group in the user's own folder.
    """
    if group == "hydra/launcher":
        return unknown_launcher(option)
    if present := renamed_option(group, option, root):
        return f"{group}={option}: renamed; try: {present}"
    if group == "data" and (own := own_data(option)):
        return f"data={option}: a path; allowed: the name of a data set, array for data of your own; try: {own}"
    known = sorted({*options(group), *added})
    begin = [name for name in known if name.startswith(f"{option}_")]  # experiment=figure2
    meant = option_meant(group, option) or (begin[-1] if begin else None)
    typed = (option, option.lower(), option.rpartition("/")[2])
    close = [meant] if meant else next(filter(None, (get_close_matches(t, known, n=1, cutoff=0.5) for t in typed)), [])
    wrong = f"no such option; did you mean {close[0]}?" if close else "no such option"
    if not close and group == "experiment" and option in options("pitfall"):
        return f"{group}={option}: {wrong}; try: pitfall={option}"
    remedy = close[0] if close else option_to_try(group, known)
    return f"{group}={option}: {wrong}; allowed: {', '.join(known) or 'none'}; try: {group}={remedy}"


def unknown_launcher(option: str) -> str:
    """Return the message for a launcher that does not exist, or is not installed.

    Args:
        option: What was typed.
    """
    if extra := EXTRAS.get(option.partition("_")[0]):
        allowed = ", ".join(LAUNCHERS)
        return f"hydra/launcher={option}: not installed; allowed: {allowed}; try: pip install 'aevb[{extra}]'"
    close = get_close_matches(option, LAUNCHERS, n=1, cutoff=0.5)
    wrong = f"no such option; did you mean {close[0]}?" if close else "no such option"
    remedy = (close or LAUNCHERS)[0]
    return f"hydra/launcher={option}: {wrong}; allowed: {', '.join(LAUNCHERS)}; try: hydra/launcher={remedy}"
