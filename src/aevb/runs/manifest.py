"""manifest.json: the environment in which a run was made, for people and for aevb-diff.

Nothing reads it to decide anything: it is in no fingerprint, and two runs that differ in it alone are the same experiment.
"""

import hashlib
import os
import platform
import shlex
import subprocess
import sys
from contextlib import suppress
from datetime import datetime
from email.parser import HeaderParser
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from aevb import __version__
from aevb.config import fingerprint
from aevb.console.environment import COMMAND
from aevb.errors import UserError
from aevb.files.atomic import write_json
from aevb.runs import layout
from aevb.runs.records import read_manifest

__all__ = ["begin", "commit", "installed_packages", "processor", "uncommitted_sha256"]

PACKAGES = ("aevb", "torch", "lightning", "hydra-core", "omegaconf", "numpy", "tensorboard")
CODE = ("src", "conf")  # where a new file counts


def begin(directory: Path, settings: dict[str, Any], data: dict[str, str], hardware: dict[str, Any]) -> None:
    """Write manifest.json as a run starts or is resumed.

    The earlier starts are kept. Only one process of a run calls this.

    Args:
        directory: The run directory.
        settings: The config of the run.
        data: The sha256 of the targets of each split.
        hardware: The hardware of this start.
    """
    path = directory / layout.MANIFEST
    try:
        starts = read_manifest(directory).get("starts", [])
    except (OSError, UserError):
        starts = []  # the first start; or damaged, which is no reason not to train
    described, packages = commit(), installed_packages()
    write_json(
        path,
        {
            "fingerprint": fingerprint(settings),
            "seed": settings["seed"],
            "versions": {"python": platform.python_version(), **{name: packages.get(name) for name in PACKAGES}},
            "commit": described and described.removesuffix("-dirty"),
            "dirty": described and described.endswith("-dirty"),
            "uncommitted_sha256": uncommitted_sha256(),
            "packages": packages,
            "platform": platform.platform(),
            "processor": processor(),
            "devices": settings["trainer"]["devices"],
            **_origin(settings),
            **hardware,
            "data": data,
            "starts": [*starts, _start()],
        },
    )


def _origin(settings: dict[str, Any]) -> dict[str, Any]:
    # The run that this one starts from, if any.
    if settings.get("init_from") is None:
        return {}
    return {"init_from": {"run": settings["init_from"], "model_sha256": settings.get("init_sha256")}}


def _start() -> dict[str, Any]:
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    command = os.environ.get(COMMAND, shlex.join(sys.argv))  # what the user typed, also where a sweep calls
    return {"time": now, "host": platform.node(), "pid": os.getpid(), "command": command}


def commit() -> str | None:
    """Return the commit of the running code, with "-dirty" if files were changed; None outside a checkout."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:  # no git, or one that may not be executed
        return None
    return answer.stdout.strip() or None


def uncommitted_sha256(root: Path | None = None) -> str | None:
    """Return the sha256 of what a checkout has beyond its commit: the difference of its files, and new files.

    Args:
        root: The checkout; None: that of the running code.

    Returns:
        Hexadecimal digits; None outside a checkout and where nothing is uncommitted.
    """
    root = root or Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    try:
        difference = _git(root, "diff", "HEAD", "--binary", "--no-ext-diff", "--no-color")
        new = _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", *CODE)
    except (OSError, subprocess.CalledProcessError):
        return None
    digest = hashlib.sha256(difference)
    names = sorted(name for name in new.split(b"\0") if name)
    for name in names:
        digest.update(name + b"\0")
        with suppress(OSError):
            digest.update(hashlib.sha256((root / os.fsdecode(name)).read_bytes()).digest())
    return digest.hexdigest() if difference or names else None


def _git(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=True).stdout


def installed_packages() -> dict[str, str]:
    """Return the version of every installed distribution by its name, in lower case and sorted.

    An editable install states for aevb the version of the day on which it was installed; the version here is that of its source.
    """
    versions: dict[str, str] = {}
    for folder in reversed(sys.path):  # an import takes the first
        if folder:
            versions |= _versions(folder, _changed(folder))
    return dict(sorted({**versions, "aevb": __version__}.items()))


@cache
def _versions(folder: str, _: int) -> dict[str, str]:
    # Read once for a folder as it is: it takes a fifth of a second, as long as a short run. The body of a file, the README
    # of its package, is most of that and is not parsed.
    versions = {}
    for one in distributions(path=[folder]):
        head = (one.read_text("METADATA") or one.read_text("PKG-INFO") or "").partition("\n\n")[0]
        fields = HeaderParser().parsestr(head)
        if fields["Name"]:
            versions[fields["Name"].lower()] = str(fields["Version"])
    return versions


def _changed(folder: str) -> int:
    # pip changes the time of the folder into which it installs.
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0


def processor() -> str:
    """Return the name of the processor, as far as the system states it.

    One name may stand for several generations, whose speed differs: "AMD EPYC" of family 25 is Zen 3 or 4, of 26 Zen 5.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    pairs = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    name = pairs.get("model name", platform.machine())
    known = [f"{word} {pairs[key]}" for key, word in (("cpu family", "family"), ("model", "model")) if key in pairs]
    return f"{name} ({', '.join(known)})" if known else name
